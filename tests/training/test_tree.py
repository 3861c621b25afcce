"""Sums whose order follows from the number of parts alone."""

from __future__ import annotations

import pytest

from ffnn.training.tree import add_up, blocks, whole


def spelled(parts, cuts=()):
    """Return the sum of all parts as a text, when others have added up what lies between `cuts`."""

    def leaf(start, size):
        return str(start) if size == 1 else None

    def add(left, right):
        return f"({left}{right})"

    known = {}
    for first, last in zip([0, *cuts], [*cuts, parts], strict=True):
        for start, size in blocks(first, last):
            known[start, size] = add_up(start, size, parts, leaf, add)
    return add_up(*whole(parts), parts, lambda *place: known.get(place), add)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (1, "0"),
        (2, "(01)"),
        (3, "((01)2)"),
        (4, "((01)(23))"),
        (5, "(((01)(23))4)"),
        (7, "(((01)(23))((45)6))"),
    ],
)
def test_the_parts_are_added_by_pairs(parts, expected):
    assert spelled(parts) == expected


@pytest.mark.parametrize("parts", range(1, 14))
@pytest.mark.parametrize("groups", [2, 3, 4, 8])
def test_whoever_adds_what_the_order_is_the_same(parts, groups):
    cuts = [parts * group // groups for group in range(1, groups)]  # some may have none
    assert spelled(parts, cuts) == spelled(parts)


def test_a_stretch_of_parts_is_as_few_sums_as_possible():
    assert list(blocks(0, 8)) == [(0, 8)]
    assert list(blocks(0, 5)) == [(0, 4), (4, 1)]
    assert list(blocks(3, 8)) == [(3, 1), (4, 4)]
    assert list(blocks(2, 2)) == []
