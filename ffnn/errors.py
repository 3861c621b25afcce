"""The errors a user may want to catch by name."""

from __future__ import annotations


def visible(text: str) -> str:
    """Return a text in which all that cannot be printed but line breaks is written as an escape.

    A terminal obeys control characters, and marks of direction reorder what is shown; both may
    come out of files.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def _quotable(message: object) -> str:
    """Return a message that may quote a file: nothing that a terminal obeys, and not all of it."""
    text = str(message)
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST * 3 // 4]} … {text[-_LONGEST // 4 :]}"
    return visible(text)


_LONGEST = 4000  # characters of a message


class DataError(ValueError):
    """Data that cannot be trained on or predicted from, found before any work began.

    Attributes
    ----------
    problems : tuple of str
        What is wrong, one by one, where a message may list several; else empty.
    hints : tuple of str
        What helps against several of them, such as the names that are known.

    Examples
    --------
    >>> import ffnn
    >>> try:
    ...     ffnn.datasets.load_csv("missing.csv")
    ... except ffnn.DataError as error:
    ...     print(error)
    missing.csv: there is no such file
    """

    def __init__(
        self, message: object = "", problems: tuple[str, ...] = (), hints: tuple[str, ...] = ()
    ) -> None:
        super().__init__(visible(str(message)) if len(problems) > 1 else _quotable(message))
        self.problems, self.hints = problems, hints


class ModelFileError(Exception):
    """A model file that is missing, damaged, or not to be trusted.

    Examples
    --------
    >>> import ffnn
    >>> try:
    ...     ffnn.load_model("missing.h5")
    ... except ffnn.ModelFileError as error:
    ...     print("no model:", error)
    no model: missing.h5: no such file
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(_quotable(message))


class TrainingDivergedError(ArithmeticError):
    """The loss or the gradient became infinite or NaN; the weights are the last finite ones.

    Parameters
    ----------
    message : str
        What happened, where, and what to try.
    epoch, batch : int
        Where it happened, both counted from 1.
    learning_rate : float
        The learning rate in force.

    Examples
    --------
    >>> import ffnn
    >>> model = ffnn.Sequential([ffnn.layers.Dense(1)], seed=0)
    >>> model.compile(ffnn.optimizers.SGD(1e30), "mean_squared_error")
    >>> try:
    ...     model.fit([[1.0], [2.0]], [1.0, 2.0], epochs=9, batch_size=2, verbose=0)
    ... except ffnn.TrainingDivergedError as error:
    ...     print(error.epoch, error.batch)
    1 1
    """

    def __init__(self, message: str, epoch: int, batch: int, learning_rate: float) -> None:
        super().__init__(message)
        self.epoch = epoch
        self.batch = batch
        self.learning_rate = learning_rate

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (*self.args, self.epoch, self.batch, self.learning_rate)


class LayerError(RuntimeError):
    """An unexpected failure inside a layer; the message names the layer, the cause is chained.

    Examples
    --------
    >>> import ffnn
    >>> class Broken(ffnn.layers.Layer):
    ...     def forward(self, x, training=False):
    ...         return x.no_such_method()
    >>> model = ffnn.Sequential([Broken()], input_dim=2)
    >>> try:
    ...     model.predict([[1.0, 2.0]])
    ... except ffnn.LayerError as error:
    ...     print(type(error.__cause__).__name__)
    AttributeError
    """


class RanksDifferError(ValueError):
    """The ranks of a distributed training do not do the same work; nothing was trained."""


class RankLostError(RuntimeError):
    """A rank of a distributed training computes something else than the others."""
