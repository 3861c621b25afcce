"""The codes of the machine's operations."""

from __future__ import annotations

from enum import IntEnum

COLUMNS, NUMBERS = 13, 2  # of an operation's integers, the first of which is its code, and numbers


class Code(IntEnum):
    """What an operation does.

    The first six call a routine of NumPy's, whose address comes first. The integers of passes over
    a batch begin with the numbers of units and of rows, those of passes over parameters with their
    number, and then come addresses; what else comes first is said beside the others.
    """

    GEMM = 0  # whether a and b are transposed, m, n, k, then a, b and c, each with its stride
    GEMV = 1  # whether the order is by rows, and a transposed, m, n, a and its stride, x, y
    DOT = 2  # n, x, y, the place of the sum
    APPLY = 3  # the routine's data, n, x, y, the size of a number
    SUM = 4  # the routine's data, n, x, the place of the sum, the step from number to number
    SUM_UNITS = 5  # the routine's data, units, rows, x, the places of the sums, a number's size
    ADD_BIAS = 10  # z, b
    ADD_BIAS_RELU = 11  # z, b, y
    RELU = 12  # x, y
    RELU_BACK = 13  # y, grad
    TANH_BACK = 14  # y, grad
    SCALE = 15  # x; the factor
    OPPOSE = 16  # x, y; the largest
    INVERT = 17  # y
    SIGMOID_BACK = 18  # y, grad
    RESCALE = 19  # x, which lies row by row, y; the factor, what is added
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
    ADD_BIAS_CLIP = 40  # z, b
    SHIFT = 41  # z, which lies row by row, b
    SHIFT_CLIP = 42  # the same
    DIVIDE = 43  # p, the row of divisors
    WEIGH_ROWS = 44  # x, the rows' weights
    TAKE_RIGHT = 45  # z, y, the row of which Σ z y is taken
    GATHER_BYTES = 50  # columns, rows, those of the source, source, batch: integers of 8 bits
    GATHER_SINGLES = 51  # the same of float32; all of these become the machine's numbers
    GATHER_DOUBLES = 52  # of float64
    GATHER_SHORT_INTEGERS = 53  # of integers of 32 bits
    GATHER_INTEGERS = 54  # of integers of 64 bits
    GATHER_LABELS = 55  # of the same, which stay so
    COUNT_LABELS = 60  # labels, p, the counts of all batches: the rows decided correctly
    COUNT_ROWS = 61  # the same, with a row of the target for each
    COUNT_BITS = 62  # with a single unit, which is cut at 0.5 as the target is
    DIVIDE_SUMS = 70  # sums, which become means over the rows
    CENTER_UNITS = 71  # x, μ, x̂, squares
    DIVIDE_UNITS = 72  # x̂, v, σ, γ, β, y; ε
    STANDARDIZE_UNITS = 73  # x, μ, v, γ, β, y; ε
    MULTIPLY = 74  # x, grad, product
    WEIGH_UNITS = 75  # x̂, γ, grad, product
    UNITS_BACK = 76  # x̂, σ, the means of g and of g x̂, grad
    LAYER_NORM = 77  # x, γ, β, x̂, y, means, σ; ε
    LAYER_NORM_BACK = 78  # x̂, σ, γ, grad, the means of g and of g x̂
    REFUSE = 79  # a sum of squares, the loss's sums; the limit
    FOLLOW = 80  # averages, those of the batch; what is kept, what is added
    DESCEND = 90  # which of a step's updates, size, w, g and memory, as of all below
    ROLL = 91
    LOOK_AHEAD = 92
    ADAM = 93
    RMSPROP = 94
    ADAGRAD = 95
    DROP_HALVES = 100  # the state's words, what was left over, both as they were, numbers, x, m, y;
    # the rate, 1 / (1 - rate): by integers of 32 bits
    DROP_NUMBERS = 101  # the same, by those of 64 bits
    DROP_BACK = 102  # m, grad
    UNDRAW = 103  # the state's words, what was left over, both as they were
    SIZES = 105  # w, |w|
    PENALTY = 106  # of which of the values, the sum of sizes, that of squares
    ADD_SIGNS = 107  # w, grad; the factor
    ADD_SHARES = 108  # w, grad; the factor
    CLIP = 110  # x, y; the smallest and the largest
    ADD_POSITIVE = 111  # x, y; the factors of max(x, 0) and of y
    SELU = 112  # the same
    SELU_BACK = 113  # x, the power, grad; its factor, what is added where x > 0
    ELU_BACK = 114  # y, grad; what is added
    LEAKY_RELU = 115  # x, y; the slope
    LEAKY_RELU_BACK = 116  # x, grad; the slope
    GELU_EXPONENT = 117  # x, the exponent; the largest |x|
    GELU = 118  # x, the power, Φ(-|x|), y, the coefficients; the largest |x|
    GELU_BACK = 119  # x, the power, Φ(-|x|), grad; its factor, the largest |x|
    GELU_ARGUMENT = 120  # x, u; the factor of x², that of all
    GELU_TANH = 121  # x, t, y
    GELU_TANH_BACK = 122  # x, t, grad; as forward
    SWISH = 123  # x, the power, y; the smallest x
    SWISH_BACK = 124  # s, y, grad
    SOFTPLUS_EXPONENT = 125  # x, y
    SOFTPLUS_BACK = 126  # the power, grad
    EXPONENTIAL_BACK = 127  # y, grad
    MISH = 128  # x, the power, y
    MISH_BACK = 129  # x, the power, grad; the smallest and the largest x


class Plan(IntEnum):
    """The places of what tells how steps are run one after another."""

    GATHERED = 0  # where the operations end that gather the batch, and so on:
    MIDDLE = 1  # forward, with the loss,
    PENALIZED = 2  # add penalties to it,
    BACK = 3  # back, and take the square of the gradient's norm,
    COUNTED = 4  # count for the metrics, between these two,
    END = 5  # update,
    UNDONE = 6  # have generators as they were before a step that is not made
    SUMS = 7  # the address of the loss's two sums
    SQUARE = 8  # of the square of the norm
    ROWS = 9  # of a batch
    STEPS = 10  # to be made
    DONE = 11  # made


class Value(IntEnum):
    """The places of the numbers that go with a `Plan`; λ₁ and λ₂ of each penalty follow."""

    DIVISOR = 0  # of the loss's sums
    LIMIT = 1  # the largest norm of the gradient with which an update is made
    TOTAL = 2  # Σ loss · rows
