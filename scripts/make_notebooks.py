"""Make executed notebooks of chapters of the tutorial: ``python scripts/make_notebooks.py``.

They need ffnn and nothing of this folder. Sphinx-Gallery and nbclient have to be installed.
"""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image
from sphinx_gallery.notebook import rst2md
from sphinx_gallery.py_source_parser import split_code_and_text_blocks

DOCS = Path(__file__).parent.parent / "docs"
CHAPTERS = {"tutorial": "t2_digits", "seeing-inside": "t4_seeing_inside", "tables": "t3_own_table"}


def cells_of(path: Path) -> list[nbformat.NotebookNode]:
    """Return the cells of a chapter; a figure at the end of a cell shows itself."""
    cells = []
    _, blocks = split_code_and_text_blocks(str(path))
    for block in blocks:
        kind, text = block[0], block[1]
        if kind == "text":
            levels = {(None, "="): 1, (None, "-"): 2}
            written = rst2md(text, {"notebook_images": False}, "", levels)
            written = re.sub(r":doc:`/?([^`]*)`", r"*\1* on the site", written)
            cells.append(nbformat.v4.new_markdown_cell(written))
        elif text.strip():
            code = re.sub(r"^figure = (?=[^\n]*\Z)", "", text.strip(), flags=re.MULTILINE)
            cells.append(nbformat.v4.new_code_cell(code))
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    return cells


def smaller(png: str) -> str:
    """Return a picture in base64 with at most 1,200 columns and 128 colours."""
    image = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    image.thumbnail((1200, 2400))
    written = io.BytesIO()
    image.quantize(128).save(written, format="png", optimize=True)
    return base64.b64encode(written.getvalue()).decode()


def main() -> None:
    """Write the notebooks."""
    for name, chapter in CHAPTERS.items():
        notebook = nbformat.v4.new_notebook(cells=cells_of(DOCS / f"sources/tutorial/{chapter}.py"))
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        NotebookClient(notebook, timeout=300, kernel_name="python3", record_timing=False).execute()
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                if "image/png" in output.get("data", {}):  # which every viewer shows
                    output["data"] = {"image/png": smaller(output["data"]["image/png"])}
        nbformat.write(notebook, DOCS / "notebooks" / f"{name}.ipynb")


if __name__ == "__main__":
    main()
