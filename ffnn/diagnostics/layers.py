"""Layers that cannot learn: not finite, without gradients, or of dead, saturated, equal units."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.diagnostics.catalogue import finding
from ffnn.diagnostics.probe import Probe
from ffnn.diagnostics.report import Finding
from ffnn.diagnostics.sample import Sample
from ffnn.layers.base import Layer

NOTABLE = 1e3  # ratio of a layer's gradient to the last layer's, or the other way round
DEAD_SHARE = 0.4  # of a layer's units, from which on it is more than a note
SATURATED_ROWS = 0.9  # of the rows, on which a unit has to be saturated to count
SATURATED_SHARE = 0.5  # of a layer's units, from which on it is more than a note
LARGE_GAIN = 10.0  # of a layer; trained networks have 1 to 4
EQUAL = 1e-5  # relative distance of two units' weights, up to which rounding explains it


def check_finite_weights(sample: Sample) -> Iterator[Finding]:
    """Yield the layers whose parameters are not all finite."""
    for layer in sample.model.layers:
        size = sum(array.size for array in layer.params.values())
        bad = sum(int(np.count_nonzero(~np.isfinite(a))) for a in layer.params.values())
        if bad:
            counts = {"entries": bad, "parameters": size}
            yield finding("non-finite-weights", layer.name, **counts, **sample.rates)


def check_finite_outputs(sample: Sample, measured: Probe) -> Iterator[Finding]:
    """Yield the first layer whose output is not finite on finite rows."""
    if measured.non_finite is not None:
        name, entries = measured.non_finite
        yield finding("non-finite-outputs", name or None, entries=entries, **blown_up(sample))


def blown_up(sample: Sample) -> dict[str, Any]:
    """Return the layer whose weights are largest, and the learning rate if training made them so.

    A layer's gain is the root mean square of its weights, as they are used, times √inputs: what it
    multiplies the size of independent inputs by.
    """
    gains = {
        layer.name: float(np.sqrt(np.mean(layer.params["weight"].astype(np.float64) ** 2)))
        * layer.weight_factor
        * math.sqrt(layer.input_dim or 1)
        for layer in sample.dense_layers
    }
    largest = max(gains, key=gains.__getitem__, default="")
    if not sample.rates or not gains or not gains[largest] > LARGE_GAIN:
        return {"is_blown_up": False}
    facts = {"largest_layer": largest, "gain": gains[largest], "gain_limit": LARGE_GAIN}
    return {"is_blown_up": True, **facts, **sample.rates}


def check_batch_rows(sample: Sample) -> Iterator[Finding]:
    """Yield the layers that learn nothing from batches of so few rows.

    The batches are those of the last training, if the model knows where that stands, else the
    largest that the rows make.
    """
    position = sample.model.position
    trained = None if position is None else position["batches"]
    rows = min(trained["batch_size"], trained["rows"]) if trained else sample.num_rows
    for layer in sample.model.layers:
        if rows < layer.min_batch_rows:
            evidence = {"batch_rows": rows, "needed": layer.min_batch_rows}
            yield finding("small-batches", layer.name, is_trained=trained is not None, **evidence)


def check_gradients(sample: Sample, measured: Probe) -> Iterator[Finding]:
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
    flowing = {name: norm for name, norm in flowing.items() if name not in sample.frozen}
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


def check_dead_units(sample: Sample, measured: Probe) -> Iterator[Finding]:
    """Yield, for each layer of units that can die, those whose output is 0 on all rows.

    Such a unit gets no gradient. A few are usual; Karpathy et al., CS231n course notes, "Neural
    networks 1": "Commonly used activation functions", give 40 % for a learning rate that is too
    high.
    """
    last = sample.model.layers[-1]
    activations = {stage.layer.name: type(stage.layer).__name__ for stage in sample.stages}
    for name, active in measured.active.items():
        dead = np.flatnonzero(active == 0).tolist()
        if not dead or name in sample.frozen:
            continue
        weights = [layer.params["weight"] for layer in sample.dense_layers if layer.name == name]
        evidence = {
            **_shares("dead", dead, active, measured.num_rows, DEAD_SHARE),
            "activation": activations[name],
            "is_last": last.name == name,
            "has_zero_weights": bool(weights) and not weights[0][dead].any(),
        }
        yield finding("dead-relu", name, dead, **evidence, **sample.rates)


def _shares(what: str, units: list[int], counts: Array, rows: int, limit: float) -> dict[str, Any]:
    """Return how many units of a layer are found to be `what`."""
    share = len(units) / len(counts)
    return {what: len(units), "units": len(counts), "share": share, "rows": rows, "limit": limit}


def check_saturated_units(sample: Sample, measured: Probe) -> Iterator[Finding]:
    """Yield, for each layer of units that saturate, those at an end of their range nearly always.

    A unit is saturated on a row where its output lies within 1 % of its range from an end: there
    the slope is below 4 % of the steepest. At the end of a network with a loss of numbers only
    wrong answers count; before a cross-entropy the end is left out, since the loss makes up for the
    slope. See Glorot, Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010, section 3.
    """
    rows, last = measured.num_rows, sample.model.layers[-1]
    for name, counts in measured.saturated.items():
        saturated = np.flatnonzero(counts >= SATURATED_ROWS * rows).tolist()
        if saturated and name not in sample.frozen:
            yield finding(
                "saturated-units",
                name,
                saturated,
                **_shares("saturated", saturated, counts, rows, SATURATED_SHARE),
                share_of_rows=SATURATED_ROWS,
                mean_share_of_rows=float(counts.mean()) / rows,
                is_last=last.name == name,
                is_trained=sample.is_trained,
            )


def check_symmetric_units(sample: Sample) -> Iterator[Finding]:
    """Yield, for each hidden `Dense`, the units whose weights are all those of another unit.

    Two units with the same incoming weights, bias, gains and outgoing weights give the same output
    and get the same gradient: they stay copies of each other, whatever the training, so initial
    parameters have to break symmetry (Goodfellow, Bengio, Courville, "Deep learning", 2016, section
    8.4). Where the outgoing weights differ, the units do part.
    """
    layers = sample.model.layers
    for layer, following in itertools.pairwise(sample.dense_layers):
        between = layers[layers.index(layer) + 1 : layers.index(following)]
        arrays = _by_unit(layer, between, following)
        groups = [] if arrays is None else _equal_groups(*arrays)
        if not groups or layer.name in sample.frozen:
            continue
        largest = max(groups, key=len)
        weights = layer.params["weight"][largest[0]]
        affected = sorted(unit for group in groups for unit in group)
        yield finding(
            "symmetric-units",
            layer.name,
            affected,
            symmetric=len(affected),
            units=len(layer.params["weight"]),
            groups=len(groups),
            largest_group=len(largest),
            act_as_one=largest,
            following=following.name,
            is_dropped=any(other.random_generators() for other in between),
            is_uniform=bool((weights == weights[0]).all()),
            weight=float(weights[0]),
            initializer=str(layer.initializers().get("weight", "a constant")),
        )


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


def check_activations(sample: Sample) -> Iterator[Finding]:
    """Yield the places where one linear map follows another, which together are one."""
    stages = sample.model.stages
    dense = [place for place, stage in enumerate(stages) if stage.layer.is_dense]
    for one, other in itertools.pairwise(dense):
        if all(stage.layer.is_affine for stage in stages[one + 1 : other]):
            names = (stages[one].layer.name, stages[other].layer.name)
            yield finding("no-activation", names[0], layers=names)
