"""The learning-rate range test: its numbers by other means, and the model left as it was."""

import copy
import re

import numpy as np
import pytest

import ffnn
from ffnn.layers import BatchNorm, Dense, Dropout
from ffnn.losses import MeanSquaredError as Squares
from ffnn.optimizers import OPTIMIZERS
from ffnn.rate_finder import LearningRateCurve, judge
from ffnn.schedules import ExponentialDecay
from ffnn.tables import TableEncoder

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 4))
Y = (X[:, :2].sum(axis=1) > 0).astype(int)
ONE_HOT = np.eye(2)[Y]


def make(optimizer="sgd", **options):
    layers = [Dense(8, "tanh"), BatchNorm(), Dropout(0.2), Dense(2, "softmax")]
    model = ffnn.Sequential(layers, input_dim=4, seed=0, **options)
    model.compile(optimizer, "categorical_crossentropy", ["accuracy"])
    return model


def regression(loss="mse"):
    model = ffnn.Sequential([Dense(1)], input_dim=4, dtype="float64", seed=3)
    model.compile("sgd", loss)
    return model


def contents(model):
    """Return all that is kept of a model, as comparable data."""
    config, arrays = model.capture()
    return copy.deepcopy(config), {name: array.tobytes() for name, array in arrays.items()}


@pytest.mark.parametrize("optimizer", [name for name, *_ in OPTIMIZERS.names()])
@pytest.mark.parametrize("trained", [False, True])
def test_the_model_stays_as_it_is_and_trains_on_as_if_nothing_had_been(optimizer, trained):
    model, other = make(optimizer), make(optimizer)
    for each in (model, other) if trained else ():
        each.fit(X, Y, epochs=2, verbose=0)
    before, attributes = contents(model), dict(vars(model))

    curve = ffnn.find_learning_rate(model, X, Y)

    assert contents(model) == before
    assert all(vars(model)[name] is value for name, value in attributes.items())
    assert len(curve.rates) == len(curve.losses) == len(curve.smoothed) <= 100
    for each in (model, other):
        each.fit(X, Y, epochs=2, verbose=0)
    assert contents(model) == contents(other)


def test_a_model_that_is_not_built_stays_so():
    model = ffnn.Sequential([Dense(2, "softmax")], seed=0)
    model.compile("adam", "categorical_crossentropy")
    found = ffnn.find_learning_rate(model, X, Y)
    assert not model.is_built
    built = ffnn.Sequential([Dense(2, "softmax")], input_dim=4, seed=0)
    built.compile("adam", "categorical_crossentropy")
    np.testing.assert_array_equal(found.losses, ffnn.find_learning_rate(built, X, Y).losses)


def test_losses_are_those_of_gradient_descent_at_ever_higher_rates():
    """By hand: w ← w − η ∂L/∂w of a linear regression, on all rows at each step."""
    y = X @ [1.0, -2.0, 0.5, 0.0] + 3.0
    model = regression()
    w, b = model.layers[0].params["weight"][0].copy(), 0.0
    rates, losses = 1e-3 * 400.0 ** (np.arange(20) / 19), []
    for rate in rates:
        error = X @ w + b - y
        losses.append(np.mean(error**2))
        w, b = w - rate * 2 * X.T @ error / 200, b - rate * 2 * np.mean(error)

    curve = ffnn.find_learning_rate(
        model, X, y, batch_size=200, min_rate=1e-3, max_rate=0.4, steps=20
    )

    np.testing.assert_allclose(curve.rates, rates, rtol=1e-12)
    np.testing.assert_allclose(curve.losses, losses, rtol=1e-9)
    assert curve.batch_size == 200
    assert not curve.has_diverged
    assert curve.suggestion == 0.02  # the loss falls all the way
    assert "still falling: a higher max_rate may show a better one" in " ".join(str(curve).split())


def test_the_losses_are_smoothed_by_a_bell_around_each_step():
    curve = ffnn.find_learning_rate(make(), X, Y, steps=50, max_rate=1e-2)
    for step in (0, 20, 49):
        bell = [np.exp(-((i - step) ** 2) / (2 * 1.5**2)) for i in range(50)]  # 3 % of 50 steps
        assert curve.smoothed[step] == pytest.approx(np.average(curve.losses, weights=bell))


def test_it_stops_where_the_running_loss_is_four_times_the_lowest():
    y = X @ [1.0, -2.0, 0.5, 0.0]
    curve = ffnn.find_learning_rate(regression(), X, y, steps=60)
    assert curve.has_diverged
    running, means = 0.0, []
    for number, loss in enumerate(curve.losses, start=1):
        running = 0.98 * running + 0.02 * loss
        means.append(running / (1 - 0.98**number))
    above = [mean > 4 * min(means[: i + 1]) for i, mean in enumerate(means)]
    assert above == [False] * (len(above) - 1) + [True]
    # A quadratic diverges above η = 2 / largest eigenvalue of the Hessian 2 XᵀX / n.
    ones = np.column_stack([X, np.ones(200)])
    largest = 2 / np.linalg.eigvalsh(2 * ones.T @ ones / 200).max()
    assert curve.rates[curve.lowest] < largest < curve.rates[-1]
    assert curve.suggestion == float(f"{curve.rates[curve.lowest] / 20:.1e}")
    assert f"and diverged at {curve.rates[-1]:.2g}" in " ".join(str(curve).split())


class Lowered(Squares):
    """The mean squared error minus 100."""

    def forward(self, prediction, target, weight=None):
        return super().forward(prediction, target, weight) - 100.0


def test_a_loss_below_0_does_not_count_as_diverged():
    plain = ffnn.find_learning_rate(regression(), X, X[:, 0])
    lowered = ffnn.find_learning_rate(regression(Lowered()), X, X[:, 0], max_rate=0.1)
    assert len(lowered.rates) == 100
    np.testing.assert_allclose(lowered.losses[0], plain.losses[0] - 100.0)
    assert lowered.suggestion is not None


def as_dicts():
    return [
        {"a": a, "b": b, "c": c, "d": d, "y": ("no", "yes")[y]}
        for (a, b, c, d), y in zip(X, Y, strict=True)
    ]


FORMS = {
    "one-hot": lambda: (X, ONE_HOT),
    "lists": lambda: (X.tolist(), Y.tolist()),
    "float32": lambda: (X.astype("float32"), Y),
    "sparse": lambda: (pytest.importorskip("scipy.sparse").csr_matrix(X), Y),
}


@pytest.mark.parametrize("form", FORMS)
def test_all_forms_of_data_give_the_same(form):
    expected = ffnn.find_learning_rate(make(), X, Y)
    found = ffnn.find_learning_rate(make(), *FORMS[form]())
    np.testing.assert_array_equal(found.losses, expected.losses)


def test_a_table_needs_no_targets():
    rows = as_dicts()
    model = make()
    model.encoder = encoder = TableEncoder().fit(rows, "y")
    expected = ffnn.find_learning_rate(make(), encoder.transform(rows), Y)
    np.testing.assert_array_equal(ffnn.find_learning_rate(model, rows).losses, expected.losses)


def test_weights_count():
    weighted = ffnn.find_learning_rate(make(), X, Y, sample_weight=np.full(200, 3.0), max_rate=1e-6)
    plain = ffnn.find_learning_rate(make(), X, Y, max_rate=1e-6)
    np.testing.assert_allclose(weighted.losses, 3 * plain.losses, rtol=1e-3)


def test_the_rate_takes_the_place_of_a_schedule():
    scheduled = make(ffnn.optimizers.SGD(ExponentialDecay(5.0, 10, 0.1)))
    found = ffnn.find_learning_rate(scheduled, X, Y)
    np.testing.assert_array_equal(found.losses, ffnn.find_learning_rate(make(), X, Y).losses)
    assert isinstance(scheduled.optimizer.learning_rate, ExponentialDecay)


def test_settings_of_the_optimizer_are_kept():
    clipped = ffnn.find_learning_rate(make(ffnn.optimizers.SGD(clipnorm=1e-9)), X, Y)
    assert not clipped.has_diverged
    assert clipped.suggestion is None


# -- nothing to suggest ------------------------------------------------------------------------


def test_labels_at_random_or_learned_rows_have_no_suggestion():
    model = make("adam")
    model.fit(X, Y, epochs=60, verbose=0)
    curve = ffnn.find_learning_rate(model, X, Y, max_rate=1e-5)
    assert curve.suggestion is None
    text = " ".join(str(curve).split())
    assert "No suggestion: the loss did not fall at any of these rates." in text
    assert "or a higher max_rate is needed" in text
    assert "see model.diagnose(x, y)" in text
    assert max(map(len, str(curve).splitlines())) <= 80


def test_rates_that_are_all_too_high_have_no_suggestion():
    curve = ffnn.find_learning_rate(regression(), X, X[:, 0], min_rate=50.0, max_rate=1e6)
    assert curve.suggestion is None
    assert curve.has_diverged
    assert "or a lower min_rate is needed" in " ".join(str(curve).split())
    curve.plot()


def test_a_first_step_that_fails_says_what_to_try():
    model = regression()
    with pytest.raises(
        ffnn.TrainingDivergedError, match=r"at the first step, .*1e-07. Try a lower"
    ):
        ffnn.find_learning_rate(model, X * 1e200, X[:, 0])


@pytest.mark.parametrize("steps", [20, 100, 300])
def test_noise_alone_passes_for_a_fall_once_in_twenty_tests(steps):
    rng = np.random.default_rng(0)
    fallen = [judge(1.0 + 0.1 * rng.normal(size=steps), steps)[1] for _ in range(1000)]
    assert 0.01 < np.mean(fallen) < 0.09
    slope = np.linspace(1.0, 0.6, steps)
    assert np.mean([judge(slope + 0.1 * rng.normal(size=steps), steps)[1] for _ in range(99)]) > 0.8


@pytest.mark.parametrize("losses", [[1.0], [1.0] * 2, [2.0, 1.0], [1.0] * 20, [1.0, 9.0, 90.0]])
def test_few_losses_and_losses_that_do_not_fall(losses):
    assert not judge(np.array(losses), 20)[1]


# -- bad input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_rate": 0}, "min_rate must be a finite number in (0.0, inf), got 0"),
        ({"min_rate": -1.0}, "min_rate must be"),
        ({"max_rate": 1e-8}, "max_rate must be a finite number in (1e-07, inf), got 1e-08"),
        ({"max_rate": float("inf")}, "max_rate must be"),
        ({"steps": 19}, "steps must be at least 20, got 19"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"verbose": 2}, "verbose must be 'auto', 0 or 1, got 2"),
        ({"verbose": "loud"}, "verbose must be 'auto', 0 or 1, got 'loud'"),
    ],
)
def test_numbers_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=re.escape(f"find_learning_rate: {message}")):
        ffnn.find_learning_rate(make(), X, Y, **options)


def test_a_model_that_is_not_compiled_is_refused():
    with pytest.raises(RuntimeError, match="not compiled: call compile"):
        ffnn.find_learning_rate(ffnn.Sequential([Dense(2)], input_dim=4), X, Y)


def test_data_that_does_not_fit_is_refused():
    with pytest.raises(ffnn.DataError, match="expected at least 2 rows to learn from, got 1"):
        ffnn.find_learning_rate(regression(), X[:1], Y[:1])
    with pytest.raises(ffnn.DataError, match="expected input with 4 features"):
        ffnn.find_learning_rate(make(), X[:, :3], Y)
    with pytest.raises(ffnn.DataError, match="expected one target for each of 200 rows, got 199"):
        ffnn.find_learning_rate(make(), X, Y[:-1])


def test_batches_of_one_row_are_warned_of():
    with pytest.warns(UserWarning, match="needs batches of at least 2 rows"):
        ffnn.find_learning_rate(make(), X, Y, batch_size=1)


# -- what is shown -----------------------------------------------------------------------------


def test_the_text():
    curve = ffnn.find_learning_rate(make("adam"), X, Y, max_rate=1.0)
    head, rest = str(curve).split("\n", 1)
    assert head == "Learning rates from 1e-07 to 1 in 100 steps of 32 rows."
    assert " ".join(rest.split()).startswith(f"Suggestion: {curve.suggestion:g}, 1/20 of ")
    assert repr(curve) == f"<LearningRateCurve: 100 steps, suggestion {curve.suggestion}>"


def test_the_figure_shows_losses_and_suggestion():
    curve = ffnn.find_learning_rate(make("adam"), X, Y)
    (axes,) = curve.plot().axes
    points, smoothed, line = axes.lines
    assert axes.get_xscale() == "log"
    np.testing.assert_array_equal(points.get_xydata(), np.c_[curve.rates, curve.losses])
    np.testing.assert_array_equal(smoothed.get_xydata(), np.c_[curve.rates, curve.smoothed])
    assert list(line.get_xdata()) == [curve.suggestion] * 2
    low, high = axes.get_ylim()
    assert low < curve.smoothed.min() < curve.smoothed[0] < high
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["loss of a step", "smoothed", f"suggestion {curve.suggestion:g}", "lowest"]


def test_the_notebook_shows_account_and_picture():
    page = ffnn.find_learning_rate(make("adam"), X, Y)._repr_html_()
    assert page.count("<svg") == 1
    assert "Suggestion: " in page
    assert "<script" not in page


@pytest.mark.parametrize(
    ("verbose", "terminal", "shown"),
    [(0, True, False), (1, False, True), ("auto", True, True), ("auto", False, False)],
)
def test_the_bar(verbose, terminal, shown, monkeypatch, capsys):
    monkeypatch.setattr("ffnn.rate_finder.is_terminal", lambda stream: terminal)
    ffnn.find_learning_rate(make(), X, Y, verbose=verbose)
    out, err = capsys.readouterr()
    assert ("Trying rates" in err) == shown
    assert out == ""


@pytest.mark.parametrize("count", [1, 2, 30])
def test_a_test_of_few_steps_and_a_level_loss_are_drawn_too(count, tmp_path):
    level = np.ones(count)
    curve = LearningRateCurve(np.geomspace(1, 1 + count, count), level, level, False, True, 8)
    curve.plot().savefig(tmp_path / "rates.png")
    assert "nan" not in curve._repr_html_()
    assert "No suggestion" in str(curve)
