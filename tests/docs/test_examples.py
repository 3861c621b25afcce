"""Examples in docstrings run and print what they say; every public name has one.

Those of a method continue that of its class, which its page shows above.
"""

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


METHODS = {  # class whose methods users call → those that are there for who extends the library
    "ffnn.Sequential": {
        *("as_double", "capture", "changed", "check_metrics", "check_weights", "compute"),
        *("compute_dims", "copy_metrics", "directions", "explain_absence", "forget_position"),
        *("hold_position", "leave_position", "open_batch", "open_examples", "open_inputs"),
        *("open_training", "parameter_names", "parts", "passing", "random_generators"),
        *("renew_replicas", "replicas", "require_built", "require_compiled", "restore", "run"),
        *("sample_rows", "take_jit_compile", "twin", "watch_arguments"),
    },
    "ffnn.estimators.FFNNClassifier": {"adopt"},
    "ffnn.estimators.FFNNRegressor": {"adopt"},
    "ffnn.tables.TabularClassifier": set(),
    "ffnn.tables.TabularRegressor": set(),
    "ffnn.explanation.Explanation": set(),
}
ELSEWHERE = {
    "ffnn.datasets.load_mnist": "downloads",
    "ffnn.Sequential.play": "stays until Ctrl-C",
}


def methods_of(name):
    """Return method → docstring of the public methods of a class that the library defines."""
    found = inspect.getmembers(PUBLIC[name], inspect.isroutine)
    ours = [(m, value) for m, value in found if m[0] != "_" and "ffnn." in value.__module__]
    return {m: inspect.getdoc(value) or "" for m, value in ours if m not in METHODS[name]}


CALLS = [(n, m) for n in METHODS for m, doc in methods_of(n).items() if ">>>" in doc]
CALLS += [("ffnn.callbacks.History", "plot"), ("ffnn.layers.Dense", "backward")]


def run(text, name):
    """Return how many lines of examples print something else than they say."""
    examples = doctest.DocTestParser().get_doctest(text, {}, name, None, None)
    return doctest.DocTestRunner(verbose=False).run(examples).failed


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # of Keras
@pytest.mark.parametrize("name", WITH_EXAMPLE)
def test_the_example_prints_what_it_says(name, tmp_path, monkeypatch):
    needed = NEEDS.get(name.removeprefix("ffnn.exchange."))
    if needed == "keras":
        os.environ.setdefault("KERAS_BACKEND", "torch")
    if needed:
        pytest.importorskip(needed)
    monkeypatch.chdir(tmp_path)
    assert run(PUBLIC[name].__doc__, name) == 0


@pytest.mark.parametrize(("name", "method"), CALLS, ids=map(".".join, CALLS))
def test_the_example_of_a_method_continues_that_of_its_class(name, method, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, then = PUBLIC[name].__doc__, getattr(PUBLIC[name], method).__doc__
    assert run(f"{inspect.cleandoc(first)}\n\n{inspect.cleandoc(then)}", f"{name}.{method}") == 0


@pytest.mark.parametrize("is_kind", [inspect.isroutine, inspect.isclass])
def test_every_name_has_an_example_that_is_run(is_kind):
    names = [name for name, value in PUBLIC.items() if is_kind(value)]
    assert [name for name in names if name not in WITH_EXAMPLE and name not in ELSEWHERE] == []


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_an_example_or_is_called_in_that_of_its_class(name):
    def is_called(method):
        return any(f".{method}(" in each.source for each in executed(name))

    methods = methods_of(name)
    assert {"fit", "predict", "to_text"} & methods.keys()
    without = [m for m, doc in methods.items() if ">>>" not in doc and not is_called(m)]
    assert [m for m in without if f"{name}.{m}" not in ELSEWHERE] == []
