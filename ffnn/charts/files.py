"""Figures in files."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

from ffnn._types import FilePath
from ffnn.core.files import replace_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PNG_DPI = 150


def save_figure(figure: Figure, path: FilePath) -> None:
    """Write a figure into a file, whole or not at all, in the format that the suffix names."""
    content = io.BytesIO()
    figure.savefig(content, format=os.path.splitext(path)[1][1:].lower(), dpi=PNG_DPI)
    replace_whole(path, content.getbuffer())
