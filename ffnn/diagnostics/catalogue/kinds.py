"""What an entry of the catalogue is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from ffnn.diagnostics.report import NOTE, PROBLEM, WARNING

Text: TypeAlias = "str | tuple[Text, ...] | Mapping[str, Text]"
Evidence: TypeAlias = Mapping[str, Any]


class Kind(NamedTuple):
    """What is said of one kind of finding.

    A text is a template for `str.format`, or a tuple of texts to be joined, or the cases of
    `first`. Templates name the evidence, and besides it ``layer``; ``listed``, the units or columns
    concerned; and ``place``, the evidence's ``column`` with its name.
    """

    severity: str | Callable[[Evidence], str]
    summary: str
    message: Text
    remedy: Text


problem, warning, note = (partial(Kind, severity) for severity in (PROBLEM, WARNING, NOTE))


def first(**cases: Text) -> Mapping[str, Text]:
    """Return a text that is the first of `cases` that holds; if none does, it is left out.

    A case holds if it is named after the severity, or after evidence that is not None, 0 or empty;
    the case ``otherwise`` always holds.
    """
    return cases
