"""Files made to do harm, or to pass for models: all must be rejected, with no side effect.

``KINDS`` has the makers by name: `outside` the HDF5 part, in its `structure`, its `datasets`, and
what the `configs` say.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

import ffnn
from trials.common import Result, in_children, naive_arrays
from trials.hostile import configs, datasets, outside, structure
from trials.hostile.making import CANARY, KINDS, model_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

LEADING_OUTSIDE = {
    "an external link": structure.external_link,
    "external storage": datasets.external_storage,
    "a virtual dataset": datasets.virtual_dataset,
}
# Of a load no more should be heard than that it opens its file.
_HARMLESS = {"builtins.id", "object.__getattr__"}

assert outside
assert configs


def run(cases: Sequence[int], seed: int, folder: Path, advance: Callable[[int], object]) -> Result:
    """Load every kind of hostile file in a child with little memory."""
    result = Result()
    names = list(KINDS)
    cases = [case for case in cases if case < len(names)]
    paths = {case: make_file(names[case], folder / str(case)) for case in cases}
    (folder / "warm.h5").write_bytes(model_bytes())

    def work(case: int) -> list[str]:
        return _load_watched(paths[case], folder / "warm.h5")

    for case, outcome in in_children(work, cases, memory=128 << 20, batch=1):
        name = names[case]
        expected = [f"{paths[case]}: ", KINDS[name][1]]
        if isinstance(outcome, dict):
            result.fail(case, f"{name}: {outcome['died']}")
        elif any(text not in outcome[0] for text in expected) or len(outcome) > 1:
            result.fail(case, f"{name}: expected {KINDS[name][1]!r}, got {outcome}")
        result.cases += 1
        advance(1)
    result.control = sum(reads_canary(folder / f"naive {name}", name) for name in LEADING_OUTSIDE)
    return result


def make_file(name: str, folder: Path) -> Path:
    """Make a file of a kind in its own folder, and return its path."""
    folder.mkdir()
    KINDS[name][0](folder / "model.h5")
    return folder / "model.h5"


def reads_canary(folder: Path, name: str) -> bool:
    """Tell whether a naive reader of a file that leads outside returns another file's content."""
    folder.mkdir()
    path = folder / "model.h5"
    LEADING_OUTSIDE[name](path)
    return any(array.tobytes() == CANARY[:48] for array in naive_arrays(path).values())


def _load_watched(path: Path, warm: Path) -> list[str]:
    """Load a file, and return the message and what else Python was asked for meanwhile."""
    importlib.import_module("difflib")  # for messages
    ffnn.load_model(warm)  # so that all modules are loaded
    heard: list[str] = []

    def listen(event: str, arguments: tuple[Any, ...]) -> None:
        # A path, or the number of a file that is open already.
        own = event == "open" and arguments[0] in (path, str(path), *range(100))
        if not own and event not in _HARMLESS:
            heard.append(f"{event} {arguments[:1]}")

    sys.addaudithook(listen)
    try:
        ffnn.load_model(path)
    except ffnn.ModelFileError as error:
        message = str(error)
    except BaseException as error:
        message = f"{type(error).__name__}: {error}"
    else:
        message = "it was loaded"
    return [message, *heard]
