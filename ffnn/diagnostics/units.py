"""Units that cannot learn: dead, saturated, or copies of each other."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn.activations import Linear
from ffnn.core.text import listed
from ffnn.diagnostics.report import NOTE, PROBLEM, WARNING, Finding
from ffnn.layers.activation import Activation
from ffnn.layers.dropout import Dropout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ffnn._types import Array
    from ffnn.diagnostics.probe import Measurements
    from ffnn.diagnostics.sample import Sample
    from ffnn.layers.base import Layer

DEAD_SHARE = 0.4  # of a layer's units, from which on it is more than a note
SATURATED_ROWS = 0.9  # of the rows, on which a unit has to be saturated to count
SATURATED_SHARE = 0.5  # of a layer's units, from which on it is more than a note
NEARLY_ALL = 0.9
FEW_ROWS = 32  # on fewer, units are silent or saturated by chance
EQUAL = 1e-5  # relative distance of two units' weights, up to which rounding explains it


def check_dead_units(sample: Sample, measured: Measurements) -> list[Finding]:
    """Return, for each layer of ReLUs, the units whose output is 0 on all rows.

    Such a unit gets no gradient. A few are usual; from 40 % of a layer on it is a warning, a whole
    layer is a problem.

    Parameters
    ----------
    sample : Sample
        The model and its rows.
    measured : Measurements
        Of one pass.

    References
    ----------
    Karpathy et al., CS231n course notes, "Neural networks 1": "Commonly used activation
    functions", on the ReLU, where 40 % are given for a learning rate that is too high.
    """
    findings = []
    for name, active in measured.active.items():
        dead = np.flatnonzero(active == 0).tolist()
        if dead:
            findings.append(_dead(sample, name, dead, len(active), measured.num_rows))
    return findings


def _dead(sample: Sample, name: str, dead: list[int], units: int, rows: int) -> Finding:
    share = len(dead) / units
    severity = NOTE
    if len(dead) == units:
        severity = PROBLEM
    elif share >= DEAD_SHARE and rows >= FEW_ROWS:
        severity = WARNING
    message = (
        f"{len(dead)} of {units} ReLU units ({share:.0%}) give 0 on all {rows:,} rows and get no "
        f"gradient"
    )
    if severity == PROBLEM:
        message += "; the whole layer is dead, so it and all layers before it cannot learn."
    else:
        message += f" (a warning from {DEAD_SHARE:.0%} on): units {listed(dead)}."
    return Finding(
        kind="dead-relu",
        severity=severity,
        layer=name,
        message=message,
        evidence={
            "dead": len(dead),
            "units": units,
            "share": share,
            "rows": rows,
            "limit": DEAD_SHARE,
        },
        remedy=_dead_remedy(sample, name, dead) if severity != NOTE else _LEAVE,
        units=tuple(dead),
    )


_LEAVE = "A few are usual: leave it so, or use activation='leaky_relu', which lets them learn."


def _dead_remedy(sample: Sample, name: str, dead: list[int]) -> str:
    layer = next((layer for layer in sample.dense_layers() if layer.name == name), None)
    leaky = "or use activation='leaky_relu', which never gives 0 gradient"
    if layer is not None and not layer.params["weight"][dead].any():
        return "Their weights are all 0: use weight_initializer='he_normal'."
    if sample.model.layers[-1].name == name:
        return "A ReLU at the end is stuck once it is dead: end without activation, or 'softplus'."
    if sample.is_trained:
        assert sample.model.optimizer is not None
        rate = sample.model.optimizer.current_learning_rate
        return (
            f"Train anew with a lower learning rate, such as learning_rate={rate / 10.0:.1g} "
            f"instead of {rate:.2g}, with scaled inputs, {leaky}."
        )
    return (
        f"Use weight_initializer='he_normal' and bias_initializer='zeros' with scaled inputs, "
        f"{leaky}."
    )


def check_saturated_units(sample: Sample, measured: Measurements) -> list[Finding]:
    """Return, for each layer of sigmoids or tanhs, the units that are at their ends nearly always.

    A unit is saturated on a row where its output lies within 1 % of its range from an end: there
    the slope is below 4 % of the steepest. Counted are units saturated on at least 90 % of the
    rows; from half of a layer on it is a warning, from 90 % on a problem. At the end of a network
    with a loss of numbers only wrong answers count; before a cross-entropy the end is left out,
    since the loss makes up for the slope.

    Parameters
    ----------
    sample : Sample
        The model and its rows.
    measured : Measurements
        Of one pass.

    References
    ----------
    Glorot, Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS 2010, section 3.
    """
    findings = []
    for name, counts in measured.saturated.items():
        saturated = np.flatnonzero(counts >= SATURATED_ROWS * measured.num_rows).tolist()
        if saturated:
            findings.append(_saturated(sample, name, saturated, counts, measured.num_rows))
    return findings


def _saturated(
    sample: Sample, name: str, saturated: list[int], counts: Array, rows: int
) -> Finding:
    share = len(saturated) / len(counts)
    severity = NOTE
    if rows >= FEW_ROWS and share >= SATURATED_SHARE:
        severity = PROBLEM if share >= NEARLY_ALL else WARNING
    at_end = sample.model.layers[-1].name == name
    wrong = " and wrong" if at_end else ""
    remedy = (
        "Scale the inputs and use weight_initializer='glorot_uniform' and "
        "bias_initializer='zeros', or put LayerNorm() between Dense and Activation."
    )
    if at_end:
        remedy = (
            "End without activation if targets are any numbers; for two classes compile with "
            "loss='binary_crossentropy' behind 'sigmoid', whose gradient does not vanish there."
        )
    elif sample.is_trained:
        remedy += " If it came with training, lower the learning rate."
    return Finding(
        kind="saturated-units",
        severity=severity,
        layer=name,
        message=f"{len(saturated)} of {len(counts)} units ({share:.0%}) are saturated{wrong} on "
        f"at least {SATURATED_ROWS:.0%} of {rows:,} rows: within 1 % of an end of their range, "
        f"where the slope is nearly 0 (a warning from {SATURATED_SHARE:.0%} of the units on): "
        f"units {listed(saturated)}.",
        evidence={
            "saturated": len(saturated),
            "units": len(counts),
            "share": share,
            "mean_share_of_rows": float(counts.mean()) / rows,
            "rows": rows,
            "limit": SATURATED_SHARE,
        },
        remedy=remedy,
        units=tuple(saturated),
    )


def check_symmetric_units(sample: Sample) -> list[Finding]:
    """Return, for each hidden `Dense`, the units whose weights are all those of another unit.

    Two units with the same incoming weights, bias, gains and outgoing weights give the same output
    and get the same gradient: they stay copies of each other, whatever the training. Where the
    outgoing weights differ, the units do part, and nothing is reported. The last layer's units
    have different targets.

    Parameters
    ----------
    sample : Sample
        The model.

    References
    ----------
    Goodfellow, Bengio, Courville, "Deep learning", 2016, section 8.4: initial parameters have to
    break symmetry.
    """
    findings = []
    for layer, between, following in _connections(sample):
        arrays = _by_unit(layer, between, following)
        groups = [] if arrays is None else _equal_groups(*arrays)
        if groups:
            findings.append(_symmetric(layer, between, following, groups))
    return findings


def _connections(sample: Sample) -> Iterator[tuple[Layer, Sequence[Layer], Layer]]:
    """Yield each hidden `Dense`, the layers behind it, and the `Dense` behind those."""
    layers = sample.model.layers
    for layer, following in itertools.pairwise(sample.dense_layers()):
        yield layer, layers[layers.index(layer) + 1 : layers.index(following)], following


def _by_unit(
    layer: Layer, between: Sequence[Layer], following: Layer
) -> tuple[Array, Array] | None:
    """Return, a row for each unit, what comes in with its gains, and what goes out.

    None where a layer in between has parameters that do not belong to single units.
    """
    units = len(layer.params["weight"])
    own = [layer.params["weight"], layer.params.get("bias")]
    own += [array for other in between for array in other.params.values()]
    incoming = [array for array in own if array is not None]
    outgoing = following.params["weight"].T
    if any(len(array) != units or array.ndim > 2 for array in [*incoming, outgoing]):
        return None
    return np.column_stack(incoming).astype(np.float64), outgoing.astype(np.float64)


def _equal_groups(incoming: Array, outgoing: Array) -> list[list[int]]:
    """Return groups of at least two units that agree in both arrays to rounding."""
    # Equal rows have equal products with any vector, so they lie side by side in their order.
    rng = np.random.default_rng(0)
    mixed = [array @ rng.uniform(1.0, 2.0, array.shape[1]) for array in (incoming, outgoing)]
    order = np.argsort(mixed[0] + mixed[1], kind="stable")
    groups: list[list[int]] = [[int(order[0])]]
    for unit in order[1:].tolist():
        first = groups[-1][0]
        if _agree(incoming[first], incoming[unit]) and _agree(outgoing[first], outgoing[unit]):
            groups[-1].append(unit)
        else:
            groups.append([unit])
    return [sorted(group) for group in groups if len(group) > 1]


def _agree(a: Array, b: Array) -> bool:
    scale = max(float(np.linalg.norm(a)), float(np.linalg.norm(b)))
    return float(np.linalg.norm(a - b)) <= EQUAL * scale


def _symmetric(
    layer: Layer, between: Sequence[Layer], following: Layer, groups: list[list[int]]
) -> Finding:
    units = len(layer.params["weight"])
    largest = max(groups, key=len)
    affected = sorted(unit for group in groups for unit in group)
    told_apart = any(other.random_generators() for other in between)
    severity = WARNING if told_apart or 2 * len(affected) < units else PROBLEM
    value = layer.params["weight"][largest[0]]
    same = f", all {value[0]:.3g}" if (value == value[0]).all() else ""
    evidence: dict[str, Any] = {
        "symmetric": len(affected),
        "units": units,
        "groups": len(groups),
        "largest_group": len(largest),
    }
    now = repr(getattr(layer, "weight_initializer", "a constant"))
    return Finding(
        kind="symmetric-units",
        severity=severity,
        layer=layer.name,
        message=f"{len(affected)} of {units} units are copies of another: the same incoming "
        f"weights{same}, the same bias and the same outgoing weights in {following.name}. They "
        f"get the same gradient and stay copies"
        + (" but for Dropout's masks" if told_apart else "")
        + f"; {len(largest)} units act as one: {listed(largest)}.",
        evidence=evidence,
        remedy=f"Start {layer.name} from random weights: weight_initializer='glorot_uniform', or "
        f"'he_normal' before a ReLU, instead of {now}. Biases may be 0.",
        units=tuple(affected),
    )


def check_activations(sample: Sample) -> list[Finding]:
    """Return the places where one linear map follows another, which together are one.

    Parameters
    ----------
    sample : Sample
        The model.
    """
    findings = []
    for layer, between, following in _connections(sample):
        if _is_linear(layer) and all(_is_linear(other) for other in between):
            findings.append(
                Finding(
                    kind="no-activation",
                    severity=NOTE,
                    layer=layer.name,
                    message=f"There is no activation between {layer.name} and {following.name}: "
                    f"the two linear maps are together no more than one.",
                    evidence={"layers": (layer.name, following.name)},
                    remedy=f"Give {layer.name} an activation, such as activation='relu', or leave "
                    f"it out.",
                )
            )
    return findings


def _is_linear(layer: Layer) -> bool:
    if layer.is_dense or isinstance(layer, Activation):
        activation = getattr(layer, "activation", None)
        return activation is None or isinstance(activation, Linear)
    return isinstance(layer, (Linear, Dropout))
