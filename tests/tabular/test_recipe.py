"""The rules of the recipe: sizes and lengths follow from rows and columns as its docstring says."""

import json

import pytest

from ffnn.tabular.network import make_optimizer
from ffnn.tabular.recipe import Recipe
from ffnn.tabular.training import best_average


@pytest.mark.parametrize(
    ("rows", "batches", "batch_size", "epochs"),
    [
        (1, 1, 1, 256),
        (100, 1, 100, 256),
        (384, 2, 192, 256),  # 1.5 batches of 256
        (1600, 6, 267, 256),
        (9_000, 35, 258, 256),
        (20_000, 78, 257, 115),
        (80_000, 312, 257, 28),  # 8,736 updates
        (2_000_000, 7783, 257, 8),
    ],
)
def test_epochs_make_so_many_updates_in_batches_of_about_256_rows(
    rows, batches, batch_size, epochs
):
    recipe = Recipe.of("regression", rows, 10, 1)
    assert (recipe.batches, recipe.batch_size, recipe.epochs) == (batches, batch_size, epochs)
    assert recipe.updates == batches * epochs


@pytest.mark.parametrize("rows", range(1, 3000, 37))
def test_batches_have_nearly_the_same_size(rows):
    recipe = Recipe.of("classification", rows, 5, 2)
    last = rows - (recipe.batches - 1) * recipe.batch_size
    assert recipe.batch_size - recipe.batches < last <= recipe.batch_size <= 384


def test_what_is_learned_decides_on_activation_and_rate():
    classes = Recipe.of("classification", 1600, 12, 3)
    numbers = Recipe.of("regression", 1600, 12, 1)
    assert (classes.activation, classes.learning_rate) == ("selu", 0.04)
    assert (numbers.activation, numbers.learning_rate) == ("mish", 0.2)
    assert (classes.label_smoothing, numbers.label_smoothing) == (0.1, 0.0)
    assert numbers.is_regression
    assert not classes.is_regression


def test_waves_of_the_learning_rate_end_where_it_is_zero():
    recipe = Recipe.of("regression", 1600, 12, 1).lasting(150)
    assert recipe.waves == [10, 30, 70, 150]  # 1, 3, 7 and 15 fifteenths
    rate = make_optimizer(recipe, ["weight"]).learning_rate
    for end in recipe.waves:
        assert rate(end * recipe.batches) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("features", "bins"), [(1, 16), (16, 16), (17, 15), (64, 4), (65, 0), (999, 0)]
)
def test_numbers_have_bins_that_make_no_more_than_256_columns(features, bins):
    assert Recipe.of("regression", 1600, features, 1).bins == bins
    assert Recipe.of("classification", 1600, features, 3).bins == 0


def test_it_says_all_that_was_chosen():
    assert str(Recipe.of("classification", 1600, 12, 3)).splitlines() == [
        "12 features -> 256 + 256 + 256 units of selu -> 3 classes",
        "at most 256 epochs of 6 batches of 267 rows: 1,536 updates, an estimated 7 s",
        "learning rate up to 0.04, weight decay up to 0.02, dropout up to 0.15",
        "label smoothing 0.1",
    ]
    numbers = str(Recipe.of("regression", 1600, 20, 1))
    assert "-> 1 number\n" in numbers
    assert numbers.endswith("dropout up to 0.15\nnumbers in 12 bins")


def test_it_is_plain_data():
    recipe = Recipe.of("regression", 100, 7, 1)
    config = recipe.get_config()
    assert json.loads(json.dumps(config)) == config
    assert config["epochs"] == 256


def test_it_can_last_for_other_epochs():
    recipe = Recipe.of("regression", 100, 7, 1).lasting(10)
    assert (recipe.epochs, recipe.updates) == (10, 10)


def test_the_average_remembers_the_same_share_of_any_training():
    recipe = Recipe.of("regression", 1600, 12, 1)
    assert recipe.averaging == 0.75
    assert recipe.lasting(128).averaging == pytest.approx(0.5625)
    assert recipe.lasting(16).averaging == pytest.approx(0.75**16)
    assert best_average(recipe.lasting(128)).beta == pytest.approx(0.5625)
