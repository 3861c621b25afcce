"""A bar for what takes long, where somebody can see it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ffnn.core.console import is_terminal, takes_bars

if TYPE_CHECKING:
    from tqdm import tqdm


def bar(what: str, total: int, unit: str) -> tqdm[Any]:
    """Return a bar that appears after a second, on a terminal or in a notebook."""
    from tqdm.auto import tqdm

    is_seen = (is_terminal(sys.stderr) or "ipykernel" in sys.modules) and takes_bars()
    return tqdm(total=total, desc=what, unit=unit, delay=1, leave=False, disable=not is_seen)
