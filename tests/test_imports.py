"""The house has floors: a module imports only from floors below its own, or from its own room.

Every import counts: those for type checkers alone, those inside functions, and `importlib` with a
name. Within a room, which is a folder or a module of the root, modules form no circle either. Nor
does a module reach for what another one calls private.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "ffnn"

FLOORS = [
    {"errors", "_types", "_version"},
    {"core"},
    {
        "charts",
        "data",
        "datasets",
        "initializers",
        "regularizers",
        "saving",
        "schedules",
        "tables",
        "threads",
    },
    {"layers", "activations", "losses", "optimizers", "callbacks", "metrics"},
    {"training", "kernels"},
    {"models"},
    {"visualization", "gradcheck", "inspection", "rate_finder"},
    {"explanation", "diagnostics", "reports", "tabular"},
    {"sequential"},
    {"exchange", "play"},
    {"estimators", "cli", "__main__"},
]
# Activations are layers, layers end in activations, losses fuse with them: one room of formulas, in
# which modules still form no circle.
SHARED_ROOMS = [{"layers", "activations", "losses"}, {"cli", "__main__"}]
FACADE = "ffnn"  # loads everything lazily, for users
HEAVY = ["bokeh", "matplotlib", "networkx", "h5py", "tqdm", "sklearn", "scipy", "numba"]


def module_name(path):
    parts = ("ffnn", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in PATHS.items()}
MODULES = [name for name in PATHS if name != FACADE]


def room_of(module):
    return module.split(".")[1]


def floor_of(module):
    return next(number for number, floor in enumerate(FLOORS) if room_of(module) in floor)


def named_in(node):
    """Yield the dotted names that a node imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
        yield from (a.value for a in node.args if isinstance(a, ast.Constant))


def imports_of(tree):
    """Yield the package's modules that a module imports in any way."""
    for node in ast.walk(tree):
        for name in named_in(node):
            parts = name.split(".")
            while len(parts) > 1 and ".".join(parts) not in PATHS:
                parts.pop()
            if len(parts) > 1 and parts[0] == "ffnn":
                yield ".".join(parts)


# The declared doors: a model becomes an estimator, a file for other programs and a page by methods
# of `Sequential`; estimators for tables are found where tables are, `Watch` where callbacks are.
DECLARED = {
    "ffnn.sequential": {
        "ffnn.estimators.base",
        "ffnn.estimators.conversion",
        "ffnn.exchange.by_suffix",
        "ffnn.play.play",
    },
    "ffnn.tables": {"ffnn.estimators.tabular"},
    "ffnn.callbacks": {"ffnn.play.watch"},
}
IMPORTS = {
    name: sorted(set(imports_of(TREES[name])) - DECLARED.get(name, set())) for name in MODULES
}


def is_allowed(importer, imported):
    if floor_of(imported) < floor_of(importer):
        return True
    rooms = {room_of(importer), room_of(imported)}
    return len(rooms) == 1 or any(rooms <= shared for shared in SHARED_ROOMS)


def private_definitions(tree):
    """Return the private names that a module defines: functions, classes, attributes."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and ast.unparse(node.value) in ("self", "cls")
        ):
            found.add(node.attr)
    return {name for name in found if is_private(name)}


def is_private(name):
    if name == "_replace":  # which is public in named tuples
        return False
    return name == "__dict__" or (name.startswith("_") and not name.startswith("__"))


def reaches_of(tree):
    """Yield what a module takes from other modules' objects although it is private there."""
    own = private_definitions(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ffnn"):
            public = ("_version", "_types")
            if not node.module.endswith(public):
                yield from (a.name for a in node.names if is_private(a.name))
        elif isinstance(node, ast.Attribute) and is_private(node.attr):
            holder = ast.unparse(node.value)
            if holder not in ("self", "cls", "super()") and node.attr not in own:
                yield f"{holder}.{node.attr}"
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "setattr"):
            holder, name = ast.unparse(node.args[0]), getattr(node.args[1], "value", "")
            if holder != "self" and is_private(str(name)) and name not in own:
                yield f"{holder}.{name}"


def circles():
    """Return the groups of modules that import each other, directly or through others."""
    reached = {}
    for start in MODULES:
        seen, pending = set(), list(IMPORTS[start])
        while pending:
            name = pending.pop()
            if name not in seen and name != FACADE:
                seen.add(name)
                pending += IMPORTS[name]
        reached[start] = seen
    groups = {
        frozenset({a} | {b for b in reached[a] if a in reached[b]})
        for a in MODULES
        if a in reached[a]
    }
    return sorted(sorted(group) for group in groups)


# Doors that are still to be closed.
UPWARD = {}
REACHES = {
    "ffnn.core.guard": {"os._exit"},
    "ffnn.core.mpi": {"os._exit"},
}
CIRCLES = []


@pytest.mark.parametrize("module", MODULES)
def test_module_imports_only_from_floors_below(module):
    upward = {name for name in IMPORTS[module] if not is_allowed(module, name)}

    assert upward == UPWARD.get(module, set())


@pytest.mark.parametrize("module", MODULES)
def test_module_takes_nothing_private_from_another(module):
    assert set(reaches_of(TREES[module])) == REACHES.get(module, set())


def test_the_declared_doors_are_the_only_ones_and_in_use():
    assert DECLARED.keys() == {"ffnn.callbacks", "ffnn.sequential", "ffnn.tables"}
    for module, opened in DECLARED.items():
        assert opened < set(imports_of(TREES[module]))


def test_modules_form_no_circle():
    assert circles() == CIRCLES


def test_the_root_is_seen_at_a_glance():
    assert len(list(PACKAGE.glob("*.py"))) <= 14
    assert len(FLOORS) <= 11


def test_the_reading_guide_has_every_room_on_its_floor():
    guide = ast.get_docstring(ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8")))

    named = re.split(r"^\d+\. ", guide, flags=re.MULTILINE)[1:]

    for number, (floor, text) in enumerate(zip(FLOORS, named, strict=True), start=1):
        rooms = {room for room in floor if not room.startswith("_")}
        assert set(re.findall(r"`(\w+)`", text)) == rooms, number


@pytest.mark.parametrize(
    "code",
    [
        "def f():\n    from ffnn.sequential import Sequential",
        "if TYPE_CHECKING:\n    from ffnn.sequential import Sequential",
        "import importlib\nimportlib.import_module('ffnn.sequential')",
        "from ffnn import sequential",
    ],
)
def test_an_upward_import_is_noticed_however_it_is_written(code):
    assert list(imports_of(ast.parse(code))) == ["ffnn.sequential"]
    assert not is_allowed("ffnn.core.text", "ffnn.sequential")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("model._step.run()", ["model._step"]),
        ("from ffnn.core.text import _shorten", ["_shorten"]),
        ("getattr(layer, '_mask')", ["layer._mask"]),
        ("layer.__dict__.pop('x')", ["layer.__dict__"]),
        ("class A:\n    def f(self, other):\n        return self._x + super()._y", []),
        ("class A:\n    def f(self, other):\n        self._x = other._x", []),
    ],
)
def test_a_reach_for_what_is_private_is_noticed(code, expected):
    assert list(reaches_of(ast.parse(code))) == expected


def run_python(code):
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    return result.stdout.split()


def test_importing_ffnn_loads_no_heavy_library():
    code = f"import sys, ffnn; print(*[m for m in {HEAVY} if m in sys.modules])"

    assert run_python(code) == []


def test_building_and_training_a_silent_model_loads_no_heavy_library():
    code = (
        "import sys, numpy, ffnn\n"
        "from ffnn.layers import Dense\n"
        "model = ffnn.Sequential([Dense(1)])\n"
        "model.compile()\n"
        "model.fit(numpy.ones((4, 2)), numpy.ones(4), verbose=0)\n"
        f"print(*[m for m in {HEAVY} if m in sys.modules])"
    )

    assert run_python(code) == []


def test_every_public_name_can_be_loaded():
    code = "import ffnn; print(*[name for name in ffnn.__all__ if getattr(ffnn, name) is None])"

    assert run_python(code) == []


def test_an_unknown_name_is_an_attribute_error():
    import ffnn

    with pytest.raises(AttributeError, match="no attribute 'Sequentail'"):
        ffnn.Sequentail  # noqa: B018
