"""The pages of formulas have every formula of every part, and a derivation is found by its part."""

import importlib
import inspect
import sys
from pathlib import Path

import pytest

from ffnn.core.formulas import Formula, Formulas
from ffnn.core.registry import Family

DOCS = Path(__file__).parents[2] / "docs"


KINDS = [
    *("activation", "initializer", "layer", "loss"),
    *("metric", "optimizer", "regularizer", "schedule"),
]


@pytest.fixture(scope="module")
def pages():
    sys.path.insert(0, str(DOCS / "_extensions"))
    try:
        yield importlib.import_module("formula_pages")
    finally:
        sys.path.remove(str(DOCS / "_extensions"))


def test_every_family_has_a_page(pages):
    for module, _, _ in pages.FAMILIES.values():
        importlib.import_module(module)
    assert {k for k, f in Family.by_kind.items() if f.base.__module__.startswith("ffnn.")} == set(
        pages.FAMILIES
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_formula_of_a_family_is_on_its_page(pages, kind):
    page, written = pages.page_of(kind), 0
    for cls in pages.parts_of(kind):
        formulas = inspect.getattr_static(cls, "formulas")
        if not isinstance(formulas, Formulas):
            formulas = pages.made(cls, {}).formulas
        for text in (*formulas.forward, *formulas.backward, *formulas.update):
            assert Formula(text).latex in page, (cls, text)
            written += 1
    assert written >= len(pages.parts_of(kind)) > 0


def test_every_derivation_stands_on_a_page(pages):
    text = "".join(pages.all_pages().values())
    names = [path.name for path in (DOCS / "derivations").glob("*.rst")]
    assert len(names) >= 15
    assert all(f"include:: ../derivations/{name}" in text for name in names)
