"""A figure that shows itself in a notebook. This module is imported with the first figure."""

from __future__ import annotations

import io

from matplotlib.figure import Figure

_SHARPNESS = 2  # pixels of the picture to one of the page, for dense screens


class NotebookFigure(Figure):
    """A figure of matplotlib that a notebook shows as a picture, without `pyplot`.

    Where `pyplot` is used beside it, its own way of showing figures comes first.
    """

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """Return the picture, and the size at which it is shown."""
        content = io.BytesIO()
        self.savefig(content, format="png", dpi=_SHARPNESS * self.dpi)
        width, height = (round(length * self.dpi) for length in self.get_size_inches().tolist())
        return content.getvalue(), {"width": width, "height": height}
