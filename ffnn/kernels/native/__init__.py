"""What needs numba to be imported: the machine that runs a whole chain of operations in one call.

Read `calls`, how NumPy's own routines are called by their addresses, then `arrays`, `losses`,
`machine`, `placing` and `steps`.
"""
