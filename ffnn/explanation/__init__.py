"""One training step of a small network with all its formulas and numbers, to be checked by hand.

Read `explanation`, then `trace`, which runs the step with `taps`, `losses` and `updates`; `text`,
`markdown`, with `latex`, and `drawing` write its `steps`.
"""

from __future__ import annotations

from ffnn.core.formulas import Formula, Formulas
from ffnn.explanation.explanation import Explanation, explain_step
from ffnn.explanation.steps import Step

__all__ = ["Explanation", "Formula", "Formulas", "Step", "explain_step"]
