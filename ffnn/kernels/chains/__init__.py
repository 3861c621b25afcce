"""Chains of library parts that one call computes forward, with the loss, and another one back.

On a small network NumPy's calls take longer than what they compute. Here each part writes down what
its formulas make of a batch, once for each batch size, as a list of operations with the arrays that
they work on; `ffnn.kernels.native` runs the list. The bits are NumPy's.

Read `codes`, what operations there are; `routines`, where NumPy's own are found; `program`, a list
of them; `parts`, `activations`, `norms`, `masks`, `losses` and `penalties`, who writes what; then
`chain`, a step; `runs`, many of them; `forward`, predictions.
"""
