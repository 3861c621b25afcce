"""What knows nothing of networks.

`checks` of arguments, `text` for messages, printing (`console`), the `registry` of named parts,
their `descriptions` as plain data and their `formulas` (read by `expressions`), running `moments`,
`memory`, `locks`, `files`, open files (`streams`), and names that are loaded late (`lazy`).
"""
