"""The user's data as training reads it: `sources` of rows, `targets`, then `batches`."""
