"""The user's data as training reads it: rows on disk, `sources`, `targets`, then `batches`."""

from ffnn.data.opening import open_rows
from ffnn.data.rows import Rows

__all__ = ["Rows", "open_rows"]
