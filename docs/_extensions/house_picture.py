"""The picture of the house: rooms by floor, from the guide, and who imports whom, from the code."""

import ast
import re
from collections import Counter
from pathlib import Path

import matplotlib.pyplot as plt

import ffnn

PACKAGE = Path(ffnn.__file__).parent


def floors():
    """Return the rooms of each floor, from the lowest, as the guide of the package names them."""
    parts = re.split(r"^\d+\. ", ffnn.__doc__ or "", flags=re.MULTILINE)[1:]
    return [re.findall(r"`(\w+)`", part) for part in parts]


def imports():
    """Return (importing room, imported room) → how many imports there are."""
    found = Counter()
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).with_suffix("").parts[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ffnn."):
                found[room, node.module.split(".")[1]] += 1
    return found


def draw():
    """Return a figure: floors from below to above, a line for each pair of rooms."""
    places = {}
    fig, axes = plt.subplots(figsize=(10, 8), layout="constrained")
    for floor, rooms in enumerate(floors()):
        for index, room in enumerate(rooms):
            places[room] = ((index + 0.5) / len(rooms), floor)
    for (importing, imported), number in imports().items():
        if importing in places and imported in places and importing != imported:
            (x0, y0), (x1, y1) = places[importing], places[imported]
            if y1 < y0:
                width = 0.4 + 0.12 * min(number, 20)
                axes.plot([x0, x1], [y0, y1], color="#0b6e8a", alpha=0.25, linewidth=width)
    for room, (x, y) in places.items():
        box = {"boxstyle": "round", "facecolor": "white", "edgecolor": "#0b6e8a"}
        axes.text(x, y, room, ha="center", va="center", size=9, bbox=box)
    axes.set(xlim=(0, 1), ylim=(-0.6, len(floors()) - 0.4))
    axes.set_axis_off()
    return fig


def write_picture(app):
    """Write the picture beside the page, where git does not keep it."""
    fig = draw()
    fig.savefig(Path(app.srcdir) / "house" / "rooms.png", dpi=110)
    plt.close(fig)


def setup(app):
    """Draw before Sphinx looks for pictures."""
    app.connect("builder-inited", write_picture, priority=100)
    return {"parallel_read_safe": True}
