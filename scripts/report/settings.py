"""What an experiment is made of: trainings, rows, claims."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ffnn.initializers import Initializer


@dataclass(frozen=True)
class Training:
    """How a network of this library is trained; the defaults are what the report has in common.

    Attributes
    ----------
    hidden : tuple of int
        Units of the hidden layers; 784 inputs and a softmax over 10 classes are added.
    epochs : int
        The largest number; training ends earlier once the training loss is at most 0.01.
    activation : str
        That of the hidden layers.
    weights : str or Initializer
        Initial values of the weights; biases start at 0.
    norm : str or None
        A layer's name: what stands between each hidden layer's linear part and its activation.
    l1, l2 : float
        λ1 and λ2 of the penalty λ1 Σ|w| + λ2 Σw² on every layer's weights.
    optimizer : {"sgd", "adam", "adamw"}
        The rule of the updates.
    options : tuple of (str, float)
        More of the optimizer's arguments.
    learning_rate : float
        η, or with `cosine` the initial η.
    cosine : bool
        Whether η falls to 0 along half a cosine over all epochs.
    batch_size : int
        Mini-batch size.
    input_dropout, dropout : float
        The shares of pixels and of hidden units that are switched off in training.
    """

    hidden: tuple[int, ...] = (128, 32)
    epochs: int = 20
    activation: str = "relu"
    weights: str | Initializer = "glorot_uniform"
    norm: str | None = None
    l1: float = 0.0
    l2: float = 0.0
    optimizer: str = "sgd"
    options: tuple[tuple[str, float], ...] = ()
    learning_rate: float = 0.01
    cosine: bool = False
    batch_size: int = 64
    input_dropout: float = 0.0
    dropout: float = 0.0


@dataclass(frozen=True)
class SklearnTraining:
    """How scikit-learn's `MLPClassifier` is trained.

    Attributes
    ----------
    hidden : tuple of int
        Units of the hidden layers.
    epochs : int
        Its `max_iter`.
    dtype : str
        Of the pixels, which are scaled to [0, 1].
    options : mapping
        More of its arguments.
    """

    hidden: tuple[int, ...] = (128, 32)
    epochs: int = 20
    dtype: str = "float64"
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """A setting of an experiment.

    Attributes
    ----------
    name : str
        Unlike the other rows' of its experiment.
    training : Training or SklearnTraining
        What is run.
    reported : float or None
        The accuracy in the report, in percent.
    tolerance : float
        How far below `reported` the mean may lie, in points.
    """

    name: str
    training: Training | SklearnTraining
    reported: float | None = None
    tolerance: float = 0.7


@dataclass(frozen=True)
class Claim:
    """That the row `higher` is more accurate than `lower`, or at most `margin` points worse.

    Attributes
    ----------
    higher, lower : str
        Names of rows of one experiment.
    margin : float
        In points of accuracy.
    ours : bool
        Whether the claim is put to the test here and was not made by the report's numbers.
    """

    higher: str
    lower: str
    margin: float = 0.0
    ours: bool = False


@dataclass(frozen=True)
class Experiment:
    """Settings that are compared.

    Attributes
    ----------
    name, title : str
        On the command line, and on the page.
    setup : str
        What the rows have in common, and what was chosen where the report does not tell.
    limits : str
        What no number of this experiment can show.
    rows : tuple of Row
        The settings.
    claims : tuple of Claim
        What is tested.
    races : tuple of (str, str)
        Rows whose times are compared.
    """

    name: str
    title: str
    setup: str
    limits: str
    rows: tuple[Row, ...]
    claims: tuple[Claim, ...]
    races: tuple[tuple[str, str], ...] = ()
