"""What an entry of the catalogue is: texts that evidence completes to a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from ffnn.core.text import listed
from ffnn.diagnostics.report import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Text: TypeAlias = "str | tuple[Text, ...] | Mapping[str, Text]"
    Evidence: TypeAlias = Mapping[str, Any]


class Kind(NamedTuple):
    """What is said of one kind of finding.

    A text is a template for `str.format`, or a tuple of texts to be joined, or the cases of
    `first`. Templates name the evidence, and besides it ``layer``; ``listed``, the units or columns
    concerned; and ``place``, the evidence's ``column`` with its name.
    """

    summary: str
    severity: str | Callable[[Evidence], str]
    message: Text
    remedy: Text

    def finding(
        self, name: str, evidence: Evidence, layer: str | None, units: Sequence[int]
    ) -> Finding:
        """Return the finding, of the kind `name`, that this evidence makes."""
        severity = self.severity if isinstance(self.severity, str) else self.severity(evidence)
        known = {**evidence, severity: True, "layer": layer, "listed": listed(units)}
        for key, value in evidence.items():
            if isinstance(value, list):
                known[key] = listed(value)
            elif isinstance(value, dict):
                known[key] = listed(f"{k}: {number:g}" for k, number in value.items())
        if evidence.get("column_name") is not None:
            known["place"] = f"{evidence['column']} ({evidence['column_name']!r})"
        else:
            known["place"] = evidence.get("column")
        message, remedy = (" ".join(_chosen(text, known)) for text in (self.message, self.remedy))
        return Finding(name, severity, layer, message, evidence, remedy, tuple(units))


def first(**cases: Text) -> Mapping[str, Text]:
    """Return a text that is the first of `cases` that holds; if none does, it is left out.

    A case holds if it is named after the severity, or after evidence that is not None, 0 or empty;
    the case ``otherwise`` always holds.
    """
    return cases


def _chosen(text: Text, known: Evidence) -> Iterator[str]:
    if isinstance(text, str):
        yield text.format_map(known)
    elif isinstance(text, tuple):
        for part in text:
            yield from _chosen(part, known)
    else:
        holding = [case for case in text if case == "otherwise" or known.get(case)]
        if holding:
            yield from _chosen(text[holding[0]], known)
