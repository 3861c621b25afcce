from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.text import Text

import ffnn
from ffnn.callbacks import History
from ffnn.charts.curve_figures import compare_histories, plot_curves
from ffnn.layers import Dense

NAN, INF = float("nan"), float("inf")
HISTORY = {
    "loss": [2.0, 1.0, 0.5, 0.25],
    "accuracy": [0.2, 0.6, 0.8, 0.9],
    "val_loss": [2.5, 1.5, 1.25, 1.75],
    "val_accuracy": [0.1, 0.7, 0.6, 0.5],
}


@dataclass
class Record:
    """What a History holds."""

    history: dict
    higher_is_better: list = field(default_factory=lambda: ["accuracy"])
    interrupted: bool = False
    start: int = 0

    @property
    def epoch(self):
        length = len(next(iter(self.history.values()), []))
        return list(range(self.start, self.start + length))


def trained(**options):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 3))
    model = ffnn.Sequential([Dense(8, "tanh"), Dense(2, "softmax")], input_dim=3, seed=0)
    model.compile("adam", "cce", ["accuracy"])
    return model.fit(x, (x[:, 0] > 0).astype(int), epochs=5, verbose=0, **options)


def drawn(figure):
    """Return the figure with all of it laid out, as before it is saved; a warning is an error."""
    figure.draw_without_rendering()
    return figure


def rings(axes):
    return [tuple(ring.get_offsets()[0]) for ring in axes.collections]


def legend_of(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def inside(figure, artist):
    """Tell whether nothing of an artist is cut off at the figure's edge."""
    box, edge = artist.get_window_extent(), figure.bbox
    return box.x0 >= edge.x0 and box.y0 >= edge.y0 and box.x1 <= edge.x1 and box.y1 <= edge.y1


def test_curves_show_training_and_validation_of_loss_and_each_metric():
    history = trained(validation_split=0.25)

    figure = drawn(history.plot())

    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "accuracy"]
    for axes, name in zip(figure.axes, ["loss", "accuracy"], strict=True):
        training, validation = axes.lines
        np.testing.assert_array_equal(training.get_ydata(), history.history[name])
        np.testing.assert_array_equal(validation.get_ydata(), history.history[f"val_{name}"])
        np.testing.assert_array_equal(training.get_xdata(), [1, 2, 3, 4, 5])
        np.testing.assert_array_equal(validation.get_xdata(), [1, 2, 3, 4, 5])
        assert (training.get_linestyle(), validation.get_linestyle()) == ("-", "--")
        assert training.get_color() != validation.get_color()
        assert legend_of(axes) == ["training", "validation"]


def test_curves_without_validation_show_training_alone():
    figure = drawn(trained().plot())

    assert [len(axes.lines) for axes in figure.axes] == [1, 1]
    assert legend_of(figure.axes[0]) == ["training"]


def test_the_best_epoch_of_validation_is_marked_and_written():
    loss, accuracy = drawn(plot_curves(Record(HISTORY))).axes

    assert rings(loss) == [(3, 1.25)]
    assert [text.get_text() for text in loss.texts] == ["best 1.25, epoch 3"]
    assert rings(accuracy) == [(2, 0.7)]
    assert [text.get_text() for text in accuracy.texts] == ["best 0.7, epoch 2"]


def test_without_validation_the_best_epoch_of_training_is_marked():
    history = {name: HISTORY[name] for name in ("loss", "accuracy")}

    loss, accuracy = drawn(plot_curves(Record(history))).axes

    assert rings(loss) == [(4, 0.25)]
    assert rings(accuracy) == [(4, 0.9)]


def test_a_metric_that_is_better_lower_is_best_where_it_is_smallest():
    _, accuracy = plot_curves(Record(HISTORY, higher_is_better=[])).axes

    assert rings(accuracy) == [(1, 0.1)]


def test_the_best_number_stands_above_its_panel_at_its_epoch():
    figure = drawn(plot_curves(Record(HISTORY)))

    for axes in figure.axes:
        (note,) = axes.texts
        box = Text.get_window_extent(note)  # without the line that leads to it
        at_epoch = axes.transData.transform(note.xy)[0]
        assert box.y0 > axes.get_window_extent().y1
        assert min(abs(box.x0 - at_epoch), abs(box.x1 - at_epoch)) < 3
        assert inside(figure, note)


def test_epochs_are_shown_as_they_were_counted_when_training_continued():
    (axes,) = plot_curves(Record({"loss": [2.0, 1.0]}, start=10)).axes

    assert list(axes.lines[0].get_xdata()) == [11, 12]
    assert rings(axes) == [(12, 1.0)]


def test_a_single_epoch_can_be_seen():
    figure = drawn(plot_curves(Record({"loss": [2.0], "val_loss": [3.0]})))

    (axes,) = figure.axes
    assert [line.get_marker() for line in axes.lines] == ["o", "o"]
    low, high = axes.get_xlim()
    assert [tick for tick in axes.get_xticks() if low <= tick <= high] == [1]


def test_many_epochs_have_few_markers():
    (axes,) = drawn(plot_curves(Record({"loss": np.linspace(2, 1, 1000)}))).axes

    assert axes.lines[0].get_markevery() == 40
    assert len(axes.lines[0].get_xdata()) == 1000


def test_numbers_that_are_not_finite_leave_gaps():
    history = {"loss": [INF, 2.0, NAN, 1.0], "val_loss": [-INF, 3.0, 2.0, NAN]}

    (axes,) = drawn(plot_curves(Record(history))).axes

    assert rings(axes) == [(3, 2.0)]
    assert np.isfinite(axes.get_ylim()).all()


def test_a_curve_without_a_finite_number_says_so():
    (axes,) = drawn(plot_curves(Record({"loss": [NAN, INF]}))).axes

    assert rings(axes) == []
    assert axes.get_title(loc="right") == "no finite number"


def test_a_loss_of_many_magnitudes_has_a_logarithmic_axis():
    history = {"loss": [1.0, 0.001], "mean_squared_error": [1.0, 0.001]}

    figure = drawn(plot_curves(Record(history)))

    assert [axes.get_yscale() for axes in figure.axes] == ["log", "linear"]


def test_panels_stand_three_to_a_row_and_no_wider_than_can_be_read():
    history = {name: [1.0, 2.0] for name in ("loss", "a", "b", "c", "d")}

    figure = drawn(plot_curves(Record(history)))

    places = [axes.get_subplotspec() for axes in figure.axes]
    assert [(p.rowspan.start, p.colspan.start) for p in places] == [
        (0, 0),
        (0, 1),
        (0, 2),
        (1, 0),
        (1, 1),
    ]
    assert figure.get_figwidth() < 10


def test_names_are_text_and_no_mathematics():
    figure = drawn(plot_curves(Record({r"$\nosuchcommand$": [1.0]})))

    assert figure.axes[0].get_ylabel() == r"$\nosuchcommand$"


def test_nothing_trained_is_nothing_to_plot():
    with pytest.raises(ValueError, match="no epoch was trained"):
        History().plot()
    with pytest.raises(ValueError, match="no epoch was trained"):
        plot_curves(SimpleNamespace(epoch=[0], history={}))


# -- several histories -----------------------------------------------------------------------------


def test_histories_are_compared_by_colour_and_training_with_validation_by_style():
    other = {name: [value + 1.0 for value in values] for name, values in HISTORY.items()}

    figure = drawn(compare_histories({"sgd": Record(HISTORY), "adam": Record(other)}))

    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "accuracy"]
    for axes, name in zip(figure.axes, ("loss", "accuracy"), strict=True):
        expected = [HISTORY[name], HISTORY[f"val_{name}"], other[name], other[f"val_{name}"]]
        np.testing.assert_array_equal([line.get_ydata() for line in axes.lines], expected)
        assert [line.get_linestyle() for line in axes.lines] == ["-", "--", "-", "--"]
        first, first_validation, second, second_validation = [s.get_color() for s in axes.lines]
        assert first == first_validation != second == second_validation
    styles = figure.legends[0]
    assert [text.get_text() for text in styles.get_texts()] == ["training", "validation"]
    assert [line.get_linestyle() for line in styles.get_lines()] == ["-", "--"]


def test_the_legend_of_a_comparison_tells_the_best_of_each():
    worse = {**HISTORY, "val_loss": [3.0, 4.0, 5.0, 6.0], "val_accuracy": [0.5, 0.4, 0.3, 0.45]}

    loss, accuracy = drawn(compare_histories({"sgd": Record(HISTORY), "adam": Record(worse)})).axes

    assert legend_of(loss) == ["sgd: best 1.25, epoch 3", "adam: best 3, epoch 1"]
    assert legend_of(accuracy) == ["sgd: best 0.7, epoch 2", "adam: best 0.5, epoch 1"]
    assert rings(loss) == [(3, 1.25), (1, 3.0)]
    colours = [line.get_color() for line in loss.get_legend().get_lines()]
    assert colours == [line.get_color() for line in loss.lines[::2]]


def test_histories_may_differ_in_length_metrics_and_validation():
    plain = Record({"loss": [3.0, 2.0]})
    other = Record({"loss": [1.0], "f1": [0.5]}, higher_is_better=["f1"])

    figure = drawn(compare_histories({"all": Record(HISTORY), "plain": plain, "other": other}))

    loss, accuracy, f1 = figure.axes
    assert [len(line.get_xdata()) for line in loss.lines] == [4, 4, 2, 1]
    assert legend_of(accuracy) == ["all: best 0.7, epoch 2"]
    assert legend_of(f1) == ["other: best 0.5, epoch 1"]
    assert f1.lines[0].get_color() == loss.lines[3].get_color()  # the same in all panels
    low, high = loss.get_xlim()
    assert low < 1
    assert high > 4


def test_without_any_validation_the_styles_are_not_explained():
    figure = compare_histories({"a": Record({"loss": [1.0]}), "b": Record({"loss": [2.0]})})

    assert figure.legends == []


def test_a_compared_history_without_a_finite_number_says_so():
    figure = drawn(compare_histories({"a": Record({"loss": [NAN]}), 2: Record({"loss": [2.0]})}))

    assert legend_of(figure.axes[0]) == ["a: no finite number", "2: best 2, epoch 1"]


def test_many_histories_can_be_told_apart_and_no_legend_is_cut_off():
    labels = [
        f"run {number} $\\nosuchcommand$ of which much can be said: " + "x" * 50
        for number in range(9)
    ]

    figure = drawn(compare_histories({label: Record(HISTORY) for label in labels}))

    assert len({line.get_color() for line in figure.axes[0].lines}) == 9
    for axes in figure.axes:
        assert inside(figure, axes.get_legend())
        assert axes.get_legend().get_window_extent().y1 < axes.xaxis.label.get_window_extent().y0
        assert axes.get_window_extent().height > 150


@pytest.mark.parametrize(
    ("histories", "error", "message"),
    [
        ({}, ValueError, "there is nothing to plot: no history was given"),
        ({"a": Record({})}, ValueError, "no epoch was trained in 'a'"),
        ({"a": HISTORY}, TypeError, "'a' must be a History, which fit returns, got dict"),
        ([Record(HISTORY)], TypeError, "histories must be a dict such as"),
    ],
)
def test_what_cannot_be_compared_is_refused(histories, error, message):
    with pytest.raises(error, match=f"compare_histories: .*{message}"):
        compare_histories(histories)


@pytest.fixture(scope="module")
def model():
    x = np.random.default_rng(0).normal(size=(40, 3))
    model = ffnn.Sequential([Dense(2, "softmax")], input_dim=3, seed=0)
    model.compile("sgd", "categorical_crossentropy", ["accuracy"])
    model.fit(x, (x[:, 0] > 0).astype(int), epochs=6, verbose=0, validation_split=0.25)
    return model


def test_a_history_knows_of_which_metrics_higher_is_better(model):
    history = model.history

    loss, accuracy = history.plot().axes

    assert rings(loss)[0][1] == min(history.history["val_loss"])
    assert rings(accuracy)[0][1] == max(history.history["val_accuracy"])


def test_a_loaded_history_still_knows(model, tmp_path):
    model.save(tmp_path / "model.h5")

    history = ffnn.load_model(tmp_path / "model.h5").history

    assert history.higher_is_better == ["accuracy"]
    assert rings(history.plot().axes[1])[0][1] == max(history.history["val_accuracy"])


def test_histories_of_trainings_are_compared(model):
    figure = ffnn.visualization.compare_histories({"a": model.history, "b": model.history})

    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 6]
    assert len(lines) == 4  # training and validation of both
    assert "<table" in model.history._repr_html_()
