"""Examples in docstrings run and print what they say; at least 95 % of the names have one."""

import doctest
import importlib
import inspect
import os
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


def executed(name):
    """Return the examples of a name that are run."""
    examples = doctest.DocTestParser().get_examples(PUBLIC[name].__doc__ or "", name)
    return [each for each in examples if not each.options.get(doctest.SKIP)]


WITH_EXAMPLE = [name for name in PUBLIC if len(executed(name)) > 1]  # more than an import
NEEDS = {  # function of ffnn.exchange → what is imported in its example, or by it
    **dict.fromkeys(("from_onnx", "to_onnx"), "onnx"),
    **dict.fromkeys(("from_keras", "to_keras"), "keras"),
    **dict.fromkeys(("from_safetensors", "to_safetensors"), "safetensors"),
    **dict.fromkeys(("from_sklearn", "to_sklearn"), "sklearn"),
    **dict.fromkeys(("from_torch", "to_torch"), "torch"),
}


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # of Keras
@pytest.mark.parametrize("name", WITH_EXAMPLE)
def test_the_example_prints_what_it_says(name, tmp_path, monkeypatch):
    needed = NEEDS.get(name.removeprefix("ffnn.exchange."))
    if needed == "keras":
        os.environ.setdefault("KERAS_BACKEND", "torch")
    if needed:
        pytest.importorskip(needed)
    monkeypatch.chdir(tmp_path)
    examples = doctest.DocTestParser().get_doctest(PUBLIC[name].__doc__, {}, name, None, None)
    assert doctest.DocTestRunner(verbose=False).run(examples).failed == 0


@pytest.mark.parametrize("is_kind", [inspect.isroutine, inspect.isclass])
def test_at_least_95_percent_have_an_example_that_is_run(is_kind):
    names = [name for name, value in PUBLIC.items() if is_kind(value)]
    without = [name for name in names if name not in WITH_EXAMPLE]
    assert len(without) <= 0.05 * len(names), without
