"""Every figure that users can ask for, of a small network whose names may be long."""

# ruff: noqa: PLW0108  # what a figure is of is trained when it is drawn
import functools

import numpy as np

import ffnn
from ffnn.layers import Dense
from ffnn.visualization import compare_histories, plot_boundary

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 2))
CLASSES = (X[:, 0] > 0.0) + 1 * (X[:, 1] > 0.5)
NUMBERS = X @ [1.0, -2.0]


@functools.cache
def classifier(text):
    """Return a trained classifier in which everything that has a name is called `text`."""
    kind = type(f"Own{text}".title().replace(" ", ""), (Dense,), {})

    def metric(target, answer):
        return float((target == answer.argmax(axis=-1)).mean())

    metric.__name__ = f"metric {text}".replace(" ", "_")
    layers = [kind(4, "tanh"), Dense(4, "relu"), Dense(3, "softmax")]
    model = ffnn.Sequential(layers, input_dim=2, seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy", metric])
    model.class_names = [f"class {text} {number}" for number in range(3)]
    model.feature_names = [f"feature {text} {number}" for number in range(2)]
    recorder = ffnn.callbacks.Recorder(histograms=16)
    model.fit(X, CLASSES, epochs=3, verbose=0, validation_split=0.2, callbacks=[recorder])
    return model


@functools.cache
def regressor(text):
    """Return a trained model of one number."""
    model = ffnn.Sequential([Dense(4, "tanh"), Dense(1)], input_dim=2, seed=0)
    model.compile("adam", "mse")
    model.feature_names = [f"feature {text} {number}" for number in range(2)]
    model.fit(X, NUMBERS, epochs=3, verbose=0)
    return model


def figures(text):
    """Return name → a function that draws the figure, with `text` in all names."""

    def model():
        return classifier(text)

    def drawn(method, **options):
        return lambda: getattr(model(), method)(**options)

    def compare(count):
        history = model().history
        return compare_histories({f"run {text} {number}": history for number in range(count)})

    return {
        "plot_graph": drawn("plot_graph"),
        "plot_graph of gradients": drawn("plot_graph", values="gradient"),
        "plot_weights": drawn("plot_weights"),
        "plot_gradients": drawn("plot_gradients"),
        "plot_distributions": drawn("plot_distributions"),
        "History.plot": lambda: model().history.plot(),
        "compare_histories": lambda: compare(3),
        "compare_histories of many": lambda: compare(14),
        "Recording.plot": lambda: model().recording.plot(),
        "Recording.plot_histograms": lambda: model().recording.plot_histograms(
            model().layers[0].name
        ),
        "LearningRateCurve.plot": lambda: ffnn.find_learning_rate(
            model(), X, CLASSES, steps=20, verbose=0
        ).plot(),
        "Explanation.plot": lambda: model().explain_step(X[:2], CLASSES[:2]).plot(),
        "plot_boundary": lambda: plot_boundary(model(), X, CLASSES),
        "plot_boundary of a number": lambda: plot_boundary(regressor(text), X, NUMBERS),
        "Shown.plot of classes": lambda: model().report(X, CLASSES).plot(),
        "Shown.plot of numbers": lambda: regressor(text).report(X, NUMBERS).plot(),
        "Shown.plot of importance": lambda: model().report(X, CLASSES).importance.plot(),
        "Shown.plot of dependence": lambda: model().partial_dependence(X, 0).plot(),
        "Shown.plot of contributions": lambda: model().contributions(X[:4]).plot(),
    }


NAMES = list(figures(""))
