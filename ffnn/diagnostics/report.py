"""What `diagnose` returns: findings, and a readable account of them."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ffnn.charts.style import BLUE, ORANGE, VERMILION
from ffnn.core.text import counted

PROBLEM, WARNING, NOTE = SEVERITIES = ("problem", "warning", "note")

_WIDTH = 80
_COLOURS = {PROBLEM: VERMILION, WARNING: ORANGE, NOTE: BLUE}


@dataclass(frozen=True)
class Finding:
    """One thing that was found, how it was measured, and what to do about it.

    Attributes
    ----------
    kind : str
        A stable short name, such as ``"dead-relu"``; `ffnn.diagnostics` lists them all.
    severity : {"problem", "warning", "note"}
        A problem keeps the model from learning; a warning makes learning slow or uncertain; a
        note is worth knowing.
    layer : str or None
        The layer it was found in, such as ``"dense_1"``; None if it concerns the data or the
        whole model.
    message : str
        A few sentences, with the measured numbers and the thresholds.
    evidence : mapping of str to object
        The same numbers by name, and the facts from which the remedy follows.
    remedy : str
        What to change.
    units : tuple of int
        The units concerned, or the columns of x or of y, if there are any.

    Examples
    --------
    >>> import ffnn
    >>> (x, y), _ = ffnn.datasets.load_digits()
    >>> model = ffnn.Sequential([ffnn.layers.Dense(10, "softmax")], seed=0)
    >>> model.compile(ffnn.optimizers.SGD(0.0), "categorical_crossentropy")
    >>> findings = model.diagnose(x[:200] / 16.0, y[:200])
    >>> [finding.severity for finding in findings if finding.kind == "learning-rate-too-low"]
    ['warning']
    """

    kind: str
    severity: str
    layer: str | None
    message: str
    evidence: Mapping[str, Any]
    remedy: str
    units: tuple[int, ...] = field(default=(), repr=False)

    @property
    def title(self) -> str:
        """The kind, and the layer if there is one: ``"dead-relu in dense_1"``."""
        return self.kind if self.layer is None else f"{self.kind} in {self.layer}"

    def __str__(self) -> str:
        lines = [_wrapped(self.message, "  "), _wrapped(f"Remedy: {self.remedy}", "  ")]
        return "\n".join([f"{self.severity.upper()}: {self.title}", *lines])

    def _repr_html_(self) -> str:
        """Return the finding for a notebook or a page."""
        title = html.escape(f"{self.severity.upper()}: {self.title}")
        return (
            f'<div style="border-left:4px solid {_COLOURS[self.severity]};'
            f'padding-left:8px;margin:8px 0"><b>{title}</b><br>{html.escape(self.message)}<br>'
            f"<i>Remedy:</i> {html.escape(self.remedy)}</div>"
        )


class Diagnosis(list[Finding]):
    """The findings, most severe first; printed, an account at most 80 columns wide.

    Attributes
    ----------
    num_rows : int
        How many rows the findings are based on.
    checked : tuple of str
        What was checked.
    skipped : dict of str to str
        What was not checked → why.
    remarks : tuple of str
        What else there is to say about how it was measured.

    Examples
    --------
    >>> import ffnn
    >>> (x, y), _ = ffnn.datasets.load_digits()
    >>> model = ffnn.Sequential([ffnn.layers.Dense(10, "softmax")], seed=0)
    >>> model.compile("adam", "categorical_crossentropy")
    >>> history = model.fit(x, y, epochs=2, verbose=0)
    >>> diagnosis = model.diagnose(x[:200], y[:200])
    >>> diagnosis.num_rows, [each.kind for each in diagnosis if each.severity == "problem"]
    (200, [])
    """

    def __init__(
        self,
        findings: Iterable[Finding],
        num_rows: int,
        checked: Sequence[str],
        skipped: Mapping[str, str],
        remarks: Sequence[str] = (),
    ) -> None:
        super().__init__(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))
        self.num_rows = num_rows
        self.checked = tuple(checked)
        self.skipped = dict(skipped)
        self.remarks = tuple(remarks)

    def _counts(self) -> str:
        """Return such as "1 problem, 2 notes"."""
        counts = {s: sum(finding.severity == s for finding in self) for s in SEVERITIES}
        parts = [counted(count, severity) for severity, count in counts.items() if count]
        return ", ".join(parts) or "nothing found"

    def _headline(self) -> str:
        return f"Diagnosis based on {counted(self.num_rows, 'row')}: {self._counts()}."

    def _account(self) -> list[str]:
        """Return what was checked and how, a paragraph each."""
        lines = []
        if self.checked:
            lines.append(f"Checked: {', '.join(self.checked)}.")
        for why in dict.fromkeys(self.skipped.values()):
            what = ", ".join(name for name, reason in self.skipped.items() if reason == why)
            lines.append(f"Not checked, as {why}: {what}.")
        return lines + list(self.remarks)

    def __str__(self) -> str:
        account = "\n".join(_wrapped(line) for line in self._account())
        return "\n\n".join([_wrapped(self._headline()), *map(str, self), account])

    def __repr__(self) -> str:
        return f"<Diagnosis: {self._counts()}>"

    def _repr_html_(self) -> str:
        """Return the account for a notebook."""
        items = "".join(finding._repr_html_() for finding in self)
        account = "<br>".join(html.escape(line) for line in self._account())
        return (
            f"<div><p><b>{html.escape(self._headline())}</b></p>{items}"
            f"<p><small>{account}</small></p></div>"
        )


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
