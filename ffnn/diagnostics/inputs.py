"""Inputs that are hard to learn from: not of order 1, far from 0, or without information."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.diagnostics.catalogue import finding
from ffnn.diagnostics.probe import Columns, Probe
from ffnn.diagnostics.report import Finding
from ffnn.diagnostics.sample import Sample, names_of_columns

LARGE = 10.0  # root mean square of a column; standardised columns have 1
FAR = 20.0  # mean of a column, in its standard deviations
SMALL_ROW = 0.1  # root mean square of a row's length; of unit vectors it is 1


def check_inputs(sample: Sample, measured: Probe) -> Iterator[Finding]:
    """Yield what is wrong with what the first `Dense` receives, after all scaling.

    Inputs should have mean 0 and the same variance (LeCun, Bottou, Orr, Müller, "Efficient
    BackProp", 1998, section 4.3). The limits are ours: a factor of ten either side leaves
    indicators, counts, pixels in [0, 1] and text vectors of length 1 alone.
    """
    columns = measured.columns
    if columns is None or measured.num_rows < 2:
        return
    layer, varies = columns.layer, columns.high > columns.low
    constant = np.flatnonzero(~varies).tolist()
    counts = {"constant": len(constant), "columns": len(varies), "rows": measured.num_rows}
    if not varies.any():
        yield finding("constant-inputs", layer, **counts)
        return
    large = varies & (columns.rms > LARGE)
    far = varies & ~large & (np.abs(columns.mean) > np.maximum(2.0, FAR * columns.std))
    length = float(np.sqrt((columns.rms**2).sum()))
    scaling = _scaling(sample)
    if large.any():
        evidence = _too_large(sample, columns, varies, large, scaling)
        which = np.flatnonzero(large).tolist()
        yield finding("unscaled-inputs", layer, which, **evidence, **scaling)
    if far.any():
        evidence, which = _too_far(sample, columns, far), np.flatnonzero(far).tolist()
        yield finding("uncentred-inputs", layer, which, **evidence, **scaling)
    if length < SMALL_ROW:
        largest = float(max(np.abs(columns.low).max(), np.abs(columns.high).max()))
        evidence = {"large": 0, "row_length": length, "largest": largest, "limit": SMALL_ROW}
        if scaling["scale"] is not None and largest > 0.0:
            evidence["single_scale"] = scaling["scale"] / largest
        yield finding("unscaled-inputs", layer, **evidence, **scaling)
    if constant:
        names = names_of_columns(sample.model, constant)
        yield finding("constant-inputs", None, constant, **counts, **names)


def _scaling(sample: Sample) -> dict[str, Any]:
    """Return what scales before the first `Dense`: layers, None where there is none, or encoder."""
    leading = sample.model.layers[: sample.model.layers.index(sample.dense_layers[0])]
    rescaling = next((layer for layer in leading if hasattr(layer, "scale")), None)
    encoded = {"is_encoded": True} if sample.model.encoder is not None else {}
    return encoded | {
        "normalization": next((layer.name for layer in leading if hasattr(layer, "adapt")), None),
        "rescaling": getattr(rescaling, "name", None),
        "scale": getattr(rescaling, "scale", None),
    }


def _too_large(
    sample: Sample, columns: Columns, varies: Array, large: Array, scaling: dict[str, Any]
) -> dict[str, Any]:
    """Return the evidence of columns that are too large."""
    layers = [stage.layer for stage in sample.stages]
    following = layers[layers.index(sample.dense_layers[0]) + 1 :]
    worst = int(np.argmax(np.where(large, columns.rms, 0.0)))
    evidence = {
        "large": int(large.sum()),
        "varying": int(varies.sum()),
        "largest_rms": float(columns.rms[worst]),
        "median_rms": float(np.median(columns.rms[varies])),
        **_column(sample, worst),
        "low": float(columns.low[worst]),
        "high": float(columns.high[worst]),
        "limit": LARGE,
        "is_normalized": bool(following) and following[0].is_scale_invariant,
    }
    # One factor does where all columns have one range from 0, as pixels have.
    top = float(columns.high[varies].max())
    is_alike = columns.low.min() >= 0.0 and float(np.median(columns.high[varies])) > 0.3 * top
    if is_alike and scaling["normalization"] is None:
        if scaling["scale"] is None:
            evidence["top"] = 255.0 if 128 < top <= 255 else top
        else:
            evidence["better_scale"] = scaling["scale"] / top
    return evidence


def _too_far(sample: Sample, columns: Columns, far: Array) -> dict[str, Any]:
    """Return the evidence of columns that are too far from 0."""
    ratio = np.zeros_like(columns.mean)
    np.divide(np.abs(columns.mean), columns.std, out=ratio, where=far & (columns.std > 0))
    worst = int(np.argmax(np.where(far, ratio, -1.0)))
    moments = {"mean": float(columns.mean[worst]), "std": float(columns.std[worst])}
    counts = {"far": int(far.sum()), "columns": far.size, "limit": FAR}
    return {**counts, **_column(sample, worst), **moments}


def _column(sample: Sample, index: int) -> dict[str, Any]:
    """Return a column's number and name, which is None if it is not known."""
    names = names_of_columns(sample.model, [index]).get("column_names", [None])
    return {"column": index, "column_name": names[0]}
