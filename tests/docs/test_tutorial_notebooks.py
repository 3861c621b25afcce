"""The notebooks of the tutorial have its code as it is, and what it printed and drew."""

import json
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
CHAPTERS = {"tutorial": "t2_digits", "seeing-inside": "t4_seeing_inside", "tables": "t3_own_table"}


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_notebook_is_its_chapter_executed(name):
    notebook = json.loads((DOCS / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    source = (DOCS / "sources" / "tutorial" / f"{CHAPTERS[name]}.py").read_text(encoding="utf-8")
    known = {line.strip().removeprefix("figure = ") for line in source.splitlines()}

    code = [line.strip() for cell in cells for line in "".join(cell["source"]).splitlines()]
    assert [line for line in code if line not in known] == []
    assert len(code) > 20
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert all(output["output_type"] != "error" for output in outputs)
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert "/work/" not in json.dumps(notebook)
