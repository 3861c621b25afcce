"""Figures in files."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

from ffnn._types import FilePath
from ffnn.core.files import replace_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save_figure(figure: Figure, path: FilePath, dpi: int = 150) -> None:
    """Write a figure into a file, whole or not at all, in the format that the suffix names."""
    content = io.BytesIO()
    figure.savefig(content, format=os.path.splitext(path)[1][1:].lower(), dpi=dpi)
    replace_whole(path, content.getvalue())
