"""The table that `summary()` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ffnn.core.text import shorten

if TYPE_CHECKING:
    from ffnn.models.network import Network


def summarize(network: Network) -> str:
    """Return a table of layers, output sizes and numbers of parameters, at most 80 columns wide.

    Parameters
    ----------
    network : Network
        Built or not; what is not known yet is shown as "?".
    """
    rows = []
    for layer in network.layers:
        output = "?" if layer.output_dim is None else f"{layer.output_dim:,}"
        size = sum(array.size for array in layer.params.values())
        rows.append((layer.name, shorten(repr(layer), 36), output, size))
    lines = [f"{'name':<16}{'layer':<38}{'outputs':>10}{'parameters':>14}", "─" * 78]
    for name, shown, output, size in rows:
        count = f"{size:,}" if network.is_built else "?"
        lines.append(f"{name:<16}{shown:<38}{output:>10}{count:>14}")
    lines.append("─" * 78)
    if not network.is_built:
        lines.append("Not built yet: sizes follow from the number of input columns.")
        return "\n".join(lines)
    total = network.count_params()
    size_kb = total * network.dtype.itemsize / 1024
    lines.append(
        f"{network.input_dim:,} inputs, {total:,} trainable parameters "
        f"({network.dtype}, {size_kb:,.1f} KiB)"
    )
    return "\n".join(lines)
