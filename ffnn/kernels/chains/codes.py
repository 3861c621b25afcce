"""The codes of the machine's operations."""

from __future__ import annotations

from enum import IntEnum

COLUMNS, NUMBERS = 13, 2  # of an operation's integers, the first of which is its code, and numbers


class Code(IntEnum):
    """What an operation does.

    The first five call a routine of NumPy's, whose address comes first. The integers of all others
    begin with the numbers of units and of rows, then come addresses.
    """

    GEMM = 0  # whether a and b are transposed, m, n, k, then a, b and c, each with its stride
    GEMV = 1  # whether the order is by rows, and a transposed, m, n, a and its stride, x, y
    DOT = 2  # n, x, y, the place of the sum
    APPLY = 3  # the routine's data, n, x, y, the size of a number
    SUM = 4  # the routine's data, n, x, the place of the sum, the size of a number
    ADD_BIAS = 10  # z, b
    ADD_BIAS_RELU = 11  # z, b, y
    RELU = 12  # x, y
    RELU_BACK = 13  # y, grad
    TANH_BACK = 14  # y, grad
    SCALE = 15  # x; the factor
    OPPOSE = 16  # x, y; the largest
    INVERT = 17  # y
    SIGMOID_BACK = 18  # y, grad
    BELOW_LARGEST = 30  # x, z, the row of maxima
    DIVIDE_BY_SUM = 31  # p, the row of sums
    ONE_HOT = 32  # labels, y; off, on
    SHARES = 33  # target, y; what is kept, what is added
    DIFFERENCES = 34  # p, y; the factor
    SQUARE_ERRORS = 35  # p, target, errors, squares
    DOUBLE = 36  # errors; the factor
    LOGIT_ERRORS = 37  # z, target, values, tails, p; the largest exponent
    ADD = 38  # x, y
    TARGET_ERRORS = 39  # p, target, errors; the factor
