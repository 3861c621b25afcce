"""Tables: files and data frames with columns of any kind, and how a network reads them.

From a file to numbers, in this order: `source` (bytes to text), `layout` (what separates fields),
`text_file` and `frames` (columns as they stand, `raw`), `entries` and `kinds` (what they mean),
`table` (what the user sees).
"""

from ffnn.tables.column import Column
from ffnn.tables.encoder import TableEncoder
from ffnn.tables.read import read_table
from ffnn.tables.table import Table

__all__ = ["Column", "Table", "TableEncoder", "read_table"]
