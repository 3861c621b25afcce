"""The table that `summary()` prints."""

from __future__ import annotations

from collections.abc import Sequence

from ffnn._types import FloatDType
from ffnn.core.text import shorten
from ffnn.layers.base import Layer


def summarize(layers: Sequence[Layer], dtype: FloatDType) -> str:
    """Return a table of layers, output sizes and numbers of parameters, at most 80 columns wide.

    What is not known before the layers are built is shown as "?".
    """
    is_built, total = layers[0].is_built, 0
    lines = [f"{'name':<16}{'layer':<38}{'outputs':>10}{'parameters':>14}", "─" * 78]
    for layer in layers:
        size = sum(array.size for array in layer.params.values())
        shown = shorten(repr(layer), 36)
        output, count = (f"{layer.output_dim:,}", f"{size:,}") if is_built else ("?", "?")
        lines.append(f"{layer.name:<16}{shown:<38}{output:>10}{count:>14}")
        total += size
    lines.append("─" * 78)
    if not is_built:
        return "\n".join([*lines, "Not built yet: sizes follow from the number of input columns."])
    lines.append(
        f"{layers[0].input_dim:,} inputs, {total:,} trainable parameters "
        f"({dtype}, {total * dtype.itemsize / 1024:,.1f} KiB)"
    )
    return "\n".join(lines)
