"""What keeps a network from learning: measured, told with its evidence, and what to do about it.

`diagnose` looks for these; the layer is named where it is a layer's fault.

==========================  ====================================================================
kind                        what was found
==========================  ====================================================================
``non-finite-inputs``       NaN or infinity in x
``non-finite-weights``      NaN or infinity in a layer's parameters
``non-finite-outputs``      a layer or the loss overflows
``non-finite-gradient``     a gradient overflows
``unscaled-inputs``         columns far above, or rows far below order 1, behind all scaling
``uncentred-inputs``        columns that vary little beside their mean
``constant-inputs``         columns that never vary
``dead-relu``               ReLU units that are 0 on all rows
``saturated-units``         sigmoid or tanh units that are nearly always at an end
``symmetric-units``         units that are copies of each other and stay so
``no-activation``           two linear maps without an activation between them
``vanishing-gradients``     gradients that fade from the last layer to the first
``exploding-gradients``     gradients that grow from the last layer to the first
``targets-rejected``        targets that the loss does not take, so that `fit` raises an error
``targets-out-of-range``    targets that the last activation cannot reach
``class-numbers``           class numbers with a loss that measures distances
``linear-ending``           classes with such a loss and no probabilities at the end
``class-loss``              classes with such a loss behind a sigmoid or softmax
``continuous-labels``       numbers with a loss for two classes
``constant-targets``        the same target on all rows
``unscaled-targets``        targets far from order 1 that are not learned yet
``one-class``               rows of one class only
``missing-classes``         classes without rows
``unbalanced-classes``      one class far more frequent than another
``one-answer``              a trained model that gives all rows one class
``loss-above-chance``       a loss far above that of guessing
``learning-rate-too-high``  the loss rises in trial steps
``learning-rate-too-low``   trial steps change nothing, and larger ones do
==========================  ====================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn.diagnostics.gradients import check_finite_outputs, check_finite_weights, check_gradients
from ffnn.diagnostics.inputs import check_inputs
from ffnn.diagnostics.labels import check_targets
from ffnn.diagnostics.probe import chance_loss, measure
from ffnn.diagnostics.rates import check_learning_rate
from ffnn.diagnostics.report import Diagnosis, Finding
from ffnn.diagnostics.sample import Sample, open_sample
from ffnn.diagnostics.units import (
    check_activations,
    check_dead_units,
    check_saturated_units,
    check_symmetric_units,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ffnn.models.trainable import Trainable

    _Check = tuple[str, str, Callable[[], list[Finding]]]

__all__ = ["Diagnosis", "Finding", "diagnose"]


def diagnose(model: Trainable, x: Any, y: Any = None, sample_weight: Any = None) -> Diagnosis:
    """Look for what keeps a model from learning these rows.

    All is measured on a copy, so the model stays exactly as it is. At most 20,000 rows are looked
    at: of more, as many are drawn at random with a fixed seed; the result says so. What draws
    random numbers, such as `Dropout`, is switched off, and `BatchNorm` takes the statistics of
    batches of up to 1,024 rows.

    Parameters
    ----------
    model : Sequential
        Built or not, trained or not. Of one that is not built, a copy is built as `fit` would do.
        For one that is not compiled, only what needs no loss is checked.
    x : array-like, memmap, h5py dataset or sparse matrix of shape (rows, input_dim)
        Inputs, as `fit` gets them.
    y : array-like of shape (rows,) or (rows, units), optional
        Targets; without them only what needs none is checked.
    sample_weight : array-like of shape (rows,), optional
        The rows' weights in the loss.

    Returns
    -------
    Diagnosis
        A list of findings, the gravest first. Printed, it is an account of what was found and of
        what was looked for.

    Raises
    ------
    DataError
        `x` is not rows of the model's inputs, or there is not one target and one weight a row.
        Entries that are not finite and targets that the loss does not take are findings instead.
    """
    sample, findings, num_given = open_sample(model, x, y, sample_weight)
    if sample is None:
        return Diagnosis(findings, 0, ["inputs"], {"all else": "no row is finite"})
    with np.errstate(all="ignore"):  # overflow is one of the things looked for
        checks = _checks(sample, _no_loss(sample, y))
        for _, why_not, check in checks:
            findings += [] if why_not else check()
    remarks = []
    if not model.is_built:
        remarks.append("The model is not built: looked at was what fit would build.")
    if sample.num_rows < num_given:
        remarks.append(
            f"Looked at were {sample.num_rows:,} of {num_given:,} rows, drawn at random with a "
            f"fixed seed."
        )
    checked = [what for what, why_not, _ in checks if not why_not]
    skipped = {what: why_not for what, why_not, _ in checks if why_not}
    return Diagnosis(findings, sample.num_rows, checked, skipped, remarks)


def _no_loss(sample: Sample, y: Any) -> str:
    """Return why there is no loss to measure, or "" if there is one."""
    if sample.step is None:
        return "the model is not compiled"
    if y is None:
        return "no targets were given"
    return "the loss does not take the targets" if sample.y is None else ""


def _checks(sample: Sample, no_loss: str) -> list[_Check]:
    """Return what there is to check, with the reason why not or "", and how."""
    broken = check_finite_weights(sample)
    measured = measure(sample)
    chance = 0.0 if no_loss else chance_loss(sample)
    no_weights = "the weights are not finite" if broken else ""
    no_numbers = no_weights or ("the outputs are not finite" if measured.non_finite else "")
    no_trial = no_loss or no_numbers or ("all targets are the same" if chance <= 0.0 else "")
    return [
        ("inputs", "", lambda: check_inputs(sample, measured)),
        ("finite weights and outputs", "", lambda: broken or check_finite_outputs(measured)),
        ("activations between layers", "", lambda: check_activations(sample)),
        ("symmetric units", no_weights, lambda: check_symmetric_units(sample)),
        ("dead ReLUs", no_numbers, lambda: check_dead_units(sample, measured)),
        ("saturated units", no_numbers, lambda: check_saturated_units(sample, measured)),
        ("targets", no_loss, lambda: check_targets(sample, measured, chance)),
        ("gradients", no_loss or no_numbers, lambda: check_gradients(measured)),
        ("learning rate", no_trial, lambda: check_learning_rate(sample, chance)),
    ]
