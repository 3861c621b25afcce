"""Numbers that stop being numbers, and gradients that fade or grow from layer to layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ffnn.diagnostics.report import NOTE, PROBLEM, WARNING, Finding

if TYPE_CHECKING:
    from ffnn.diagnostics.probe import Measurements
    from ffnn.diagnostics.sample import Sample

# Ratios of a layer's gradient to the last layer's, or of the last layer's to it.
STEPS = ((1e7, PROBLEM), (1e5, WARNING), (1e3, NOTE))

_SLOPES = (
    "Use activation='relu' with weight_initializer='he_normal', put BatchNorm() or LayerNorm() "
    "between Dense and Activation, or take fewer layers."
)


def check_finite_weights(sample: Sample) -> list[Finding]:
    """Return the layers whose parameters are not all finite.

    Parameters
    ----------
    sample : Sample
        The model.
    """
    findings = []
    for layer in sample.model.layers:
        size = sum(array.size for array in layer.params.values())
        bad = sum(int(np.count_nonzero(~np.isfinite(a))) for a in layer.params.values())
        if bad:
            findings.append(
                Finding(
                    kind="non-finite-weights",
                    severity=PROBLEM,
                    layer=layer.name,
                    message=f"{bad:,} of {size:,} parameters of {layer.name} are NaN or infinite.",
                    evidence={"entries": bad, "parameters": size},
                    remedy="Make a new model, or load one from before: no training mends them.",
                )
            )
    return findings


def check_finite_outputs(measured: Measurements) -> list[Finding]:
    """Return the first layer whose output is not finite on finite rows.

    Parameters
    ----------
    measured : Measurements
        Of one pass.
    """
    if measured.non_finite is None:
        return []
    name, entries = measured.non_finite
    where = f"The output of {name} is" if name else "All outputs are finite, but the loss is"
    count = f" in {entries:,} entries of one batch" if name else ""
    return [
        Finding(
            kind="non-finite-outputs",
            severity=PROBLEM,
            layer=name or None,
            message=f"{where} NaN or infinite{count}, though inputs and weights are finite.",
            evidence={"entries": entries},
            remedy="Scale inputs and targets, and start from smaller weights, such as "
            "weight_initializer='glorot_uniform'; dtype='float64' reaches further.",
        )
    ]


def check_gradients(measured: Measurements) -> list[Finding]:
    """Return whether gradients vanish or explode on the way from the last layer to the first.

    Compared are the sizes of ∂L/∂z behind each `Dense`, z = x Wᵀ + b, root mean square over the
    rows. A ratio of 10³ to the last layer's is a note, of 10⁵ a warning, of 10⁷ a problem: float32
    then resolves no common step for all layers. The limits are ours. A gradient of exactly 0 has
    another cause, such as a dead layer or last weights that are still 0; the comparison ends there.

    Parameters
    ----------
    measured : Measurements
        Of one pass.

    References
    ----------
    Glorot, Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS 2010, section 4.2, where these gradients are compared layer by layer.
    """
    norms = measured.gradients
    for name, norm in norms.items():
        if not math.isfinite(norm):
            return [_non_finite(name, norm)]
    flowing = {}
    for name, norm in norms.items():
        if norm == 0.0:
            break
        flowing[name] = norm
    if len(flowing) < 2:
        return []
    findings = []
    last = next(iter(flowing))
    least, greatest = min(flowing, key=flowing.__getitem__), max(flowing, key=flowing.__getitem__)
    shrinking, growing = flowing[last] / flowing[least], flowing[greatest] / flowing[last]
    if _severity(shrinking):
        findings.append(_vanishing(least, last, flowing, shrinking))
    if _severity(growing):
        findings.append(_exploding(greatest, last, flowing, growing))
    return findings


def _severity(ratio: float) -> str:
    return next((severity for limit, severity in STEPS if ratio > limit), "")


def _non_finite(name: str, norm: float) -> Finding:
    return Finding(
        kind="non-finite-gradient",
        severity=PROBLEM,
        layer=name,
        message=f"The loss is finite, but its gradient behind {name} is {norm}.",
        evidence={"norm": norm},
        remedy="Scale inputs and targets, and start from smaller weights, such as "
        "weight_initializer='glorot_uniform'.",
    )


def _vanishing(name: str, last: str, norms: dict[str, float], ratio: float) -> Finding:
    return Finding(
        kind="vanishing-gradients",
        severity=_severity(ratio),
        layer=name,
        message=f"The gradient shrinks by {ratio:.1e} on its way back: from {norms[last]:.2e} in "
        f"{last} to {norms[name]:.2e} in {name} (a warning from 1e5 on). Layers near the input "
        f"hardly learn.",
        evidence={"ratio": ratio, "norms": dict(norms)},
        remedy=_SLOPES,
    )


def _exploding(name: str, last: str, norms: dict[str, float], ratio: float) -> Finding:
    return Finding(
        kind="exploding-gradients",
        severity=_severity(ratio),
        layer=name,
        message=f"The gradient grows by {ratio:.1e} on its way back: from {norms[last]:.2e} in "
        f"{last} to {norms[name]:.2e} in {name} (a warning from 1e5 on). One learning rate cannot "
        f"suit all layers.",
        evidence={"ratio": ratio, "norms": dict(norms)},
        remedy="Start from smaller weights, such as weight_initializer='he_normal', give the "
        "optimizer clipnorm=1.0, or put LayerNorm() between Dense and Activation.",
    )
