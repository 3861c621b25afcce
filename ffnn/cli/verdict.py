"""Whether ``ffnn train`` has learned anything: more than a constant prediction knows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ffnn.cli.exit_codes import NothingLearnedError
from ffnn.cli.parts import optimizer_defaults
from ffnn.core.console import complain
from ffnn.core.text import counted, shown
from ffnn.diagnostics.chance import FAR_WORSE, can_be_better, constant_loss, is_better
from ffnn.models.raw_rows import targets_for
from ffnn.optimizers import OPTIMIZERS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from ffnn._types import Array
    from ffnn.cli.classes import TrainingData
    from ffnn.sequential import Sequential

_ROSE = 1.1  # times the first epoch's loss
_OTHER_NETWORK = "Try --preset plain."
_UNUSUAL = 10.0  # times the learning rate that the optimizer has of its own, or a part of it


class _Comparison(NamedTuple):
    """What a model and a constant prediction reach on the same rows."""

    rows: int
    score: float  # accuracy or R²
    constant_score: float
    loss: float  # without penalties; of numbers the mean squared error
    constant_loss: float
    is_better: bool  # evidently, or there are too few rows to tell

    @property
    def is_far_worse(self) -> bool:
        """Whether the model is not only no better."""
        return not self.loss <= FAR_WORSE * self.constant_loss  # NaN is far worse, too

    def __str__(self) -> str:
        if self.constant_score == 0.0:
            return f"R² is {self.score:.4g}, where the mean of the targets gives 0"
        return (
            f"accuracy is {self.score:.4f} and loss {self.loss:.4g}, where always predicting the "
            f"most frequent class gives accuracy {self.constant_score:.4f}, and predicting the "
            f"shares of the classes gives loss {self.constant_loss:.4g}"
        )


def require_learning(
    args: argparse.Namespace, data: TrainingData, model: Sequential, scores: dict[str, float]
) -> None:
    """Say on stderr that the model knows no more than a constant prediction, if so.

    `scores` are those of the test rows, or of the training rows if there are none. It is an error
    if on the training rows, too, the model is far worse than a constant prediction, or is no better
    after a training in which the loss rose.
    """
    tested = trained = _compare(model, data.y_train if data.y_test is None else data.y_test, scores)
    if tested.is_better:
        return
    if data.y_test is not None:
        target = targets_for(model, data.y_train)
        scores = model.evaluate(data.x_train, target, return_dict=True)
        trained = _compare(model, data.y_train, scores)
    kind = "training row" if data.y_test is None else "test row"
    message = f"on {counted(tested.rows, kind)} {tested}. "
    saved = f" {args.out} holds the model; ffnn diagnose looks for causes." if args.out else ""
    if trained.is_far_worse or (_has_risen(model) and not trained.is_better):
        cause = _OTHER_NETWORK if args.preset == "table" else _cause_of_divergence(model)
        raise NothingLearnedError(f"nothing was learned: {message}{cause}{saved}")
    if args.preset == "table":
        cause = f"Too few rows, or columns that say nothing about {data.target!r}, may be why."
    else:
        cause = _cause(model, data.target, trained.is_better)
    complain(f"ffnn: note: not clearly better than a constant prediction: {message}{cause}{saved}")


def main_score(scores: Mapping[str, Any]) -> str | None:
    """Return the name of the score that is compared with a constant prediction, if it is there."""
    return next((name for name in ("r2", "accuracy") if name in scores), None)


def baseline(y: Array, scores: Mapping[str, Any], names: list[str] | None) -> str | None:
    """Return the line that says what a constant prediction reaches in the `main_score`.

    `y` are the targets that the scores are of. None where there is no such score.
    """
    name, y = main_score(scores), np.asarray(y)
    if name is None or not len(y):
        return None
    if name == "r2":
        means = f"the mean {y.mean():.6g}" if y.size == len(y) else "the means"
        return f"baseline r2: 0.0000 (always {means})"
    is_one_hot = y.ndim == 2 and y.shape[1] > 1 and bool((y.sum(axis=1) == 1).all())
    is_numbered = y.ndim == 1 and y.dtype.kind in "iub"
    if not (is_one_hot or is_numbered):
        return None
    best, share = _most_frequent(y)
    label = shown(names[best] if names is not None and best < len(names) else best, 60)
    return f"baseline accuracy: {share:.4f} (always {label})"


# -- comparing ---------------------------------------------------------------------------------


def _most_frequent(y: Array) -> tuple[int, float]:
    """Return the number of the most frequent class, and its share of the rows."""
    counts = np.bincount(y if y.ndim == 1 else y.argmax(axis=1))
    return int(counts.argmax()), float(counts.max()) / len(y)


def _compare(model: Sequential, y: Array, scores: dict[str, float]) -> _Comparison:
    """Compare `scores`, which the model reaches on rows, with what a constant prediction does."""
    if "r2" in scores:
        return _compare_numbers(y, scores)
    assert model.loss is not None
    rows, score, task = len(y), scores["accuracy"], model.loss.task
    share = _most_frequent(y)[1]
    loss = scores["loss"] - sum(penalty.value() for penalty in model.step.penalties)
    target = model.loss.prepare(targets_for(model, y), units=model.output_dim or 1)
    constant = constant_loss(model, target)
    is_known = (
        # By guessing, the accuracy is higher than this once in 40 times.
        score > share + 2.0 * math.sqrt(share * (1.0 - share) / rows)
        or is_better(rows, loss, constant, task)
        or not can_be_better(rows, constant, task)
    )
    return _Comparison(rows, score, share, loss, constant, is_known)


def _compare_numbers(y: Array, scores: dict[str, float]) -> _Comparison:
    rows, score = len(y), scores["r2"]
    constant = float(np.asarray(y, np.float64).var(axis=0).mean())
    is_known = is_better(rows, 1.0 - score, 1.0, "numbers") or not can_be_better(
        rows, constant, "numbers"
    )
    return _Comparison(rows, score, 0.0, scores["mean_squared_error"], constant, is_known)


def _has_risen(model: Sequential) -> bool:
    """Tell whether the training ended with a higher loss than its first epoch had."""
    assert model.history is not None
    losses = model.history.history.get("loss", [])
    return len(losses) > 0 and losses[-1] > _ROSE * losses[0]


# -- causes ------------------------------------------------------------------------------------


def _rates(model: Sequential) -> tuple[float, float, str]:
    """Return the learning rate of the training, the optimizer's own, and the optimizer's name."""
    assert model.optimizer is not None
    name = OPTIMIZERS.name_of(model.optimizer)
    return model.optimizer.current_learning_rate, optimizer_defaults("learning_rate")[name], name


def _cause_of_divergence(model: Sequential) -> str:
    rate, usual, name = _rates(model)
    if rate <= usual and not _has_risen(model):
        return (
            f"Try more --epochs, another --initializer, or a higher --learning-rate than {rate:g}."
        )
    lower = f"{usual:g}, which is usual for {name}" if rate > usual else f"{rate / 10.0:g}"
    return f"The training diverged at learning rate {rate:g}; try --learning-rate {lower}."


def _cause(model: Sequential, target: str, knows_training_rows: bool) -> str:
    rate, usual, name = _rates(model)
    if rate > _UNUSUAL * usual or rate < usual / _UNUSUAL:
        size = "high" if rate > usual else "low"
        return f"The learning rate {rate:g} is {size}: try {usual:g}, which is usual for {name}."
    if knows_training_rows:
        return (
            "What it learned from the training rows does not carry over to these: more rows, "
            "--dropout, --l2 or fewer units may help, or the columns say nothing about "
            f"{target!r}."
        )
    return (
        f"Try more --epochs or another --learning-rate than {rate:g}; or the columns say nothing "
        f"about {target!r}."
    )
