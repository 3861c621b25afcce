"""Where a colour alone says something, every eye can tell it from the others, light and dark.

A difference of 1 is about the smallest that is seen between two large patches side by side. Thin
lines and small marks apart from each other need several times as much, so 10 is asked for. Signs,
which are shades too, must be much further apart at their deepest.
"""

import itertools
import re
from importlib import resources

import matplotlib.style
import numpy as np
import pytest
from colour_vision import SIGHTS, difference, seen

from ffnn.charts import style

APART, SIGNS_APART = 10.0, 35.0


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [  # of the published test data
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
        ((50, 2.4900, -0.0010), (50, -2.4900, 0.0009), 7.1792),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_differences_are_those_of_the_paper(one, other, expected):
    assert difference(one, other) == pytest.approx(expected, abs=5e-5)
    assert difference(other, one) == pytest.approx(expected, abs=5e-5)


def test_simulated_eyes_confuse_what_such_eyes_do():
    red_and_green = [seen("#c06000", "deuteranopia"), seen("#808000", "deuteranopia")]
    assert difference(*red_and_green) < 0.5 * difference(
        seen("#c06000", "all cones"), seen("#808000", "all cones")
    )
    for sight in SIGHTS:
        assert seen("#808080", sight) == pytest.approx([53.585, 0, 0], abs=0.1)


def nearest(colours, sight):
    """Return the smallest difference of two of the colours."""
    values = [seen(colour, sight) for colour in colours]
    return min(itertools.starmap(difference, itertools.combinations(values, 2)))


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("look", ["default", "dark_background"])
def test_colours_of_figures_are_told_apart(look, sight):
    with matplotlib.style.context(look):
        layers = [style.on_paper(style.layer_colour(place)) for place in range(7)]
        lines = [style.on_paper(colour) for colour in style.LINES]
        paper = style.paper()
    assert nearest([*layers, paper], sight) > APART
    assert nearest([*lines, paper], sight) > APART
    assert nearest(style.CLASSES, sight) > APART
    kinds = [
        style.KIND_COLOURS[kind] for kind in ("input", "neuron", "output")
    ]  # biases are squares
    assert nearest(kinds, sight) > APART
    assert nearest([style.TRAINING, style.VALIDATION, paper], sight) > APART
    signs = [style.POSITIVE, style.NEGATIVE]
    assert nearest([*signs, paper], sight) > SIGNS_APART
    assert nearest([*signs, style.GREY], sight) > APART  # which is zero


@pytest.mark.parametrize("sight", SIGHTS)
def test_shades_of_numbers_become_lighter_step_by_step(sight):
    shades = matplotlib.colormaps["cividis"](np.linspace(0, 1, 33))[:, :3]
    lightness = [seen(shade, sight)[0] for shade in shades]
    assert np.diff(lightness).min() > 0.5


def colours_of(package, name, scheme):
    """Return the colours that a style sheet names, as a scheme has them."""
    sheet = (resources.files(package) / name).read_text(encoding="utf-8")
    light, dark = sheet.split("@media (prefers-color-scheme: dark)")
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light.split("}", 1)[0]))
    if scheme == "dark":
        found |= re.findall(r"--([\w-]+): (#[0-9a-f]{6})", dark.split("}", 1)[0])
    return found


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("package", "name", "back"),
    [("ffnn.visualization", "page.css", "surface"), ("ffnn.play", "play.css", "card")],
)
def test_signs_on_pages_are_told_apart(package, name, back, scheme, sight):
    colours = colours_of(package, name, scheme)
    above, below, paper = (colours[each] for each in ("above", "below", back))
    assert nearest([above, below, paper], sight) > SIGNS_APART
    mixed = [
        [
            (0.75 * int(paper[place : place + 2], 16) + 0.25 * int(end[place : place + 2], 16))
            / 255
            for place in (1, 3, 5)
        ]
        for end in (above, below)
    ]  # the shades of a quarter of the largest number
    assert nearest(mixed, sight) > APART


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_kinds_of_neurons_on_the_saved_page_are_told_apart(scheme, sight):
    colours = colours_of("ffnn.visualization", "page.css", scheme)
    kinds = [colours[each] for each in ("input", "bias", "neuron", "output", "surface")]
    assert nearest(kinds, sight) > APART
