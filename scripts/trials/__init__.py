"""Trials of files, resuming, threads, arguments; the tests and ``soak.py`` share them.

Each trial is a function ``run(cases, seed, folder, advance)`` that runs the numbered cases, calls
``advance(n)`` as they are done, and returns a `Result`. A case depends only on the seed and its
number. Beside each trial runs a control: the same with a naive implementation in place of ours,
which must fail.
"""
