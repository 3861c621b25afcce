"""Which rows are held out: every row once, each class in its share, single rows never."""

import numpy as np
import pytest

from ffnn.errors import DataError
from ffnn.tabular.folds import networks_for, splits


def rng():
    return np.random.default_rng(0)


def test_one_network_is_validated_on_a_tenth():
    ((train, held_out),) = splits(np.arange(100.0), 1, rng(), are_classes=False)
    assert (len(train), len(held_out)) == (90, 10)
    assert sorted([*train, *held_out]) == list(range(100))


@pytest.mark.parametrize("count", [2, 5, 7])
def test_each_row_is_held_out_by_one_network(count):
    chosen = splits(np.arange(50.0), count, rng(), are_classes=False)
    assert len(chosen) == count
    assert sorted(np.concatenate([held_out for _, held_out in chosen])) == list(range(50))
    for train, held_out in chosen:
        assert sorted([*train, *held_out]) == list(range(50))


@pytest.mark.parametrize(("count", "folds"), [(1, 10), (5, 5)])
def test_classes_have_their_share_of_each_fold(count, folds):
    sizes = np.array([100, 50, 10])
    y = np.repeat([0, 1, 2], sizes)
    for train, held_out in splits(y, count, rng(), are_classes=True):
        assert np.bincount(y[held_out]).tolist() == (sizes // folds).tolist()
        assert np.bincount(y[train]).tolist() == (sizes - sizes // folds).tolist()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_class_is_trained_on(count):
    y = np.array([0] * 10 + [1] * 2 + [2])
    for train, held_out in splits(y, count, rng(), are_classes=True):
        assert set(y[train]) == {0, 1, 2}
        assert 2 not in y[held_out]
        assert len(held_out)


def test_the_folds_are_drawn():
    first, other = (
        splits(np.arange(50.0), 1, np.random.default_rng(seed), are_classes=False)[0][1]
        for seed in (0, 1)
    )
    assert set(first) != set(other)


@pytest.mark.parametrize(
    ("y", "count", "message"),
    [
        (np.arange(3), 1, "at least 2 rows.*got 0; a class of one row is only trained on"),
        (np.array([0, 0, 1, 1]), 5, "at least 5 rows to hold some out of, got 4"),
    ],
)
def test_too_few_rows_are_refused(y, count, message):
    with pytest.raises(DataError, match=message):
        splits(y, count, rng(), are_classes=True)


@pytest.mark.parametrize(("rows", "networks"), [(2, 1), (9, 1), (10, 5), (299, 5), (300, 1)])
def test_few_rows_are_learned_by_five_networks(rows, networks):
    assert networks_for(np.arange(float(rows)), are_classes=False) == networks
    assert networks_for(np.arange(rows) % 2, are_classes=True) == networks


def test_rows_that_are_never_held_out_do_not_count():
    y = np.array([0] * 5 + [1] * 4 + [2, 3, 4])
    assert networks_for(y, are_classes=True) == 1
    assert networks_for(np.append(y, 1), are_classes=True) == 5
    assert networks_for(y.astype(float), are_classes=False) == 5
