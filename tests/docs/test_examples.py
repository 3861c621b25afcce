"""Examples in docstrings run and print what they say; nearly every public name has one."""

import doctest
import importlib
import inspect
import sys
from pathlib import Path

import pytest

EXTENSIONS = str(Path(__file__).parents[2] / "docs" / "_extensions")


def public():
    """Return name → value of what the reference has a page of."""
    sys.path.insert(0, EXTENSIONS)
    try:
        pages = importlib.import_module("reference_pages")
    finally:
        sys.path.remove(EXTENSIONS)
    found = {}
    for name in pages.MODULES:
        module = importlib.import_module(name)
        found |= {f"{name}.{each}": getattr(module, each) for each in pages.public_names(module)}
    return found


PUBLIC = public()
WITH_EXAMPLE = [name for name, value in PUBLIC.items() if ">>> " in (value.__doc__ or "")]


@pytest.mark.parametrize("name", WITH_EXAMPLE)
def test_the_example_prints_what_it_says(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    examples = doctest.DocTestParser().get_doctest(PUBLIC[name].__doc__, {}, name, None, None)
    assert doctest.DocTestRunner(verbose=False).run(examples).failed == 0


def test_functions_have_examples():
    functions = [name for name, value in PUBLIC.items() if inspect.isfunction(value)]
    without = [name for name in functions if name not in WITH_EXAMPLE]
    # The first three are made by `ffnn.exchange.source`; the modules of the others are full.
    assert set(without) <= {
        *("ffnn.exchange.to_c", "ffnn.exchange.to_javascript", "ffnn.exchange.to_python"),
        *("ffnn.datasets.load_csv", "ffnn.datasets.load_csv_features"),
        *("ffnn.metrics.check_names", "ffnn.metrics.weigh"),
    }


def test_parts_have_examples():
    assert len(WITH_EXAMPLE) >= 0.65 * len(PUBLIC)
