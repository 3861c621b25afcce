"""What knows nothing of networks.

`checks` of arguments, the `registry` of named parts, their `formulas`, `memory`, `files`.
"""
