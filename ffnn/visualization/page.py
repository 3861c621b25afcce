"""The network as one interactive HTML page that needs neither a network nor a server.

Python computes, the page shows: `page_states` has the numbers of each recorded epoch, `page_rows`
what single rows make of the network, `page_blocks` the heatmaps. All that the user named is put
into the page as JSON, and the scripts, which draw it, write it as text, never as markup. Read them
in the order of `SCRIPTS`.
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

from ffnn._types import FilePath
from ffnn.core.checks import check_path
from ffnn.core.files import check_target, replace_whole
from ffnn.core.text import counted
from ffnn.models.summary import count_parameters
from ffnn.models.trainable import Trainable
from ffnn.visualization.page_blocks import describe_panels, describe_pictures, gain_name
from ffnn.visualization.page_rows import describe_rows
from ffnn.visualization.page_states import choose_snapshots, describe_curves, describe_states
from ffnn.visualization.structure import BIAS, Column, Structure, node_id, read_structure

SCRIPTS = tuple(
    f"page_{part}.js"
    for part in (
        *("values", "selection", "layout", "graph", "names", "picture", "labels"),
        *("details", "pointer", "table", "heatmaps", "epochs", "rows", "search", "main"),
    )
)
NO_GRADIENT = (
    "No gradient was computed yet: call compute_gradients(x, y) or fit the model, then save again."
)


def save_page(
    model: Trainable, path: FilePath, title: str | None = None, x: Any = None, y: Any = None
) -> None:
    """Write the network into one HTML file that a browser opens by a double click.

    The page shows the graph, whose edges and neurons tell their exact numbers, a heatmap of every
    weight and of every gradient, and, if the inputs are a square number, the first layer's weights
    as pictures. Rows, given or recorded, can be sent through the network. Where a `Recorder` kept
    snapshots, the page plays the epochs. The title is the page's heading, by default the sizes of
    the network. An old file is replaced whole, or left as it was by an error.
    """
    path = check_path("save_page", "path", path)
    if title is not None and not isinstance(title, str):
        raise TypeError(f"save_page: title must be a string, got {title!r}")
    check_target(path)
    structure = read_structure(model)
    if not structure.connections:
        raise ValueError("save_page: expected a network with a Dense layer, got one without")
    if title is None:
        title = f"Network {'-'.join(str(column.size) for column in structure.columns)}"
    text = _render(title, _describe(model, structure, title, x, y))
    replace_whole(path, text.encode("utf-8", errors="replace"))


def _describe(model: Trainable, structure: Structure, title: str, x: Any, y: Any) -> dict[str, Any]:
    """Return all that the page's scripts read."""
    offsets = _offsets(model)
    factors = {layer.name: layer.weight_factor for layer in model.layers}
    pictures = describe_pictures(structure)
    shown = choose_snapshots(model)
    return {
        "title": title,
        "facts": _facts(model, structure),
        "single": model.dtype == np.float32,
        "no_gradient": None if structure.has_gradients else NO_GRADIENT,
        "columns": [_column(structure, column, offsets) for column in structure.columns],
        "connections": [
            {
                "layer": each.layer_name,
                "inputs": each.weight.shape[1],
                "weight": offsets[id(each.weight)],
                "bias": offsets.get(id(each.bias)),
                "factor": factors[each.layer_name],
            }
            for each in structure.connections
        ],
        "panels": [asdict(panel) for panel in describe_panels(structure, offsets)],
        "pictures": pictures and asdict(pictures),
        "rows": describe_rows(model, x, y, shown),
        "curves": describe_curves(model),
        **describe_states(model, shown),
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


def _facts(model: Trainable, structure: Structure) -> str:
    """Return one line about the whole network."""
    first, *others = structure.columns
    layers = [f"{column.size:,} {column.activation}" for column in others]
    sizes = " → ".join([counted(first.size, "input"), *layers])
    frozen = any(layer.frozen for layer in model.layers)
    count = count_parameters(model.layers) if frozen else counted(model.count_params(), "parameter")
    return f"{sizes} · {count} · {model.dtype}"


def _column(structure: Structure, column: Column, offsets: Mapping[int, int]) -> dict[str, Any]:
    incoming, outgoing = structure.incoming(column), structure.outgoing(column)
    return {
        "layer": column.layer_name,
        "kind": column.kind,
        "activation": column.activation,
        "frozen": incoming is not None and not incoming.trainable,
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


def _render(title: str, data: dict[str, Any]) -> str:
    """Return the page's text."""
    script = "\n".join(map(_read, SCRIPTS))
    return string.Template(_read("page.html")).substitute(
        title=html.escape(title),
        policy=f"{_script_hash(script)} 'unsafe-eval'",
        style=_read("page.css"),
        # Text in a script element is not unescaped, and "</script>" or "<!--" would end it.
        data=json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
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
