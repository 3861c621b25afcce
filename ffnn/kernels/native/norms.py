"""The passes of layer and batch normalisation, over arrays that have a row for each unit.

Means over the rows of a batch are NumPy's pairwise sums, which its own loop makes, and are divided
here; means over the units are added unit by unit, as NumPy does with batches that lie column by
column. A mean is divided in float64, as NumPy divides by a number of entries.
"""

from __future__ import annotations

import math

import numpy as np

from ffnn._types import Array
from ffnn.kernels.chains.codes import Code
from ffnn.kernels.native.arrays import matrix, pass_over, vector


@pass_over
def divide_sums(sums: Array, count: int) -> None:
    """Write means in place of sums."""
    for i in range(sums.size):
        sums[i] = np.float64(sums[i]) / np.float64(count)


@pass_over
def center_units(x: Array, mean: Array, x_hat: Array, square: Array) -> None:
    """Write x - μ and its square."""
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            x_hat[i, j] = x[i, j] - mean[i]
            square[i, j] = x_hat[i, j] * x_hat[i, j]


@pass_over
def divide_units(
    x_hat: Array, variance: Array, std: Array, gamma: Array, beta: Array, y: Array, epsilon: float
) -> None:
    """Write σ = √(v + ε), x̂ and y = γ x̂ + β."""
    for i in range(x_hat.shape[0]):
        std[i] = np.sqrt(variance[i] + epsilon)
        for j in range(x_hat.shape[1]):
            x_hat[i, j] = x_hat[i, j] / std[i]
            y[i, j] = x_hat[i, j] * gamma[i] + beta[i]


@pass_over
def standardize_units(
    x: Array, mean: Array, variance: Array, gamma: Array, beta: Array, y: Array, epsilon: float
) -> None:
    """Write y = γ (x - μ) / √(v + ε) + β with a mean and a variance that are known."""
    for i in range(x.shape[0]):
        std = np.sqrt(variance[i] + epsilon)
        for j in range(x.shape[1]):
            y[i, j] = (x[i, j] - mean[i]) / std * gamma[i] + beta[i]


@pass_over
def multiply(x: Array, grad: Array, product: Array) -> None:
    """Write x grad."""
    for i in range(x.size):
        product[i] = grad[i] * x[i]


@pass_over
def weigh_units(x_hat: Array, gamma: Array, grad: Array, product: Array) -> None:
    """Write g = grad γ in place of grad, and g x̂."""
    for i in range(grad.shape[0]):
        for j in range(grad.shape[1]):
            grad[i, j] = grad[i, j] * gamma[i]
            product[i, j] = grad[i, j] * x_hat[i, j]


@pass_over
def units_back(x_hat: Array, std: Array, mean_g: Array, mean_product: Array, grad: Array) -> None:
    """Write (g - mean(g) - x̂ mean(g x̂)) / σ in place of g."""
    for i in range(grad.shape[0]):
        for j in range(grad.shape[1]):
            grad[i, j] = (grad[i, j] - mean_g[i] - x_hat[i, j] * mean_product[i]) / std[i]


@pass_over
def layer_norm(
    x: Array, gamma: Array, beta: Array, x_hat: Array, y: Array, row: Array, std: Array, e: float
) -> None:
    """Write x̂, σ and y = γ x̂ + β of each column of x; `row` holds the means meanwhile."""
    zero, units = x.dtype.type(0), x.shape[0]
    for j in range(row.size):
        row[j] = zero
        std[j] = zero
    for i in range(units):
        for j in range(row.size):
            row[j] = row[j] + x[i, j]
    for j in range(row.size):
        row[j] = np.float64(row[j]) / np.float64(units)
    for i in range(units):
        for j in range(row.size):
            x_hat[i, j] = x[i, j] - row[j]
            std[j] = std[j] + x_hat[i, j] * x_hat[i, j]
    for j in range(row.size):
        std[j] = np.float64(std[j]) / np.float64(units)
        std[j] = np.sqrt(std[j] + e)
    for i in range(units):
        for j in range(row.size):
            x_hat[i, j] = x_hat[i, j] / std[j]
            y[i, j] = x_hat[i, j] * gamma[i] + beta[i]


@pass_over
def layer_norm_back(
    x_hat: Array, std: Array, gamma: Array, grad: Array, mean_g: Array, mean_product: Array
) -> None:
    """Write (g - mean(g) - x̂ mean(g x̂)) / σ, with g = grad γ, in place of grad."""
    zero, units = grad.dtype.type(0), grad.shape[0]
    for j in range(std.size):
        mean_g[j] = zero
        mean_product[j] = zero
    for i in range(units):
        for j in range(std.size):
            grad[i, j] = grad[i, j] * gamma[i]
            mean_g[j] = mean_g[j] + grad[i, j]
            mean_product[j] = mean_product[j] + grad[i, j] * x_hat[i, j]
    for j in range(std.size):
        mean_g[j] = np.float64(mean_g[j]) / np.float64(units)
        mean_product[j] = np.float64(mean_product[j]) / np.float64(units)
    for i in range(units):
        for j in range(std.size):
            grad[i, j] = (grad[i, j] - mean_g[j] - x_hat[i, j] * mean_product[j]) / std[j]


@pass_over
def follow(moving: Array, batch: Array, kept: float, share: float) -> None:
    """Move averages towards those of a batch: m ← kept m + share b."""
    for i in range(moving.size):
        moving[i] = moving[i] * kept + batch[i] * share


@pass_over
def refuse(square: Array, sums: Array, limit: float) -> None:
    """Make the loss NaN unless a square is below its limit."""
    if not square[0] < limit:
        sums[0] = math.nan


@pass_over
def compute_norm(o, f, one):  # type: ignore[no-untyped-def]  # in terms of the compiler alone
    """Make a pass of a normalisation; return whether the operation is one."""
    code, m, n = o[0], o[1], o[2]
    if code == Code.DIVIDE_SUMS:
        divide_sums(vector(o[3], m, one), n)
    elif code == Code.CENTER_UNITS:
        x, x_hat, square = matrix(o[3], m, n, one), matrix(o[5], m, n, one), matrix(o[6], m, n, one)
        center_units(x, vector(o[4], m, one), x_hat, square)
    elif code == Code.DIVIDE_UNITS:
        x_hat, y, beta = matrix(o[3], m, n, one), matrix(o[8], m, n, one), vector(o[7], m, one)
        variance, std, gamma = vector(o[4], m, one), vector(o[5], m, one), vector(o[6], m, one)
        divide_units(x_hat, variance, std, gamma, beta, y, f[0])
    elif code == Code.STANDARDIZE_UNITS:
        x, y, beta = matrix(o[3], m, n, one), matrix(o[8], m, n, one), vector(o[7], m, one)
        mean, variance, gamma = vector(o[4], m, one), vector(o[5], m, one), vector(o[6], m, one)
        standardize_units(x, mean, variance, gamma, beta, y, f[0])
    elif code == Code.MULTIPLY:
        multiply(vector(o[3], m * n, one), vector(o[4], m * n, one), vector(o[5], m * n, one))
    elif code == Code.WEIGH_UNITS:
        x_hat, grad = matrix(o[3], m, n, one), matrix(o[5], m, n, one)
        weigh_units(x_hat, vector(o[4], m, one), grad, matrix(o[6], m, n, one))
    elif code == Code.UNITS_BACK:
        std, mean_g, mean_product = vector(o[4], m, one), vector(o[5], m, one), vector(o[6], m, one)
        units_back(matrix(o[3], m, n, one), std, mean_g, mean_product, matrix(o[7], m, n, one))
    elif code == Code.LAYER_NORM:
        x, x_hat, y = matrix(o[3], m, n, one), matrix(o[6], m, n, one), matrix(o[7], m, n, one)
        gamma, beta = vector(o[4], m, one), vector(o[5], m, one)
        layer_norm(x, gamma, beta, x_hat, y, vector(o[8], n, one), vector(o[9], n, one), f[0])
    elif code == Code.LAYER_NORM_BACK:
        x_hat, std, gamma = matrix(o[3], m, n, one), vector(o[4], n, one), vector(o[5], m, one)
        mean_g, mean_product = vector(o[7], n, one), vector(o[8], n, one)
        layer_norm_back(x_hat, std, gamma, matrix(o[6], m, n, one), mean_g, mean_product)
    elif code == Code.REFUSE:
        refuse(vector(o[3], 1, one), vector(o[4], 1, one), f[0])
    elif code == Code.FOLLOW:
        follow(vector(o[3], m, one), vector(o[4], m, one), f[0], f[1])
    else:
        return False
    return True
