"""Loops that numba compiles, for formulas of which NumPy makes many passes over its arrays.

A part has its formulas in its own file, as NumPy computes them. Where it is worth the time, a class
here does the same in fewer passes: it keeps the part, reads its numbers and arrays, and has
methods of the same names. Each loop makes the operations of the formula in NumPy's order, and
leaves products, exponentials, sines and random numbers to NumPy. The results are therefore **the
same to the last bit**, and nothing else than time depends on whether loops are compiled: a training
may begin with them, be resumed without, and ends with the same weights.

Read `compiler`, how a loop is compiled and kept on disk; `twins`, how a part is found here; then
`optimizers`, and the layers, one a file. A part that is not here, such as one of the user's own,
runs as it always does. numba comes with ``pip install 'ffnn[fast]'``.
"""
