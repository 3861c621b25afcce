"""The table of a network's layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ffnn.core.memory import ParameterVector
from ffnn.core.text import counted, printable, shorten
from ffnn.layers.base import Layer

if TYPE_CHECKING:
    from ffnn.tables import TableEncoder


def summarize(
    layers: Sequence[Layer], vector: ParameterVector | None, encoder: TableEncoder | None
) -> str:
    """Return the lines of `Network.summary`; `vector` is None before the network is built."""
    rule, wide = "─" * 78, max(16, *(len(layer.name) + 1 for layer in layers))  # the names' column
    wide = min(wide, 40)
    lines = [f"{'name':<{wide}}{'layer':<{54 - wide}}{'outputs':>10}{'parameters':>14}", rule]
    for layer in layers:
        size = sum(array.size for array in layer.params.values())
        output, count = "??" if vector is None else (f"{layer.output_dim:,}", f"{size:,}")
        shown = f"{shorten(repr(layer), 52 - wide):<{54 - wide}}"
        lines.append(f"{shorten(layer.name, wide - 1):<{wide}}{shown}{output:>10}{count:>14}")
    lines.append(rule)
    if vector is None:
        lines.append("Not built yet: sizes follow from the number of input columns.")
    else:
        values = vector.values
        lines.append(
            f"{layers[0].input_dim:,} inputs, {count_parameters(layers)} "
            f"({values.dtype}, {values.nbytes / 1024:,.1f} KiB)"
        )
    if encoder is not None:
        names = ", ".join(printable(each.name) for each in encoder.encodings)
        lines.append(shorten(f"reads the columns {names}", 78))
    return "\n".join(lines)


def count_parameters(layers: Sequence[Layer]) -> str:
    """Return how many parameters are trained and, if there are any, how many are frozen."""
    arrays = [(layer, name, array.size) for layer in layers for name, array in layer.params.items()]
    total = sum(size for _, _, size in arrays)
    frozen = sum(size for layer, name, size in arrays if name in layer.frozen)
    if not frozen:
        return counted(total, "trainable parameter")
    return f"{total - frozen:,} trainable and {counted(frozen, 'frozen parameter')}"
