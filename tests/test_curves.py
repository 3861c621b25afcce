import numpy as np
import pytest

import ffnn
from ffnn.callbacks import History
from ffnn.layers import Dense


def trained(**options):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 3))
    model = ffnn.Sequential([Dense(8, "tanh"), Dense(2, "softmax")], input_dim=3, seed=0)
    model.compile("adam", "cce", ["accuracy"])
    return model.fit(x, (x[:, 0] > 0).astype(int), epochs=5, verbose=0, **options)


def test_curves_show_training_and_validation_of_loss_and_each_metric():
    history = trained(validation_split=0.25)

    figure = history.plot()

    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "accuracy"]
    for axes, name in zip(figure.axes, ["loss", "accuracy"], strict=True):
        training, validation = axes.lines
        np.testing.assert_array_equal(training.get_ydata(), history.history[name])
        np.testing.assert_array_equal(validation.get_ydata(), history.history[f"val_{name}"])
        np.testing.assert_array_equal(training.get_xdata(), [1, 2, 3, 4, 5])
        labels = [text.get_text() for text in axes.get_legend().get_texts()]
        assert labels == ["training", "validation"]


def test_curves_without_validation_show_training_alone():
    assert [len(axes.lines) for axes in trained().plot().axes] == [1, 1]


def test_nothing_trained_is_nothing_to_plot():
    with pytest.raises(ValueError, match="no epoch was trained"):
        History().plot()
