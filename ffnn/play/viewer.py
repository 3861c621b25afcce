"""What a page shows of a snapshot, computed on a copy of the network, in the page's thread."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.charts.style import CLASSES
from ffnn.core.text import counted
from ffnn.models.decisions import decided, names_of, task_of
from ffnn.play.frames import Frame
from ffnn.play.networks import targets
from ffnn.play.problems import Problem
from ffnn.play.snapshot import Snapshot
from ffnn.sequential import Sequential
from ffnn.visualization.structure import Column, Structure, read_structure

SIDE = 64  # points of the plane along each axis
MAP_SIDE = 32  # points of a neuron's map
MOST_UNITS = 16  # drawn of a column
MOST_INPUTS = 24  # drawn as neurons; of more, their number is shown
_MOST_MEASURED = 1_000  # rows of which the loss is computed for each frame
_MOST_WRONG = 24
_MARGIN = 0.08
_PALEST, _STRONGEST = 0.12, 0.6  # how strong the colour of a class is, unsure and sure


class Plane(NamedTuple):
    """The part of the plane that is shown."""

    x: tuple[float, float]
    y: tuple[float, float]
    points: Array  # (SIDE · SIDE, 2), row by row from below


class Viewer:
    """Draws the snapshots of one network.

    Parameters
    ----------
    network : Sequential
        A copy of it, into which the numbers of each snapshot are written.
    problem : Problem or None
        The rows; without them what depends on rows is left out.
    """

    def __init__(self, network: Sequential, problem: Problem | None) -> None:
        self.network, self.problem = network, problem
        self.refusal = ""
        self.structure: Structure | None = None
        try:
            self.structure = read_structure(network)
        except ValueError as error:
            self.refusal = str(error)
        self.names = network.class_names if problem is None else problem.class_names
        self.plane = None if problem is None else _plane(problem)
        self.range = (0.0, 1.0)  # of the targets, if they are numbers
        if problem is not None and problem.class_names is None:
            low, high = float(problem.y_train.min()), float(problem.y_train.max())
            self.range = (low, high) if high > low else (low - 0.5, high + 0.5)
        if problem is not None:
            rows = slice(_MOST_MEASURED)
            self.train, self.test = (
                (x[rows], targets(y[rows], network))
                for x, y in ((problem.x_train, problem.y_train), (problem.x_test, problem.y_test))
            )

    def take(self, snapshot: Snapshot) -> None:
        """Have the numbers of a snapshot."""
        self.network.parameters[...] = snapshot.values
        states = [array for layer in self.network.layers for array in layer.state.values()]
        for array, values in zip(states, snapshot.layer_states, strict=True):
            array[...] = values
        if snapshot.gradients is not None:
            vector = self.network.require_built()
            vector.gradients[...] = snapshot.gradients
            if not vector.has_gradients and self.structure is not None:
                vector.has_gradients = True
                self.structure = read_structure(self.network)

    def frame(self, snapshot: Snapshot, probe: Array | None = None) -> Frame:
        """Return what is drawn; `probe` is a row whose way through the network is shown."""
        self.take(snapshot)
        frame = Frame(_facts(snapshot))
        with np.errstate(all="ignore"):
            frame.facts["measured"] = self._measure(snapshot)
            if self.problem is not None:
                frame.facts["wrong"] = self._add_wrong(frame)
            if self.structure is not None:
                self._add_columns(frame, self.structure, snapshot)
                if self.plane is not None:
                    self._add_maps(frame, self.structure, self.plane)
                if probe is not None:
                    self._add_probe(frame, probe)
        frame.facts["refusal"] = self.refusal
        return frame

    # -- parts ---------------------------------------------------------------------------------

    def _measure(self, snapshot: Snapshot) -> dict[str, dict[str, float]]:
        """Return loss and metrics of training and test rows, at most 1,000 of each.

        Of a training with rows of its own they are those of its last epoch.
        """
        network = self.network
        if self.problem is None or not self.problem.is_measured:
            logs = snapshot.curves[-1][1] if snapshot.curves else {}
            own = {name: value for name, value in logs.items() if not name.startswith("val_")}
            held = {name: logs[f"val_{name}"] for name in own if f"val_{name}" in logs}
            return {"train": own, "test": held}
        return {
            name: {key: float(value) for key, value in found.items() if np.ndim(value) == 0}
            for name, (x, y) in (("train", self.train), ("test", self.test))
            if isinstance(found := network.evaluate(x, y, return_dict=True), dict)
        }

    def _add_wrong(self, frame: Frame) -> list[dict[str, Any]]:
        """Add the pictures of test rows that are classified wrongly, the surest first.

        Returns which rows they are and what they were taken for.
        """
        problem = self.problem
        if problem is None or not problem.side or task_of(self.network) != "classes":
            return []
        x, y = self.test
        shares = self.network.predict(x)
        if shares.shape[1] < 2:
            return []
        examples = self.network.open_examples(x, y, measured=False)
        truth = decided(self.network, examples.y.data)
        answer = shares.argmax(axis=1)
        rows = np.flatnonzero(answer != truth)
        rows = rows[np.argsort(-shares[rows, answer[rows]], kind="stable")]
        chosen = rows[:_MOST_WRONG]
        frame.add_map("wrong", np.asarray(x[chosen], float), problem.largest)
        names = names_of(self.network.class_names, shares.shape[1], "classes")
        return [
            {
                "row": int(row),
                "is": names[truth[row]],
                "taken": names[answer[row]],
                "share": float(shares[row, answer[row]]),
                "of": len(rows),
            }
            for row in chosen
        ]

    def _add_columns(self, frame: Frame, structure: Structure, snapshot: Snapshot) -> None:
        facts, side = [], 0 if self.problem is None else self.problem.side
        for column in structure.columns:
            shown = _shown(column)
            fact = {
                "layer": column.layer_name,
                "kind": column.kind,
                "size": column.size,
                "shown": shown,
                "activation": column.activation,
                "labels": [column.label(unit) for unit in range(shown)],
                "frozen": column.layer_name in snapshot.frozen,
                "ratio": snapshot.ratios.get(column.layer_name),
                "off": sorted(unit for index, unit in snapshot.off if index == column.index),
            }
            facts.append(fact)
            incoming = structure.incoming(column)
            if incoming is None:
                continue
            sources = facts[column.index - 1]["shown"]
            for what, weight, bias in (
                ("weight", incoming.weight, incoming.bias),
                ("gradient", incoming.weight_gradient, incoming.bias_gradient),
            ):
                if weight is not None:
                    frame.add(f"{what}/{column.index}", weight[:shown, :sources])
                    if bias is not None:
                        name = "bias" if what == "weight" else "bias_gradient"
                        frame.add(f"{name}/{column.index}", bias[:shown])
            if side and column.index == 1:
                largest = np.abs(incoming.weight[:shown]).max(axis=1, keepdims=True)
                pictures = incoming.weight[:shown] / np.maximum(largest, 1e-12)
                frame.add_map("pictures", pictures.reshape(shown, side, side), 1.0)
        frame.facts["columns"], frame.facts["side"] = facts, side

    def _add_maps(self, frame: Frame, structure: Structure, plane: Plane) -> None:
        """Add what each neuron puts out over the plane, and the picture of the answers."""
        outputs = column_outputs(self.network, plane.points)
        step, scales = SIDE // MAP_SIDE, []
        for column, output in zip(structure.columns, outputs, strict=True):
            maps = output[:, : _shown(column)].reshape(SIDE, SIDE, -1)[::step, ::step]
            scale = float(np.abs(maps[np.isfinite(maps)]).max(initial=0.0)) or 1.0
            if column.kind == "output" and self.names is not None:
                maps, scale = 2.0 * maps - 1.0, 1.0
            frame.add_map(f"maps/{column.index}", maps.transpose(2, 0, 1), scale)
            scales.append(scale)
        frame.facts["scales"] = scales
        frame.facts["plane"] = [*plane.x, *plane.y]
        if self.problem is not None and self.problem.class_names is None:
            frame.facts["range"] = self.range
        self.answers = outputs[-1].reshape(SIDE, SIDE, -1)

    def _add_probe(self, frame: Frame, probe: Array) -> None:
        """Add what each neuron shown puts out for one row, and the outputs."""
        outputs = column_outputs(self.network, probe[None])
        for index, output in enumerate(outputs):
            frame.add(f"probe/{index}", output[0, :MOST_UNITS])
        answer = outputs[-1][0]
        names = self.names or [f"output {index}" for index in range(len(answer))]
        if len(answer) == 1:  # which of two classes is the probability of the second
            names = names[-1:] if self.names else ["output"]
        frame.facts["answer"] = [
            [name, float(value)] for name, value in zip(names, answer, strict=True)
        ]


def column_outputs(network: Sequential, x: Array) -> list[Array]:
    """Return what the neurons of each column put out for rows: (rows, units) for each column."""
    source = network.open_inputs(x)
    rows: Array = source.slice(0, len(source))
    outputs = []
    for layer in network.layers:
        if layer.is_dense:
            outputs.append(np.array(rows))
        for stage in layer.stages():
            rows = stage.forward(rows, False)
    return [*outputs, np.array(rows)]


def shade(answers: Array) -> Array:
    """Return the plane as RGBA, each class in its colour, as strong as it is certain."""
    shares = np.nan_to_num(np.clip(answers, 0.0, 1.0))
    palette = np.array([[int(code[i : i + 2], 16) for i in (1, 3, 5)] for code in CLASSES])
    even = 1.0 / shares.shape[2]
    certain = np.clip((shares.max(axis=2) - even) / (1.0 - even), 0.0, 1.0)
    strength = _PALEST + (_STRONGEST - _PALEST) * certain
    colour = palette[shares.argmax(axis=2) % len(palette)]
    return rgba(colour, strength)


def rgba(colour: Array, strength: Array) -> Array:
    """Return colours (…, 3) from 0 to 255 with how opaque they are as 32-bit numbers."""
    pixels = np.empty((*strength.shape, 4), np.uint8)
    pixels[..., :3], pixels[..., 3] = colour, np.rint(255 * strength)
    return pixels.view(np.uint32)[..., 0]


def _facts(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "number": snapshot.number,
        "state": snapshot.state,
        "message": snapshot.message,
        "updates": snapshot.updates,
        "epoch": snapshot.epoch,
        "speed": snapshot.updates_per_second,
        "rate": snapshot.learning_rate,
        "edits": snapshot.edits,
        "ratios": snapshot.ratios,
        "parameters": counted(len(snapshot.values), "parameter"),
    }


def _shown(column: Column) -> int:
    """Return how many neurons of a column are drawn, 0 if only their number is."""
    if column.kind == "input":
        return column.size if column.size <= MOST_INPUTS else 0
    return min(column.size, MOST_UNITS)


def _plane(problem: Problem) -> Plane | None:
    if not problem.is_plane:
        return None
    both = np.concatenate([problem.x_train, problem.x_test])
    limits = []
    for low, high in zip(both.min(axis=0), both.max(axis=0), strict=True):
        margin = _MARGIN * float(high - low) or 0.5
        limits.append((float(low) - margin, float(high) + margin))
    across, up = np.meshgrid(*(np.linspace(*limit, SIDE) for limit in limits))
    return Plane(limits[0], limits[1], np.column_stack([across.ravel(), up.ravel()]))
