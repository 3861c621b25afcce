"""One training step of a small network with all its formulas and numbers, to be checked by hand."""

from __future__ import annotations

from ffnn.core.formulas import Formula
from ffnn.explanation.explanation import Explanation, explain_step
from ffnn.explanation.steps import Step

__all__ = ["Explanation", "Formula", "Step", "explain_step"]
