"""All that a diagnosis can find, and what it says: severity, message and remedy over evidence.

`data` and `model` hold the entries, `kinds` what an entry is. The evidence comes from the modules
that measure; they hold the limits from which there is a finding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ffnn.diagnostics.catalogue import data, model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ffnn.diagnostics.catalogue.kinds import Evidence
    from ffnn.diagnostics.report import Finding

KINDS = {**data.KINDS, **model.KINDS}


def finding(
    kind: str, evidence: Evidence, layer: str | None = None, units: Sequence[int] = ()
) -> Finding:
    """Return the finding that evidence makes; `units` are the units or columns concerned."""
    return KINDS[kind].finding(kind, evidence, layer, units)


def table() -> str:
    """Return a table of all kinds in reStructuredText."""
    rows = [("kind", "what was found")]
    rows += [(f"``{name}``", kind.summary) for name, kind in KINDS.items()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    header, *lines = (f"{name:{widths[0]}}  {summary}" for name, summary in rows)
    return "\n".join([rule, header, rule, *lines, rule])
