"""What keeps a network from learning: measured, reported with evidence, and how to fix it.

`diagnose` takes a `Sample`, which is a copy of the model with rows of the data, sends it through
one pass (`probe`), and judges what that measured, a module for each subject: `inputs`, `layers`,
`targets`, `rates`, `training`. They yield evidence, and `catalogue` holds what it means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ffnn.core.text import counted
from ffnn.diagnostics.catalogue import table
from ffnn.diagnostics.inputs import check_inputs
from ffnn.diagnostics.layers import (
    check_activations,
    check_batch_rows,
    check_dead_units,
    check_finite_outputs,
    check_finite_weights,
    check_gradients,
    check_saturated_units,
    check_symmetric_units,
)
from ffnn.diagnostics.probe import Probe, chance_loss
from ffnn.diagnostics.rates import check_learning_rate
from ffnn.diagnostics.report import Diagnosis, Finding
from ffnn.diagnostics.sample import Sample, open_sample
from ffnn.diagnostics.targets import check_targets
from ffnn.diagnostics.training import MIN_EPOCHS, check_history, check_learning
from ffnn.models.raw_rows import with_targets_if_any
from ffnn.models.trainable import Trainable

_Check = tuple[str, str, Callable[[], Iterable[Finding]]]

__all__ = ["Diagnosis", "Finding", "diagnose"]
__doc__ = f"{__doc__}\n{table()}\n"


def diagnose(model: Trainable, x: Any, y: Any = None, sample_weight: Any = None) -> Diagnosis:
    """Look for what keeps a model from learning these rows; `Sequential.diagnose` says more.

    Examples
    --------
    >>> import ffnn
    >>> (x, y), _ = ffnn.datasets.load_digits()
    >>> model = ffnn.Sequential([ffnn.layers.Dense(10, "softmax")], seed=0)
    >>> model.compile(ffnn.optimizers.SGD(0.0), "categorical_crossentropy")
    >>> from ffnn.diagnostics import diagnose
    >>> [each.severity for each in diagnose(model, x / 16.0, y) if "rate" in each.kind]
    ['warning']
    """
    x, y, sample_weight = with_targets_if_any(model, x, y, sample_weight)
    sample, findings, num_given = open_sample(model, x, y, sample_weight)
    if sample is None:
        return Diagnosis(findings, 0, ["inputs"], {"everything else": "no row is finite"})
    with np.errstate(all="ignore"):  # overflow is one of the things looked for
        checks = _checks(sample, _no_loss(sample, y))
        for _, why_not, check in checks:
            findings += [] if why_not else check()
    checked = [what for what, why_not, _ in checks if not why_not]
    skipped = {what: why_not for what, why_not, _ in checks if why_not}
    remarks = []
    if not model.is_built:
        remarks.append("The model is not built: this is about what fit would build.")
    if sample.num_rows < num_given:
        remarks.append(
            f"Based on {sample.num_rows:,} of {counted(num_given, 'row')}, drawn at random with a "
            f"fixed seed."
        )
    return Diagnosis(findings, sample.num_rows, checked, skipped, remarks)


def _no_loss(sample: Sample, y: Any) -> str:
    """Return why there is no loss to measure, or "" if there is one."""
    if sample.step is None:
        return "the model is not compiled"
    if y is None:
        return "no targets were given"
    return "the loss does not accept the targets" if sample.y is None else ""


def _checks(sample: Sample, no_loss: str) -> list[_Check]:
    """Return what there is to check, with the reason why not or "", and how."""
    broken = list(check_finite_weights(sample))
    measured = Probe(sample)
    chance = 0.0 if no_loss else chance_loss(sample)
    no_weights = "the weights are not finite" if broken else ""
    no_numbers = no_weights or ("the outputs are not finite" if measured.non_finite else "")
    no_trial = no_loss or no_numbers or ("all targets are the same" if chance <= 0.0 else "")
    checks: list[_Check] = [
        ("inputs", "", lambda: check_inputs(sample, measured)),
        (
            "finite weights and outputs",
            "",
            lambda: broken or check_finite_outputs(sample, measured),
        ),
        ("activations between layers", "", lambda: check_activations(sample)),
        ("batches", "", lambda: check_batch_rows(sample)),
        ("symmetric units", no_weights, lambda: check_symmetric_units(sample)),
        ("dead ReLUs", no_numbers, lambda: check_dead_units(sample, measured)),
        ("saturated units", no_numbers, lambda: check_saturated_units(sample, measured)),
        ("targets", no_loss, lambda: check_targets(sample, measured, chance)),
        ("gradients", no_loss or no_numbers, lambda: check_gradients(sample, measured)),
    ]
    if sample.is_trained:
        learned = ("what was learned", no_trial, lambda: check_learning(sample, measured, chance))
        checks.append(learned)
    history = sample.model.history
    if history is not None and history.history.get("loss"):
        few = f"the history has fewer than {MIN_EPOCHS} epochs"
        too_short = few if len(history.epoch) < MIN_EPOCHS else ""
        checks.append(("history", too_short, lambda: check_history(history, sample, chance)))
    # Last, as its trials change the copy of the model.
    checks.append(("learning rate", no_trial, lambda: check_learning_rate(sample, chance)))
    return checks
