"""Trials of what must hold for model files and threads; the tests and ``soak.py`` share them.

Each trial is a function ``run(cases, seed, folder, advance)`` that makes the numbered cases, calls
``advance(n)`` as they are done, and returns a `Result`. What a case is depends on the seed and its
number alone. Beside each trial runs a control: the same with something naive in the place of ours,
which must fail.
"""
