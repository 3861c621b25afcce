"""Where the operations of a machine find the rows that they work on."""

from __future__ import annotations

from ffnn._types import Array
from ffnn.kernels.compiler import loop


@loop("rln")
def place(x: Array, operations: Array, columns: Array) -> None:
    """Have the operations that read a batch, each in a column or in none, read x."""
    for i in range(columns.size):
        if columns[i]:
            operations[i, columns[i]] = x.ctypes.data
