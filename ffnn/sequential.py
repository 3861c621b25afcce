"""`Sequential`: the model that users hold.

Training and saving come from `Trainable`, pictures from `Drawn`, reports from `Reporting`. Each
method here passes the model to the module that does the work, imported when it is first needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ffnn._types import FilePath
from ffnn.activations import ActivationFunction
from ffnn.core.checks import check_items
from ffnn.layers.dense import Dense
from ffnn.reports.reporting import Reporting

if TYPE_CHECKING:
    from typing_extensions import Self

    from ffnn.diagnostics import Diagnosis
    from ffnn.estimators.base import BaseFFNN
    from ffnn.explanation import Explanation
    from ffnn.play.play import Page


class Sequential(Reporting):
    """A feed-forward neural network: each layer's output is the next layer's input.

    A method that needs parameters raises RuntimeError as long as the model is not built, one that
    needs a loss as long as it is not compiled. Figures are matplotlib's: save one with its
    ``savefig``; a notebook shows it.

    Parameters
    ----------
    layers : sequence of Layer
        From the first to the last. Activation objects are layers too. One with values, such as the
        `copy` of a trained layer, keeps them.
    input_dim : int, optional
        The number of input columns; without it that of a first layer with values, else the model
        builds itself from the first data it sees.
    dtype : {"float32", "float64"}, default "float32"
        Of all parameters and results.
    seed : int, optional
        Makes initial values, shuffling and dropout masks repeatable.

    Attributes
    ----------
    layers : tuple of Layer
        The layers.
    class_names, feature_names : list of str or None
        What the outputs and the input columns mean, if given; kept with the model.
    class_labels : ndarray or None
        The classes as the targets have them, with their dtype; kept with the model.
    optimizer, loss, metrics, weighted_metrics
        What `compile` was given; None, None, () and () before.
    jit_compile : bool or "auto"
        Whether trainings and predictions run compiled loops, as `compile` was told.
    compiled_parts : sequence of str
        The classes of the parts for which the last training did.
    history : History or None
        The record of the last training.
    recording : Recording or None
        What the last `ffnn.callbacks.Recorder` saw.
    stop_training : bool
        Set by a callback to end training after the epoch.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong type; a layer appears twice or belongs to another model; the
        layers do not fit together.

    Examples
    --------
    >>> import ffnn
    >>> from ffnn.layers import Dense
    >>> (x, y), (x_test, y_test) = ffnn.datasets.load_digits()
    >>> model = ffnn.Sequential([Dense(32, "relu"), Dense(10, "softmax")], input_dim=64, seed=0)
    >>> model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    >>> history = model.fit(x, y, epochs=5, verbose=0)

    The examples of the methods continue this one.
    """

    @classmethod
    def from_sizes(
        cls,
        sizes: Sequence[int],
        activations: str | ActivationFunction | Sequence[str | ActivationFunction | None],
        *,
        dtype: str = "float32",
        seed: int | None = None,
        **dense_options: Any,
    ) -> Self:
        """Build a network of `Dense` layers from the numbers of neurons.

        Parameters
        ----------
        sizes : sequence of int
            The number of inputs, then the units of each layer, including the output layer.
        activations : sequence of str, ActivationFunction or None, or one of them for all
            One for each layer.
        dtype, seed
            As for `Sequential`.
        **dense_options
            Passed to every `Dense`: initializers, regularizers, ``use_bias``.

        Raises
        ------
        ValueError
            There are fewer than two sizes, or the numbers of layers and activations differ.

        Examples
        --------
        >>> ffnn.Sequential.from_sizes([64, 32, 10], ["relu", "softmax"], seed=0).count_params()
        2410
        """
        sizes = check_items("from_sizes", "sizes", sizes)
        if len(sizes) < 2:
            raise ValueError(
                f"from_sizes: sizes must be those of the inputs and of at least one layer, "
                f"got {sizes!r}"
            )
        if isinstance(activations, (str, ActivationFunction)):
            activations = [activations] * (len(sizes) - 1)
        activations = check_items("from_sizes", "activations", activations)
        if len(activations) != len(sizes) - 1:
            raise ValueError(
                f"from_sizes: {len(sizes)} sizes make {len(sizes) - 1} layers, "
                f"but there are {len(activations)} activations"
            )
        layers = [
            Dense(units, activation, **dense_options)
            for units, activation in zip(sizes[1:], activations, strict=True)
        ]
        return cls(layers, input_dim=sizes[0], dtype=dtype, seed=seed)

    def explain_step(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        layer: str | None = None,
        units: Sequence[int] | None = None,
    ) -> Explanation:
        """Return each layer's forward and backward step on a few rows, with formulas and numbers.

        Everything is computed by the layers, the loss and the optimizer themselves, on a copy of
        the model, which is the only one to change. The step is the one that `train_on_batch` would
        make.

        Parameters
        ----------
        x, y, sample_weight
            As for `fit`; at most 8 rows, of which those of weight 0 are left out. The model has to
            be compiled. Explained whole, it may have 400 parameters, and 64 columns into and out of
            each layer; of a larger one, a part is explained.
        layer : str, optional
            The name of a layer, such as ``"dense_1"``, which alone is then shown: what it computes,
            its gradients and its update. Of more than 8 inputs, the 6 that contribute most to the
            units are shown; what the others add is a number of its own.
        units : sequence of int, optional
            Which of the layer's units to show, counted from 0, at most 16. By default all of them,
            or, of more than 10, the 6 whose outputs have the largest gradients.

        Returns
        -------
        Explanation
            Print it, or take its ``to_text()``, ``to_markdown()``, ``to_latex()`` or ``plot()``; a
            notebook shows it as mathematics.

        Raises
        ------
        RuntimeError
            The model is not compiled.
        DataError
            The data does not fit.
        TypeError, ValueError
            The network or the batch is too large to be read; there is no such layer or unit.

        Examples
        --------
        >>> explanation = model.explain_step(x[:1], y[:1], layer="dense_2", units=[3])
        >>> print(explanation.to_text()[:55])
        One training step on 1 row (float32): unit 3 of dense_2
        """
        from ffnn.explanation import explain_step

        return explain_step(self, x, y, sample_weight, layer, units)

    def diagnose(self, x: Any, y: Any = None, sample_weight: Any = None) -> Diagnosis:
        """Return a list of what is likely wrong with the model or its data, each with a remedy.

        It looks for dead and saturated units, vanishing and exploding gradients, units that are
        all the same, inputs that are not scaled, a learning rate that is out of range, labels that
        do not fit the loss, and a history that still falls, rises or leaves the validation behind;
        `ffnn.diagnostics` lists all that it can find.

        Everything is measured on a copy, built if the model is not, so the model stays as it is. At
        most 20,000 rows are used: of more, as many are drawn at random with a fixed seed, and the
        result says so. Whatever draws random numbers, such as `Dropout`, is switched off, and
        `BatchNorm` takes the statistics of batches of up to 1,024 rows.

        Parameters
        ----------
        x, y, sample_weight
            As for `fit`, such as the training rows. Without targets, or if the model is not
            compiled, the checks that need a loss are left out.

        Returns
        -------
        Diagnosis
            A list of findings, most severe first. Printed, it tells what was found and what was
            checked.

        Raises
        ------
        DataError
            `x` is not rows of the model's inputs, or there is not one target and one weight a row.
            Entries that are not finite and targets that the loss does not accept are findings.

        Examples
        --------
        >>> finding, *others = model.diagnose(x, y)
        >>> finding.kind, finding.remedy
        ('unscaled-inputs', 'Put Rescaling(1 / 16) first in the list of layers.')
        """
        from ffnn.diagnostics import diagnose

        return diagnose(self, x, y, sample_weight)

    def play(self, x: Any, y: Any, port: int = 5006) -> Page:
        """Show a page on this machine on which a copy of the model trains before one's eyes.

        The page shows the network with its weights and gradients, the losses, what it answers and
        what `diagnose` says, and lets one change numbers by hand. It says its address, opens in a
        browser if there is one, and stays until Ctrl-C; in a notebook the call returns at once.
        The model itself is left as it is. Needs Bokeh (the extra ``ffnn[html]``).

        Parameters
        ----------
        x : array-like of shape (rows, input_dim)
            Inputs, 20,000 rows at most. A fifth of the rows, drawn at random with a fixed seed, is
            held out for the test.
        y : array-like of shape (rows,) or (rows, units)
            Targets, in the form that the loss expects.
        port : int, default 5006
            The first port to try; if it is in use, the next free one is taken.

        Returns
        -------
        Page
            Its ``url``; ``model``, the network as it was trained there; ``stop()``.

        Raises
        ------
        RuntimeError
            The model is not compiled.
        TypeError, ValueError
            `port` is none.
        DataError
            The rows cannot be shown or do not fit.
        ImportError
            Bokeh is not installed.
        """
        from ffnn.play.play import play  # which stands above this module

        return play(self, x, y, port)

    def export(self, path: FilePath, **options: Any) -> None:
        """Write the network for other programs, in the format that the file's suffix says.

        ``.onnx`` is for onnxruntime and others, ``.safetensors`` has the parameters alone; ``.c``,
        ``.py`` and ``.js`` are source code that needs nothing and has a function ``predict``. What
        each holds is told by the functions of `ffnn.exchange`, such as `ffnn.exchange.to_onnx`.

        Parameters
        ----------
        path : str or path
            Where to write; an older file is replaced.
        **options
            Of the format: ``opset=`` for ``.onnx``.

        Raises
        ------
        ValueError
            The suffix is unknown.
        ImportError
            What the format needs is not installed.
        NotImplementedError
            A layer of the user's does not say what it computes.
        RuntimeError
            The model is not built.
        OSError
            The file cannot be written.

        Examples
        --------
        >>> model.export("digits.py")  # with a function predict, for any Python
        """
        from ffnn.exchange.by_suffix import export  # which stands above this module

        export(self, path, **options)

    def as_estimator(self, classes: Any = None, **params: Any) -> BaseFFNN:
        """Return an estimator for scikit-learn's tools whose network is this very model.

        It predicts and scores at once. `partial_fit` continues to train this model, by its loss,
        metrics and optimizer, whose memory is kept, unless a loss or a parameter of the solver is
        given. `fit` trains new weights for a copy of the layers, by the same loss and the same
        kind of optimizer; with ``warm_start=True`` it continues with this model's weights. Needs
        scikit-learn.

        Parameters
        ----------
        classes : array-like of shape (classes,), optional
            The labels of the outputs, in ascending order; by default `class_labels`, else
            `class_names`, else numbers from 0.
        **params
            Parameters of the estimator, such as ``max_iter``.

        Returns
        -------
        FFNNClassifier or FFNNRegressor
            A classifier if the last activation is a softmax or a sigmoid.

        Raises
        ------
        ValueError
            The number of classes does not match the outputs, or they are not in ascending order.
        ImportError
            scikit-learn is not installed.

        Examples
        --------
        >>> estimator = model.as_estimator()
        >>> bool(estimator.score(x_test, y_test) > 0.8)
        True
        """
        from ffnn.estimators.conversion import as_estimator  # which stands above this module

        return as_estimator(self, classes, **params)


load_model = Sequential.load
