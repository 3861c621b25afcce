import numpy as np
import pytest

import ffnn
from ffnn.layers import Activation, Dense, Dropout, LayerNorm, RMSNorm
from ffnn.visualization.distributions import plot_distributions, plot_gradients, plot_weights

WEIGHT = [[0.0, 1.0, 2.0], [0.0, 0.0, -3.0]]  # mean 0, variance (1 + 4 + 9) / 6


def hand_made():
    """Return a small model: layers 0 and 3 are Dense, 1 has gains, 2 has no parameters."""
    model = ffnn.Sequential(
        [Dense(2), LayerNorm(), Activation("relu"), Dense(4, "softmax")], input_dim=3, seed=0
    )
    model.layers[0].params["weight"][...] = WEIGHT
    model.layers[0].params["bias"][...] = [0.25, 0.75]
    return model


def with_gradients(model):
    model.compile("sgd", "cce")
    rng = np.random.default_rng(0)
    model.compute_gradients(rng.standard_normal((8, 3)), rng.integers(0, 4, 8))
    return model


def panels(figure):
    return {axes.get_title(loc="left"): axes for axes in figure.axes}


def heights(axes):
    return [patch.get_height() for patch in axes.patches]


def text(axes):
    (written,) = axes.texts
    return written.get_text()


def drawn(figure):
    """Return the figure with all of it laid out, as before it is saved; a warning is an error."""
    figure.draw_without_rendering()
    return figure


def test_weights_biases_and_gains_have_their_own_panels_and_titles():
    figure = drawn(plot_weights(hand_made()))

    assert list(panels(figure)) == [
        "layer 0, dense_1\nweight (2, 3)",
        "layer 0, dense_1\nbias (2,)",
        "layer 1, layer_norm_1\ngamma (2,)",
        "layer 1, layer_norm_1\nbeta (2,)",
        "layer 3, dense_2\nweight (4, 2)",
        "layer 3, dense_2\nbias (4,)",
    ]
    rows = [axes.get_subplotspec().rowspan.start for axes in figure.axes]
    assert rows == [0, 0, 1, 1, 2, 2]


def test_the_bars_count_every_entry_once_where_it_lies():
    axes = panels(plot_weights(hand_made(), [0]))["layer 0, dense_1\nweight (2, 3)"]

    assert sum(heights(axes)) == 6
    found = {}
    for patch in axes.patches:
        for value in (-3.0, 0.0, 1.0, 2.0):
            if patch.get_x() <= value <= patch.get_x() + patch.get_width() and patch.get_height():
                found[value] = patch.get_height()
    assert found == {-3.0: 1, 0.0: 3, 1.0: 1, 2.0: 1}


def test_mean_deviation_and_share_of_zeros_are_written_in():
    shown = panels(plot_weights(hand_made(), [0]))

    assert text(shown["layer 0, dense_1\nweight (2, 3)"]) == "mean 0\nstd 1.53\nzeros 50%"
    assert text(shown["layer 0, dense_1\nbias (2,)"]) == "mean 0.5\nstd 0.25\nzeros 0%"


@pytest.mark.parametrize("seed", range(3))
def test_many_entries_are_all_counted_and_summed_up_as_numpy_does(seed):
    model = ffnn.Sequential([Dense(50)], input_dim=40, seed=seed)
    weight = model.layers[0].params["weight"]
    weight[np.random.default_rng(seed).random((50, 40)) < 0.1] = 0.0

    axes = drawn(plot_weights(model)).axes[0]

    wide = np.array(weight, dtype=float)
    share = 100 * (wide == 0).sum() / 2000
    assert text(axes) == f"mean {np.mean(wide):.3g}\nstd {np.std(wide):.3g}\nzeros {share:.3g}%"
    assert sum(heights(axes)) == 2000
    assert 10 <= len(heights(axes)) <= 50


def test_bins_are_as_wide_as_freedman_and_diaconis_say():
    model = ffnn.Sequential([Dense(1000, use_bias=False)], input_dim=1, seed=0)
    model.layers[0].params["weight"][:, 0] = np.linspace(-1.0, 1.0, 1000)

    axes = plot_weights(model).axes[0]

    # IQR 1, so 2 · 1 / 10 = 0.2, which fits ten times into a range of 2.
    assert len(axes.patches) == 10
    assert axes.patches[0].get_width() == pytest.approx(0.2)


def test_an_entry_far_out_does_not_ask_for_many_bins():
    model = ffnn.Sequential([Dense(1000, use_bias=False)], input_dim=1, seed=0)
    model.layers[0].params["weight"][0] = 1e6

    axes = drawn(plot_weights(model)).axes[0]

    assert len(axes.patches) == 50
    assert sum(heights(axes)) == 1000


def test_gradients_are_those_of_the_last_backward_pass():
    model = with_gradients(hand_made())

    figure = drawn(plot_gradients(model, [3, 1]))

    assert list(panels(figure)) == [
        "layer 3, dense_2\ngradient of weight (4, 2)",
        "layer 3, dense_2\ngradient of bias (4,)",
        "layer 1, layer_norm_1\ngradient of gamma (2,)",
        "layer 1, layer_norm_1\ngradient of beta (2,)",
    ]
    grads = [model.layers[3].grads[name] for name in ("weight", "bias")]
    grads += [model.layers[1].grads[name] for name in ("gamma", "beta")]
    for axes, grad in zip(figure.axes, grads, strict=True):
        wide = np.array(grad, dtype=float)
        share = 100 * (wide == 0).sum() / wide.size
        assert text(axes) == f"mean {wide.mean():.3g}\nstd {wide.std():.3g}\nzeros {share:.3g}%"
        assert sum(heights(axes)) == grad.size


def test_weights_stand_beside_their_gradients():
    model = with_gradients(hand_made())

    figure = drawn(plot_distributions(model))

    titles = [axes.get_title(loc="left").split("\n")[1:] for axes in figure.axes[:4]]
    assert [" ".join(lines) for lines in titles] == [
        "weight (2, 3)",
        "gradient of weight (2, 3)",
        "bias (2,)",
        "gradient of bias (2,)",
    ]
    places = [axes.get_subplotspec() for axes in figure.axes]
    assert [(p.rowspan.start, p.colspan.start) for p in places] == [
        (row, column) for row in range(3) for column in range(4)
    ]
    weights, gradients = figure.axes[:2]
    assert text(weights) == "mean 0\nstd 1.53\nzeros 50%"
    std = np.array(model.layers[0].grads["weight"], dtype=float).std()
    assert f"std {std:.3g}" in text(gradients)
    assert weights.patches[0].get_facecolor() != gradients.patches[0].get_facecolor()


def test_gradients_never_computed_are_absent_and_not_zero():
    figure = drawn(plot_distributions(hand_made()))

    for axes in figure.axes[1::2]:
        assert text(axes) == "no gradient yet"
        assert not axes.patches
    assert sum(heights(figure.axes[0])) == 6


def test_layers_with_fewer_arrays_leave_places_empty():
    model = ffnn.Sequential([Dense(3), RMSNorm()], input_dim=2, seed=0)

    assert len(drawn(plot_distributions(model)).axes) == 6


def test_layers_are_counted_from_the_end_and_come_in_the_order_asked_for():
    figure = plot_weights(hand_made(), np.array([-1, 0]))

    titles = [axes.get_title(loc="left").split("\n")[0] for axes in figure.axes]
    assert titles == ["layer 3, dense_2"] * 2 + ["layer 0, dense_1"] * 2


def test_zero_is_marked_where_it_is_in_view():
    model = hand_made()
    model.layers[3].params["weight"][...] = np.linspace(5.0, 6.0, 8).reshape(4, 2)

    axes = drawn(plot_weights(model)).axes

    assert [list(line.get_xdata()) for line in axes[0].lines] == [[0.0, 0.0]]  # -3 to 2
    assert axes[4].lines[:] == []  # 5 to 6
    low, high = axes[4].get_xlim()
    assert 4.0 < low < 5.0
    assert 6.0 < high < 7.0


@pytest.mark.parametrize(
    ("value", "mean", "zeros"),
    [(0.0, "0", "100"), (3.0, "3", "0"), (-1e-30, "-1e-30", "0"), (1e-310, "1e-310", "0")],
)
def test_entries_that_are_all_the_same_make_one_bar_around_them(value, mean, zeros):
    model = ffnn.Sequential([Dense(7)], input_dim=2, dtype="float64", seed=0)
    model.layers[0].params["bias"][...] = value

    axes = drawn(plot_weights(model)).axes[1]

    assert text(axes) == f"mean {mean}\nstd 0\nzeros {zeros}%"
    (bar,) = axes.patches
    assert bar.get_height() == 7
    assert bar.get_x() < value < bar.get_x() + bar.get_width()


def test_a_single_entry_is_drawn():
    axes = drawn(plot_weights(ffnn.Sequential([Dense(1)], input_dim=1, seed=0))).axes

    assert [heights(panel) for panel in axes] == [[1], [1]]


def test_neighbouring_floats_are_drawn():
    model = ffnn.Sequential([Dense(2)], input_dim=1, dtype="float64", seed=0)
    model.layers[0].params["bias"][...] = [1.0, np.nextafter(1.0, 2.0)]

    assert heights(drawn(plot_weights(model)).axes[1]) == [2]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_entries_that_are_not_finite_are_counted_and_left_out(dtype):
    model = ffnn.Sequential([Dense(5)], input_dim=2, dtype=dtype, seed=0)
    model.layers[0].params["bias"][...] = [np.nan, np.inf, -np.inf, 0.0, 2.0]

    axes = drawn(plot_weights(model)).axes[1]

    assert text(axes) == "mean 1\nstd 1\nzeros 20%\nnot finite: 3 of 5"
    assert sum(heights(axes)) == 2


def test_nothing_finite_is_said():
    model = ffnn.Sequential([Dense(5)], input_dim=2, seed=0)
    model.layers[0].params["bias"][...] = np.nan

    axes = drawn(plot_weights(model)).axes[1]

    assert text(axes) == "not finite: 5 of 5"
    assert not axes.patches


def test_numbers_whose_squares_overflow_do_no_harm():
    model = ffnn.Sequential([Dense(3)], input_dim=2, dtype="float64", seed=0)
    model.layers[0].params["bias"][...] = [-1.7e308, 1e200, 1e149]

    assert text(drawn(plot_weights(model)).axes[1]).endswith("not finite: 2 of 3")


def test_bars_end_below_the_text():
    figure = drawn(plot_weights(hand_made(), [0]))

    for axes in figure.axes:
        top = max(patch.get_window_extent().y1 for patch in axes.patches)
        assert top < axes.texts[0].get_window_extent().y0


def test_names_are_text_and_no_mathematics():
    model = ffnn.Sequential([Dense(2)], input_dim=1, seed=0)
    model.layers[0].take_name(r"$\nosuchcommand$")

    drawn(plot_weights(model))


def test_long_titles_stay_in_their_column():
    model = ffnn.Sequential([Dense(2), Dense(2)], input_dim=1, seed=0)
    model.layers[0].take_name("a_layer" + "_with_a_long_name" * 4)

    figure = drawn(plot_distributions(model))

    first, second = (axes._left_title.get_window_extent() for axes in figure.axes[:2])
    assert first.x1 < second.x0


@pytest.mark.parametrize("plot", [plot_weights, plot_gradients, plot_distributions])
def test_a_model_that_is_not_built_has_nothing_to_show(plot):
    with pytest.raises(RuntimeError, match=r"no parameters yet: give Sequential an input_dim"):
        plot(ffnn.Sequential([Dense(2)]))


def test_gradients_never_computed_cannot_be_plotted_alone():
    with pytest.raises(RuntimeError, match=r"no gradients to show yet: call compute_gradients"):
        plot_gradients(hand_made())


@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [
        ([2], ValueError, "layer 2, activation_1, has no parameters; layers that have: "),
        ([0, -2], ValueError, "layer -2, activation_1, has no parameters"),
        ([4], IndexError, "no layer 4; indices go from 0 to 3, or from -4 to -1"),
        ([-5], IndexError, "no layer -5; indices go from 0 to 3"),
        ([4], IndexError, "layers with parameters: 0 dense_1, 1 layer_norm_1, 3 dense_2"),
        ([True], TypeError, "layers must hold integers, got True"),
        ([0.0], TypeError, "layers must hold integers, got 0.0"),
        (["dense_1"], TypeError, "layers must hold integers, got 'dense_1'"),
        ([None], TypeError, "layers must hold integers, got None"),
        (1, TypeError, "layers must be a list of layer indices, got 1"),
        ("01", TypeError, "layers must be a list of layer indices, got '01'"),
        ([], ValueError, "layers is empty; leave it out to see all layers with parameters"),
    ],
)
def test_layers_that_cannot_be_shown_are_refused(layers, error, message):
    model = with_gradients(hand_made())
    for plot in (plot_weights, plot_gradients, plot_distributions):
        with pytest.raises(error) as caught:
            plot(model, layers)
        assert message in str(caught.value)
        assert str(caught.value).startswith(f"{plot.__name__}: ")


def test_a_network_without_any_parameter_is_refused():
    model = ffnn.Sequential([Dropout(0.5)], input_dim=3)

    with pytest.raises(ValueError, match="no layer of this model has parameters"):
        plot_weights(model)
