"""Tables in Markdown, and how a script puts what it measured into a page of the documentation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
RESULTS = ROOT / "benchmarks" / "results"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(row)} |" for row in lines]


def put(page: Path, name: str, lines: Sequence[str]) -> None:
    """Replace what stands between the marks of a name; LookupError: the page has no such marks."""
    page.write_text(with_section(page, name, lines), encoding="utf-8")


def with_section(page: Path, name: str, lines: Sequence[str]) -> str:
    """Return the text of a page with other lines between the marks of a name."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    between = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    content = "\n".join([begin, "", *lines, "", end])
    text, count = between.subn(lambda _: content, page.read_text(encoding="utf-8"))
    if count != 1:
        raise LookupError(f"{page}: expected the marks {begin} and {end} once")
    return text
