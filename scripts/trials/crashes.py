"""Processes that are killed while they save, and readers beside a writer."""

from __future__ import annotations

import itertools
import os
import signal
import socket
from typing import TYPE_CHECKING, Any

import numpy as np

import ffnn
from ffnn import saving
from trials.common import Result, rng_of, temporaries

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    Save = Callable[[list[ffnn.Sequential], Path, Any], None]


_PARENT = os.getpid()
_PIECE = 1 << 16  # bytes that a call writes at most


def two_models() -> list[ffnn.Sequential]:
    """Return two models of the same layers, so that a mixture of their files would be one too."""
    x = np.random.default_rng(0).standard_normal((32, 100))
    models = []
    for seed in range(2):
        model = ffnn.Sequential.from_sizes([100, 300, 100], ["relu", None], seed=seed)
        model.compile("adam", "mse")
        model.fit(x, x, epochs=1, verbose=0)
        models.append(model)
    return models


def save_on_and_on(models: list[ffnn.Sequential], path: Path, system: Any = os) -> None:
    """Save one model after the other, as a user does."""
    for model in itertools.cycle(reversed(models)):
        saving.write(path, *model.capture(), system=system)
        assert os.getppid() == _PARENT  # end with the parent


def save_in_place_on_and_on(models: list[ffnn.Sequential], path: Path, system: Any = os) -> None:
    """Write the same bytes into the target itself, as most programs do."""
    images = [image_of(model) for model in models]
    for image in itertools.cycle(reversed(images)):
        descriptor = system.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        view = memoryview(image)
        while view:
            view = view[system.write(descriptor, view[:_PIECE]) :]
        system.close(descriptor)
        assert os.getppid() == _PARENT


def _fork(save: Save, models: list[ffnn.Sequential], path: Path, system: Any = os) -> int:
    """Return the number of a child that saves until it is killed."""
    pid = os.fork()
    if pid == 0:
        try:
            save(models, path, system)
        finally:
            os._exit(1)
    return pid


def _kill(pid: int) -> None:
    """Kill a child that saves; if it had already ended, a save failed."""
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if not os.WIFSIGNALED(status):
        raise RuntimeError("a save that nobody disturbed has failed")


def image_of(model: ffnn.Sequential) -> bytes:
    """Return the bytes of a model's file."""
    return saving.encode(*model.capture())


# -- kill --------------------------------------------------------------------------------------


class SteppingSystem:
    """The functions of `os`, of which a child makes each call only once its parent has allowed it.

    So the parent knows how far a save has come, however busy the machine is.
    """

    def __init__(self) -> None:
        self._parent, self._child = socket.socketpair()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            self._parent.close()  # so that the parent's end is noticed
            self._child.send(b"?")
            if not self._child.recv(1):
                os._exit(1)
            if name == "write":
                descriptor, view = arguments
                arguments = descriptor, view[:_PIECE]
            return getattr(os, name)(*arguments)

        return call

    def allow(self, calls: int) -> None:
        """Let the child make its next calls, and return while it makes the last of them."""
        self._child.close()
        for _ in range(calls):
            if self._parent.recv(1):  # else the child has ended
                self._parent.send(b"!")

    def disconnect(self) -> None:
        """Close the parent's end."""
        self._parent.close()


def run(cases: Sequence[int], seed: int, folder: Path, advance: Callable[[int], object]) -> Result:
    """Kill processes while they save; the file must be one of the two, and complete."""
    result = Result()
    models = two_models()
    images = [image_of(model) for model in models]
    left: list[Path] = []
    for case in cases:
        what, file = _killed(case, seed, folder / "model.h5", models, images, save_on_and_on)
        if what:
            result.fail(case, what, file)
        earlier, left = left, temporaries(folder)
        result.count("killed with a temporary file", left not in ([], earlier))
        if len(left) > 1:
            result.fail(case, f"temporary files of dead processes are still there: {left}")
        result.cases += 1
        advance(1)
    models[0].save(folder / "model.h5")
    if temporaries(folder):
        result.fail(-1, f"a save leaves {temporaries(folder)}")
    for case in range(100):
        result.control += bool(
            _killed(case, seed, folder / "naive.h5", models, images, save_in_place_on_and_on)[0]
        )
    return result


def _killed(
    case: int,
    seed: int,
    path: Path,
    models: list[ffnn.Sequential],
    images: list[bytes],
    save: Save,
) -> tuple[str, bytes]:
    """Kill a child at a random call of its saves, and return what is then wrong with the file."""
    rng = rng_of(seed, case)
    is_new = bool(rng.integers(4) == 0)
    if is_new:
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(images[0])
    system = SteppingSystem()
    pid = _fork(save, models, path, system)
    system.allow(int(rng.integers(1, 45)))  # up to two saves
    for _ in range(rng.integers(200)):  # the last call has not begun, is being made, or is done
        os.sched_yield()
    _kill(pid)
    system.disconnect()
    if not path.exists():
        return ("" if is_new else "the old file is gone"), b""
    file = path.read_bytes()
    return ("" if file in images else "neither the old file nor the new one"), file


# -- readers beside a writer -------------------------------------------------------------------


def run_readers(
    cases: Sequence[int], seed: int, folder: Path, advance: Callable[[int], object]
) -> Result:
    """Load while another process saves without pause; each model must be one of the two."""
    del seed
    result = Result()
    for case, what in enumerate(_read_beside(folder / "model.h5", save_on_and_on, len(cases))):
        if what:
            result.fail(case, what)
        result.cases += 1
        advance(1)
    result.control = sum(map(bool, _read_beside(folder / "naive.h5", save_in_place_on_and_on, 300)))
    return result


def _read_beside(path: Path, save: Save, count: int) -> list[str]:
    models = two_models()
    expected = [model.parameters.tobytes() for model in models]
    models[0].save(path)
    pid = _fork(save, models, path)
    found = []
    try:
        for _ in range(count):
            try:
                loaded = ffnn.load_model(path)
            except ffnn.ModelFileError as error:
                found.append(str(error))
            else:
                whole = loaded.parameters.tobytes() in expected
                found.append("" if whole else "a mixture")
    finally:
        _kill(pid)
    return found
