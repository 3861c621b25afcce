"""Tables that scripts put into ``docs/growth.md``, each between two marks of its own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "growth.md"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(row)} |" for row in lines]


def put(name: str, lines: Sequence[str], page: Path = PAGE) -> None:
    """Replace what stands between the marks of a name; LookupError: the page has no such marks."""
    marks = f"<!-- {name} -->", f"<!-- end of {name} -->"
    text = page.read_text(encoding="utf-8")
    between = re.compile(f"({marks[0]}\n).*?({marks[1]})", re.DOTALL)
    content = "\n".join(["", *lines, "", ""])
    found, count = between.subn(lambda match: match[1] + content + match[2], text)
    if count != 1:
        raise LookupError(f"{page}: expected the marks {marks[0]} and {marks[1]} once")
    page.write_text(found, encoding="utf-8")
