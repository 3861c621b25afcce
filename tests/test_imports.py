"""The house has floors: a module imports only from floors below its own."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "ffnn"

FLOORS = [
    {"_types", "_version", "errors", "checks"},
    {"registry", "chain", "threads", "visualization"},
    {
        "workspace",
        "initializers",
        "regularizers",
        "schedules",
        "saving",
        "csv_files",
        "recording",
        "position",
    },
    {"parameters"},
    {"base", "rows", "metrics", "optimizers", "callbacks", "array_files"},
    {"activations", "targets", "progress"},
    {"layers", "losses", "batches", "training", "summary", "state", "datasets"},
    {"diagnostics", "explanation"},
    {"network", "resuming"},
    {"seeing"},
    {"sequential"},
    {"gradcheck", "estimators"},
    {"cli"},
    {"__main__"},
]
HEAVY = ["bokeh", "matplotlib", "networkx", "h5py", "tqdm", "sklearn", "scipy"]


def floor_of(module):
    return next(number for number, floor in enumerate(FLOORS) if module in floor)


def modules():
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def module_name(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def runtime_imports(tree):
    """Yield the ffnn modules that are imported when the code runs, not for type checkers alone."""
    skipped = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "ffnn":
            names = [f"ffnn.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        for name in names:
            if name.startswith("ffnn."):
                yield name.split(".")[1]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_imports_only_from_floors_below(path):
    own = module_name(path)
    for imported in runtime_imports(ast.parse(path.read_text(encoding="utf-8"))):
        if own == imported and (PACKAGE / own).is_dir():
            continue
        assert floor_of(imported) < floor_of(own), f"{own} imports {imported}"


def test_an_upward_import_is_noticed():
    tree = ast.parse("def f():\n    from ffnn.sequential import Sequential")

    assert [floor_of(name) for name in runtime_imports(tree)] == [floor_of("sequential")]


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
