"""Inputs that are hard to learn from: of other sizes than 1, far from 0, or without information."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ffnn.core.text import listed
from ffnn.diagnostics.report import NOTE, PROBLEM, WARNING, Finding
from ffnn.layers import Normalization, Rescaling

if TYPE_CHECKING:
    from ffnn._types import Array
    from ffnn.diagnostics.probe import Columns, Measurements
    from ffnn.diagnostics.sample import Sample
    from ffnn.layers.base import Layer

LARGE = 10.0  # root mean square of a column; standardised columns have 1
VERY_LARGE = 100.0
FAR = 20.0  # mean of a column, in its standard deviations
SMALL_ROW = 0.1  # root mean square of a row's length; of unit vectors it is 1


def check_inputs(sample: Sample, measured: Measurements) -> list[Finding]:
    """Return what is wrong with what the first `Dense` gets, behind all scaling.

    A column is too large from a root mean square of 10 on, too far from 0 where its mean is above
    2 and 20 of its standard deviations; rows are too small where their root mean square length is
    below 0.1. The limits are ours; a factor of ten either side of mean 0 and spread 1 leaves
    indicators, counts, pixels in [0, 1] and text vectors of length 1 alone.

    Parameters
    ----------
    sample : Sample
        The model and its rows.
    measured : Measurements
        Of one pass.

    References
    ----------
    LeCun, Bottou, Orr, Müller, "Efficient BackProp", 1998, section 4.3: inputs should have mean
    0 and the same spread.
    """
    columns = measured.columns
    if columns is None or measured.num_rows < 2:
        return []
    varies = columns.high > columns.low
    if not varies.any():
        return [_all_constant(columns, measured.num_rows)]
    findings = []
    large = varies & (columns.rms > LARGE)
    far = np.abs(columns.mean) > np.maximum(2.0, FAR * columns.std)
    far &= varies & ~large
    if large.any():
        findings.append(_too_large(sample, columns, varies, large))
    if far.any():
        findings.append(_too_far(sample, columns, far))
    length = float(np.sqrt((columns.rms**2).sum()))
    if length < SMALL_ROW:
        findings.append(_too_small(sample, columns, length))
    constant = np.flatnonzero(~varies).tolist()
    if constant:
        findings.append(_constant(constant, len(varies), measured.num_rows))
    return findings


def _all_constant(columns: Columns, num_rows: int) -> Finding:
    return Finding(
        kind="constant-inputs",
        severity=PROBLEM,
        layer=columns.layer,
        message=f"All {columns.low.size} columns that {columns.layer} gets are the same on all "
        f"{num_rows:,} rows: the inputs tell the rows apart in nothing.",
        evidence={"constant": columns.low.size, "columns": columns.low.size, "rows": num_rows},
        remedy="Look at x: was it filled, and are these the right columns?",
    )


def _constant(constant: list[int], num_columns: int, num_rows: int) -> Finding:
    return Finding(
        kind="constant-inputs",
        severity=NOTE,
        layer=None,
        message=f"{len(constant)} of {num_columns} input columns never vary over {num_rows:,} "
        f"rows: columns {listed(constant)}.",
        evidence={"constant": len(constant), "columns": num_columns, "rows": num_rows},
        remedy="They carry no information. Leave them out, or leave it so where they are the "
        "border of images.",
        units=tuple(constant),
    )


def _too_large(sample: Sample, columns: Columns, varies: Array, large: Array) -> Finding:
    rms = columns.rms
    worst, median = int(np.argmax(np.where(large, rms, 0.0))), float(np.median(rms[varies]))
    count, total = int(large.sum()), int(varies.sum())
    severity = PROBLEM if rms[worst] > VERY_LARGE else WARNING
    message = (
        f"{columns.layer} gets columns far from order 1: {count} of {total} that vary have a "
        f"root mean square above {LARGE:g}. The largest is {rms[worst]:.4g}, in column "
        f"{_column(sample, worst)} with values from {columns.low[worst]:.4g} to "
        f"{columns.high[worst]:.4g}; the median is {median:.3g}."
    )
    if _is_normalised_behind(sample):
        severity = NOTE
        message += f" The normalisation behind {columns.layer} takes the scale out again."
    evidence = {
        "large": count,
        "varying": total,
        "largest_rms": float(rms[worst]),
        "median_rms": median,
        "column": worst,
        "low": float(columns.low[worst]),
        "high": float(columns.high[worst]),
        "limit": LARGE,
    }
    units = tuple(np.flatnonzero(large).tolist())
    remedy = _scaling_remedy(sample, columns, varies)
    return Finding("unscaled-inputs", severity, columns.layer, message, evidence, remedy, units)


def _too_far(sample: Sample, columns: Columns, far: Array) -> Finding:
    ratio = np.zeros_like(columns.mean)
    np.divide(np.abs(columns.mean), columns.std, out=ratio, where=far & (columns.std > 0))
    worst = int(np.argmax(np.where(far, ratio, -1.0)))
    mean, std = float(columns.mean[worst]), float(columns.std[worst])
    return Finding(
        kind="uncentred-inputs",
        severity=WARNING,
        layer=columns.layer,
        message=f"In {int(far.sum())} of {far.size} columns that {columns.layer} gets, what varies "
        f"is small beside the mean, by more than a factor of {FAR:g}: column "
        f"{_column(sample, worst)} has mean {mean:.4g} and standard deviation {std:.3g}.",
        evidence={"far": int(far.sum()), "column": worst, "mean": mean, "std": std, "limit": FAR},
        remedy=_normalization_remedy(sample),
        units=tuple(np.flatnonzero(far).tolist()),
    )


def _too_small(sample: Sample, columns: Columns, length: float) -> Finding:
    largest = float(max(np.abs(columns.low).max(), np.abs(columns.high).max()))
    scaling = next((layer for layer in _leading(sample) if isinstance(layer, Rescaling)), None)
    remedy = _normalization_remedy(sample)
    if scaling is not None and largest > 0.0:
        remedy = (
            f"Is x scaled already? Then {scaling.name} scales it twice: leave that layer out, or "
            f"write Rescaling({scaling.scale / largest:.3g}), which makes the largest value 1."
        )
    return Finding(
        kind="unscaled-inputs",
        severity=WARNING,
        layer=columns.layer,
        message=f"The rows that {columns.layer} gets are nearly 0: their root mean square length "
        f"is {length:.3g}, below {SMALL_ROW:g}, and their largest value {largest:.3g}.",
        evidence={"row_length": length, "largest": largest, "limit": SMALL_ROW},
        remedy=remedy,
    )


def _column(sample: Sample, index: int) -> str:
    """Return the column's number, with its name if there is one."""
    names = sample.model.feature_names
    if names is None or len(names) != sample.model.input_dim:
        return str(index)
    return f"{index} ({names[index]!r})"


def _leading(sample: Sample) -> list[Layer]:
    """Return the layers before the first `Dense`."""
    first = next(iter(sample.dense_layers()))
    return list(sample.model.layers[: sample.model.layers.index(first)])


def _is_normalised_behind(sample: Sample) -> bool:
    """Tell whether a normalisation follows the first linear map, before any activation."""
    first = next(iter(sample.dense_layers()))
    place = [stage.layer for stage in sample.stages].index(first)
    behind = sample.stages[place + 1 : place + 2]
    return bool(behind) and "gamma" in behind[0].layer.params


def _scaling_remedy(sample: Sample, columns: Columns, varies: Array) -> str:
    """Return what to write: one factor where all columns have one range from 0, as pixels have."""
    top = float(columns.high[varies].max())
    alike = columns.low.min() >= 0.0 and float(np.median(columns.high[varies])) > 0.3 * top
    leading = _leading(sample)
    if not alike or any(isinstance(layer, Normalization) for layer in leading):
        return _normalization_remedy(sample)
    scaling = next((layer for layer in leading if isinstance(layer, Rescaling)), None)
    if scaling is not None:
        return f"Let {scaling.name} be Rescaling({scaling.scale / top:.4g})."
    limit = 255 if 128 < top <= 255 else top
    return f"Put Rescaling(1 / {limit:g}) first in the list of layers."


def _normalization_remedy(sample: Sample) -> str:
    for layer in _leading(sample):
        if isinstance(layer, Normalization):
            return (
                f"{layer.name} was adapted to other data: make a new model with "
                f"Normalization().adapt(x_train) first, x_train being the rows to train on."
            )
    return (
        "Put Normalization().adapt(x_train) first in the list of layers; it brings each column to "
        "mean 0 and standard deviation 1."
    )
