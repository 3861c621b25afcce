"""Tables in Markdown, and how a script puts what it measured into a page of the documentation.

    python benchmarks/page_sections.py

writes the tables of ``benchmarks/results/pages`` into their pages once more. Each is a file with
the machine, the day and the command by which it came; `keep` makes it. Of tables that are older
than `keep`, the day is that on which they came into the page.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
RESULTS = ROOT / "benchmarks" / "results"
KEPT = RESULTS / "pages"


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


def keep(
    page: str, name: str, machine: str, by: str, head: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    """Keep a table in a file of its name, and put it between the marks of that name.

    Parameters
    ----------
    page : str
        The page, from the folder of the documentation on.
    name : str
        Of the marks, and of the file.
    machine, by : str
        On what it was measured, and by which command.
    head, rows : sequences of str
        The cells.
    """
    day = time.strftime("%Y-%m-%d")
    kept = {"page": page, "machine": machine, "day": day, "by": by, "head": head, "rows": rows}
    put(DOCS / page, name, kept_lines(kept))
    KEPT.mkdir(parents=True, exist_ok=True)
    file = KEPT / f"{name.replace(' ', '-')}.json"
    file.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def kept_lines(kept: Mapping[str, Any]) -> list[str]:
    """Return what a page shows of a table that was kept."""
    by = f", by `{kept['by']}`" if kept["by"] else ""  # not all that was measured has a script
    about = f"{kept['machine']}, {kept['day']}{by}:"
    return [about, "", *table(kept["head"], kept["rows"])]


def kept_tables() -> dict[str, dict[str, Any]]:
    """Return name → table of all that are kept."""
    files = sorted(KEPT.glob("*.json"))
    return {file.stem.replace("-", " "): json.loads(file.read_text("utf-8")) for file in files}


if __name__ == "__main__":
    for name, kept in kept_tables().items():
        put(DOCS / kept["page"], name, kept_lines(kept))
