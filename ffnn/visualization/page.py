"""The network as one interactive HTML page that needs neither a network nor a server.

Bokeh draws; `page.html`, `page.css` and the scripts are the frame around its figures. All that the
user named is put into the page as JSON, and the scripts write it as text, never as markup.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import string
from collections.abc import Mapping
from dataclasses import asdict
from importlib import resources
from typing import Any

import numpy as np

from ffnn._types import Array, FilePath
from ffnn.charts.style import BLACK, GREY, NEGATIVE, POSITIVE
from ffnn.core.checks import check_path
from ffnn.core.files import check_target, replace_whole
from ffnn.core.text import counted
from ffnn.models.trainable import Trainable
from ffnn.visualization.page_blocks import describe_panels, describe_pictures, gain_name
from ffnn.visualization.page_graph import build_graph
from ffnn.visualization.page_heatmaps import build_heatmap, build_pictures
from ffnn.visualization.selection import View, select
from ffnn.visualization.structure import BIAS, Column, Structure, node_id, read_structure

MAX_UNITS = 32  # drawn of each column
MAX_EDGES = 3000  # drawn of the whole network
MAX_SNAPSHOT_BYTES = 16_000_000  # of all recorded epochs together, before base64
SCRIPTS = ("page_values.js", "page_graph.js", "page_heatmaps.js", "page.js")
NO_GRADIENT = (
    "No gradient was computed yet: call compute_gradients(x, y) or fit the model, then save again."
)


def save_page(model: Trainable, path: FilePath, title: str | None = None) -> None:
    """Write the network into one HTML file that a browser opens by a double click.

    The page shows the graph, whose edges and neurons tell their exact numbers, a heatmap of every
    weight and of every gradient, and, if the inputs are a square number, the first layer's weights
    as pictures. Of a large network the graph shows the strongest neurons and edges; the page says
    what is hidden. Where a `Recorder` kept snapshots, a slider goes through the epochs. The title
    is the page's heading, by default the sizes of the network. An old file is replaced whole, or
    left as it was by an error.
    """
    path = check_path("save_page", "path", path)
    if title is not None and not isinstance(title, str):
        raise TypeError(f"save_page: title must be a string, got {title!r}")
    check_target(path)
    _require_bokeh()
    structure = read_structure(model)
    if not structure.connections:
        raise ValueError("save_page: expected a network with a Dense layer, got one without")
    if title is None:
        title = f"Network {'-'.join(str(column.size) for column in structure.columns)}"
    text = _render(title, _describe(model, structure, title))
    replace_whole(path, text.encode("utf-8", errors="replace"))


def _require_bokeh() -> None:
    try:
        import bokeh  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "the interactive page needs Bokeh, which is not installed: pip install 'ffnn[html]'"
        ) from error


def _describe(model: Trainable, structure: Structure, title: str) -> dict[str, Any]:
    """Return all that the page's script reads."""
    from bokeh.embed import json_item

    offsets = _offsets(model)
    views = _views(structure)
    modes = ("weight", "gradient") if structure.has_gradients else ("weight",)
    panels = [
        asdict(panel) | {"figures": {mode: json_item(build_heatmap(panel)) for mode in modes}}
        for panel in describe_panels(structure, offsets)
    ]
    pictures = describe_pictures(structure, offsets)
    return {
        "title": title,
        "facts": _facts(model, structure),
        "single": model.dtype == np.float32,
        "no_gradient": None if structure.has_gradients else NO_GRADIENT,
        "colours": {"above": POSITIVE, "below": NEGATIVE, "zero": GREY, "nan": BLACK},
        "columns": [_column(structure, column, offsets) for column in structure.columns],
        "connections": [
            {
                "layer": each.layer_name,
                "inputs": each.weight.shape[1],
                "weight": offsets[id(each.weight)],
                "bias": offsets.get(id(each.bias)),
            }
            for each in structure.connections
        ],
        "shown": {name: _shown(view, name) for name, view in views.items()},
        "graph": json_item(build_graph(views)),
        "panels": panels,
        "pictures": pictures and asdict(pictures) | {"figure": json_item(build_pictures(pictures))},
        **_states(model, structure),
    }


def _offsets(model: Trainable) -> dict[int, int]:
    """Return the ``id`` of each parameter array → where it begins in ``model.parameters``.

    None, which stands for a bias that is not there, has no entry.
    """
    offsets, start = {}, 0
    for layer in model.layers:
        for array in layer.params.values():
            offsets[id(array)] = start
            start += array.size
    return offsets


def _views(structure: Structure) -> dict[str, View]:
    """Return what the graph shows; gradients have a view of their own if anything is hidden."""
    max_edges = None
    if select(structure, MAX_UNITS).num_edges > MAX_EDGES:
        max_edges = max(1, MAX_EDGES // len(structure.connections))
    views = {"weight": select(structure, MAX_UNITS, max_edges)}
    if structure.has_gradients and views["weight"].num_edges < structure.num_edges:
        views["gradient"] = select(structure, MAX_UNITS, max_edges, "gradient")
    return views


def _facts(model: Trainable, structure: Structure) -> str:
    """Return one line about the whole network."""
    first, *others = structure.columns
    layers = [f"{column.size:,} {column.activation}" for column in others]
    sizes = " → ".join([counted(first.size, "input"), *layers])
    return f"{sizes} · {counted(model.count_params(), 'parameter')} · {model.dtype}"


def _column(structure: Structure, column: Column, offsets: Mapping[int, int]) -> dict[str, Any]:
    incoming, outgoing = structure.incoming(column), structure.outgoing(column)
    return {
        "layer": column.layer_name,
        "kind": column.kind,
        "activation": column.activation,
        "ids": [node_id(column.layer_name, unit) for unit in range(column.size)],
        "names": column.unit_names,
        "bias": None if incoming is None else offsets.get(id(incoming.bias)),
        "gains": [
            {"name": f"{gain.layer_name} {gain_name(key)}", "offset": offsets[id(gain.value)]}
            for key, gain in column.gains.items()
        ],
        "bias_node": node_id(outgoing.layer_name, BIAS)
        if outgoing and outgoing.bias is not None
        else None,
    }


def _shown(view: View, mode: str) -> str:
    """Return what the graph shows of the network, and where the rest is."""
    total = view.structure.num_edges
    if view.num_edges == total:
        return f"The graph shows the whole network, {counted(total, 'edge')}."
    return (
        f"The graph shows {', '.join(view.hidden)}: those with the largest {mode}s. "
        "The heatmaps below hold every value, and the search finds every neuron."
    )


def _states(model: Trainable, structure: Structure) -> dict[str, Any]:
    """Return the flat vectors of the recorded epochs and, last, of the model as it is."""
    snapshots = [] if model.recording is None else model.recording.snapshots
    limit = max(2, MAX_SNAPSHOT_BYTES // (2 * model.parameters.nbytes))
    num_shown = min(limit, len(snapshots))
    places = np.linspace(0, len(snapshots) - 1, num_shown).round().astype(int)
    states: list[dict[str, str | None]] = [
        {
            "label": f"after epoch {snapshot.epoch + 1}",
            "gradient_name": "the mean over the epoch's batches",
            "weight": _encode(snapshot.weights),
            "gradient": _encode(snapshot.gradients),
        }
        for snapshot in (snapshots[place] for place in places)
    ]
    states.append(
        {
            "label": "the model as it is",
            "gradient_name": "that of the last batch",
            "weight": _encode(model.parameters),
            "gradient": _encode(model.gradients) if structure.has_gradients else None,
        }
    )
    left_out = ""
    if num_shown < len(snapshots):
        left_out = f"This page has {num_shown} of the {len(snapshots)} recorded epochs."
    return {"states": states, "left_out": left_out}


def _encode(vector: Array) -> str:
    """Return the values' bytes, little-endian, in base64."""
    return base64.b64encode(vector.astype(vector.dtype.newbyteorder("<")).tobytes()).decode("ascii")


def _render(title: str, data: dict[str, Any]) -> str:
    """Return the page's text."""
    from bokeh.resources import Resources

    bokeh = Resources(mode="inline", components=["bokeh"], log_level="warn")
    library, script = "\n".join(bokeh.js_raw), "\n".join(map(_read, SCRIPTS))
    return string.Template(_read("page.html")).substitute(
        title=html.escape(title),
        policy=f"{_script_hash(library)} {_script_hash(script)} 'unsafe-eval'",
        style=_read("page.css"),
        # Text in a script element is not unescaped, and "</script>" or "<!--" would end it.
        data=json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
        library=library,
        script=script,
    )


def _read(name: str) -> str:
    return resources.files("ffnn.visualization").joinpath(name).read_text("utf-8")


def _script_hash(script: str) -> str:
    """Return what the page's policy allows to run: this script and no other.

    Besides, the policy allows eval, which the tools that drive a browser wait with.
    """
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
