"""The report's experiments: the table of them, their runs, their statistics and the page."""
