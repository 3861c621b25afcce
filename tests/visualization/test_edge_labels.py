import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from ffnn.visualization.edge_labels import (
    label_corners,
    overlaps,
    place_labels,
    write_edge_labels,
)

NOTHING = np.empty((0, 4, 2))


def box(left, bottom, right, top):
    return np.array([[left, bottom], [right, bottom], [right, top], [left, top]], float)


def diamond(x, y, radius):
    return np.array([[x, y - radius], [x + radius, y], [x, y + radius], [x - radius, y]], float)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (box(1, 1, 3, 3), True),
        (box(0.5, 0.5, 1.5, 1.5), True),
        (box(-5, 0.9, 5, 1.1), True),
        (box(2, 0, 3, 2), False),  # a border in common
        (box(0, 2.1, 2, 3), False),
        (diamond(2.9, 2.9, 1.7), False),  # their bounding boxes overlap, they do not
        (diamond(2.9, 2.9, 1.9), True),
    ],
)
def test_overlap_of_two_rectangles(other, expected):
    square = box(0, 0, 2, 2)

    assert overlaps(square[None], other[None]).tolist() == [[expected]]
    assert overlaps(other[None], square[None]).tolist() == [[expected]]


def test_overlap_is_told_for_each_pair():
    rectangles = np.array([box(0, 0, 1, 1), box(2, 0, 3, 1)])
    others = np.array([box(0.5, 0, 2.5, 1), box(2.5, 0.5, 4, 4), box(9, 9, 10, 10)])

    assert overlaps(rectangles, others).tolist() == [[True, False, False], [True, True, False]]


def test_corners_of_a_label_along_its_edge():
    (level,) = label_corners(np.array([[5.0, 1.0]]), np.array([4.0, 2.0]), np.array([7.0, 0.0]))
    (steep,) = label_corners(np.array([[0.0, 0.0]]), np.array([4.0, 2.0]), np.array([0.0, 3.0]))

    assert level.tolist() == [[3, 0], [7, 0], [7, 2], [3, 2]]
    assert steep.tolist() == [[1, -2], [1, 2], [-1, 2], [-1, -2]]


def test_label_stands_in_the_middle_of_a_free_edge():
    centres = place_labels(np.array([[[0.0, 0.0], [10.0, 4.0]]]), np.array([[1.0, 1.0]]), NOTHING)

    np.testing.assert_allclose(centres, [[5.0, 2.0]])


def test_label_gives_way_to_an_obstacle():
    (centre,) = place_labels(
        np.array([[[0.0, 0.0], [100.0, 0.0]]]),
        np.array([[10.0, 2.0]]),
        box(40, -1, 52, 1)[None],
    )

    assert centre[1] == 0
    assert 35 - 1.25 <= centre[0] <= 35 or 57 <= centre[0] <= 57 + 1.25  # the steps are 1.25 wide


def test_label_that_fits_nowhere_is_told():
    segments, sizes = np.array([[[0.0, 0.0], [10.0, 0.0]]]), np.array([[3.0, 1.0]])

    assert place_labels(segments, sizes, box(0, -1, 10, 1)[None]) is None


@pytest.mark.parametrize("seed", range(4))
def test_labels_never_overlap_and_stay_on_their_edges(seed):
    rng = np.random.default_rng(seed)
    starts = np.column_stack([np.zeros(25), rng.uniform(0, 300, 25)])
    ends = np.column_stack([np.full(25, 400.0), rng.uniform(0, 300, 25)])
    segments, sizes = np.stack([starts, ends], axis=1), np.tile([50.0, 9.0], (25, 1))

    centres = place_labels(segments, sizes, NOTHING)

    share = centres[:, [0]] / 400
    np.testing.assert_allclose(centres, starts + share * (ends - starts))
    corners = [
        label_corners(centres[[i]], sizes[i], ends[i] - starts[i])[0] for i in range(len(centres))
    ]
    for i, corner in enumerate(corners):
        others = np.array([other for j, other in enumerate(corners) if j != i])
        assert not overlaps(corner[None], others).any()


def labelled(segments, weight, gradient=None, size=(5.0, 4.0)):
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    fits = write_edge_labels(axes, np.array(segments, float), np.array(weight), gradient)
    return figure, axes.texts, fits


def test_labels_show_weight_and_gradient():
    _, texts, fits = labelled(
        [[[0, 0], [1, 0.5]], [[0, 1], [1, 1]]], [0.12345, -2.0], np.array([1e-5, 0.5])
    )

    assert fits
    assert [text.get_text() for text in texts] == ["0.123  ∇ 1e-05", "-2  ∇ 0.5"]


def test_labels_without_gradients_show_the_weight_alone():
    _, texts, _ = labelled([[[0, 0], [1, 0.5]]], [0.12345])

    assert [text.get_text() for text in texts] == ["0.123"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (0.123456, "0.123"),
        (np.float32(-0.1), "-0.1"),
        (1234.5, "1.23e+03"),
        (-0.0000123456, "-1.23e-05"),
        (math.nan, "nan"),
    ],
)
def test_labels_have_three_significant_digits(value, expected):
    _, (text,), _ = labelled([[[0, 0], [1, 0.5]]], [value])

    assert text.get_text() == expected


def test_labels_lie_along_their_edges():
    figure, texts, _ = labelled([[[0, 0], [1, 1]], [[0, 1], [1, 1]]], [1.0, 2.0])
    width, height = texts[0].axes.get_window_extent().size

    assert texts[0].get_rotation() == pytest.approx(math.degrees(math.atan2(height, width)))
    assert texts[1].get_rotation() == 0
    np.testing.assert_allclose(texts[0].get_position(), [0.5, 0.5])
    assert figure.get_size_inches().tolist() == [5.0, 4.0]


@pytest.mark.parametrize("is_node", [True, False])
def test_labels_keep_clear_of_nodes_and_of_what_is_written_beside_them(is_node):
    figure = Figure(figsize=(5.0, 4.0), layout="constrained")
    axes = figure.add_subplot()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    if is_node:
        axes.scatter([0.5], [0.5], s=30.0**2)
        radius = 15.0 * figure.dpi / 72
    else:
        name = axes.text(0.5, 0.5, "a name", ha="center", va="center")
        radius = name.get_window_extent().width / 2
    write_edge_labels(axes, np.array([[[0.0, 0.5], [1.0, 0.5]]]), np.array([0.125]), None)

    label = axes.texts[-1].get_window_extent()
    middle, _ = axes.transData.transform((0.5, 0.5))
    assert axes.texts[-1].get_text() == "0.125"
    assert label.x1 <= middle - radius or label.x0 >= middle + radius


def test_figure_grows_until_the_labels_fit():
    parallel = [[[0, y], [1, y]] for y in np.linspace(0.4, 0.6, 7) for _ in range(3)]
    figure, texts, fits = labelled(parallel, np.arange(21.0), np.arange(21.0) / 7, size=(3.0, 3.0))

    assert fits
    assert len(texts) == 21
    assert 3.0 < figure.get_figwidth() < 6.0


def test_too_many_labels_are_left_out():
    same = [[[0, 0.5], [1, 0.5]]] * 200
    figure, texts, fits = labelled(same, np.arange(200.0))

    assert not fits
    assert len(texts) == 0
    assert figure.get_size_inches().tolist() == [5.0, 4.0]
