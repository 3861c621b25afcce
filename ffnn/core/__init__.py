"""What knows nothing of networks.

`checks` of arguments, `text` for messages, the `registry` of named parts, their `formulas`
(read by `expressions`), running `moments`, `memory` and `files`.
"""
