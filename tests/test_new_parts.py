"""A new part is one class in one file: it is trained, checked, saved, loaded, explained and listed.

`new_parts` has a class of each family. They are put into a copy of the package, where nothing else
is changed, and are also used as classes of a user's own, which have no registered name.
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ffnn

FOLDER = Path(__file__).parent / "new_parts"
CLASSES = {  # family → class, name in help texts
    "activations": ("Softsign", "softsign"),
    "callbacks": ("EpochCounter", "EpochCounter"),
    "initializers": ("Tenths", "tenths"),
    "layers": ("MeanNorm", "mean_norm"),
    "losses": ("SmoothAbsoluteError", "smooth_absolute_error/smooth"),
    "metrics": ("WorstError", "worst_error"),
    "optimizers": ("SignDescent", "sign_descent"),
    "regularizers": ("Quartic", "quartic"),
    "schedules": ("Harmonic", "harmonic"),
}
EXPLAINED = {  # family → lines of an explanation with a class's formulas, and without them
    "activations": (["y = z / (1 + |z|)", "∂L/∂z = ∂L/∂y / (1 + |z|)²"], ["y = f(z)"]),
    "layers": (
        ["y = x - mean_units(x) + β", "∂L/∂β = Σ_rows ∂L/∂y", "∂L/∂x = ∂L/∂y - mean_units(∂L/∂y)"],
        ["y = f(x)"],
    ),
    "losses": (
        ["L = 1/(n u) Σ √(r² + 1) with r = p - y", "∂L/∂p = 1/(n u) r / √(r² + 1) with r = p - y"],
        ["L = ℓ(p, y)"],
    ),
    "optimizers": (["m ← (m + g) / 2", "w ← w - η sign(m)"], ["w ← update(w, g)"]),
    "regularizers": (["R = λ Σ W^4", "∂R/∂W = 4 λ W³"], ["R = ρ(W)"]),
    "schedules": (["η = 0.003846"], ["η = 0.003846"]),  # 0.05 / (1 + 12)
}
every_family = pytest.mark.parametrize("family", CLASSES)


def source(family):
    return (FOLDER / f"{family}.py").read_text(encoding="utf-8")


# -- put into the package --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return a function that runs Python with a copy of the package that has the new parts."""
    folder = tmp_path_factory.mktemp("copy")
    package = folder / "ffnn"
    shutil.copytree(Path(ffnn.__file__).parent, package, ignore=shutil.ignore_patterns("*.pyc"))
    for family in CLASSES:
        home = package / family
        path = home / "new_part.py" if home.is_dir() else home.with_suffix(".py")
        with path.open("a", encoding="utf-8") as file:
            file.write(source(family))

    def run(*args):
        done = subprocess.run(
            [sys.executable, "-W", "error", *map(str, args)],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(folder), "PYTHONUTF8": "1", "COLUMNS": "80"},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def inside(run):
    names = [f"{family}.{cls}" for family, (cls, _) in CLASSES.items()]
    return json.loads(run(FOLDER / "exercise.py", *names))


def check(family, result):
    """Check what `exercise` has found."""
    assert result["loss"][1] < result["loss"][0]
    assert result["error"] < 1e-6
    assert result["predicts alike"]
    assert result["resumes alike"]
    assert result["metrics"] == ["loss", *(["worst_error"] if family == "metrics" else [])]
    assert result["counts"] == ([4] if family == "callbacks" else [])


def lines(explanation):
    return {line.strip() for line in re.split(r"\n|   ", explanation)}


@every_family
def test_a_class_in_the_package_is_trained_checked_saved_and_loaded(inside, family):
    check(family, inside[family])


@pytest.mark.parametrize("family", EXPLAINED)
def test_a_class_in_the_package_is_explained_by_its_formulas(inside, family):
    assert set(EXPLAINED[family][0]) <= lines(inside[family]["explanation"])


def test_help_lists_classes_in_the_package(run):
    words = run("-m", "ffnn", "train", "--help").replace(",", " ").split()

    assert {name for _, name in CLASSES.values()} <= set(words)
    assert "mean" in words  # the normalization
    assert "sign_descent 0.002" in " ".join(words)


def test_options_of_the_command_line_take_classes_in_the_package(run):
    options = "--activation softsign --normalization mean --initializer tenths --loss smooth "
    options += "--optimizer sign_descent --epochs 1 --hidden 4"
    out = run("-m", "ffnn", "train", "digits", *options.split())

    assert "Dense(4, weight_initializer=Tenths" in out
    assert "Softsign()" in out
    assert "MeanNorm()" in out
    assert "sign_descent, learning rate 0.002, batch size 32, loss smooth_absolute_error" in out


# -- a user's own ----------------------------------------------------------------------------------


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def exercise(tmp_path_factory):
    """Return a function that exercises a class that is not the package's own."""
    folder, function = tmp_path_factory.mktemp("own"), load(FOLDER / "exercise.py").exercise

    def run(family, change=lambda cls: None):
        path = folder / f"own_{family}.py"
        path.write_text(re.sub(r"@\w+\.register\(.*\)\n", "", source(family)), encoding="utf-8")
        cls = getattr(load(path), CLASSES[family][0])
        change(cls)
        return function(family, cls, {cls.__name__: cls})

    return run


@every_family
def test_a_class_of_ones_own_is_trained_checked_saved_loaded_and_explained(family, exercise):
    result = exercise(family)

    check(family, result)
    assert set(EXPLAINED.get(family, ([],))[0]) <= lines(result["explanation"])


@pytest.mark.parametrize("family", EXPLAINED)
def test_without_formulas_a_class_is_explained_as_a_function(family, exercise):
    result = exercise(family, change=lambda cls: delattr(cls, "formulas"))

    assert set(EXPLAINED[family][1]) <= lines(result["explanation"])
