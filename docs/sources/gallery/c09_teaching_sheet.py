r"""
A teaching sheet
================

One training step with real numbers: with blanks for the class, and with the solution for you.

``explain_step`` has the numbers from the layers themselves. ``to_latex(standalone=True)`` makes a
sheet to be printed; here it is text.
"""

import dataclasses

import numpy as np

import ffnn

model = ffnn.Sequential.from_sizes([2, 2, 1], ["sigmoid", "linear"], seed=3)
model.parameters[:] = (0.5, -1.0, 1.5, 0.25, 0.0, 0.5, 1.0, -0.5, 0.25)
model.compile(ffnn.optimizers.SGD(0.5), "mean_squared_error")
explanation = model.explain_step([[1.0, 2.0]], [[1.0]])

# %%
# Blanks
# ------
# Parameters, inputs and targets stay; whatever is computed is left out.


def is_given(step, symbol):
    """Tell whether a number is known before the step is computed."""
    if symbol in step.results:
        return False
    first, target = (
        step.place == 0 and symbol == "x",
        step.direction == "loss" and symbol == "y",
    )
    return first or target or symbol in ("W", "b", "n", "u", "η")


def blank(step):
    """Return the step without the numbers that are to be found."""
    arrays = {
        symbol: array if is_given(step, symbol) else np.full_like(array, np.nan)
        for symbol, array in step.arrays.items()
    }
    return dataclasses.replace(step, arrays=arrays)


sheet = dataclasses.replace(explanation, steps=tuple(map(blank, explanation)))
text = sheet.to_text(precision=3).replace("nan", "___")
print(text[: text.index("── Update")])

# %%
# The solution
# ------------

text = explanation.to_text(precision=3)
print(text[: text.index("── Update")])

# %%
# As a picture
# ------------

figure = explanation.plot()
