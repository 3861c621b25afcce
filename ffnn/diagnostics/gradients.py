"""Numbers that stop being numbers, and gradients that vanish or explode from layer to layer."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from ffnn.diagnostics.catalogue import finding
from ffnn.diagnostics.probe import Probe
from ffnn.diagnostics.report import Finding
from ffnn.diagnostics.sample import Sample

NOTABLE = 1e3  # ratio of a layer's gradient to the last layer's, or the other way round


def check_finite_weights(sample: Sample) -> Iterator[Finding]:
    """Yield the layers whose parameters are not all finite."""
    for layer in sample.model.layers:
        size = sum(array.size for array in layer.params.values())
        bad = sum(int(np.count_nonzero(~np.isfinite(a))) for a in layer.params.values())
        if bad:
            yield finding("non-finite-weights", layer.name, entries=bad, parameters=size)


def check_finite_outputs(measured: Probe) -> Iterator[Finding]:
    """Yield the first layer whose output is not finite on finite rows."""
    if measured.non_finite is not None:
        name, entries = measured.non_finite
        yield finding("non-finite-outputs", name or None, entries=entries)


def check_gradients(measured: Probe) -> Iterator[Finding]:
    """Yield whether ∂L/∂z vanishes or explodes from the last `Dense` to the first, z = x Wᵀ + b.

    A gradient of exactly 0 has another cause, such as a dead layer or last weights that are still
    0; the comparison ends there. It follows Glorot, Bengio, "Understanding the difficulty of
    training deep feedforward neural networks", AISTATS 2010, section 4.2.
    """
    norms = measured.gradients
    for name, norm in norms.items():
        if not math.isfinite(norm):
            yield finding("non-finite-gradient", name, norm=norm)
            return
    flowing = dict(itertools.takewhile(lambda item: item[1] != 0.0, norms.items()))
    if len(flowing) < 2:
        return
    last = next(iter(flowing))
    smallest, largest = min(flowing, key=flowing.__getitem__), max(flowing, key=flowing.__getitem__)
    for kind, name, ratio in (
        ("vanishing-gradients", smallest, flowing[last] / flowing[smallest]),
        ("exploding-gradients", largest, flowing[largest] / flowing[last]),
    ):
        if ratio > NOTABLE:
            ends = {"last": last, "last_norm": flowing[last], "norm": flowing[name]}
            yield finding(kind, name, ratio=ratio, norms=flowing, **ends)
