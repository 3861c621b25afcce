"""Between a training and its pages: when to look, what to draw, who gets it."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.datasets.toys import TOYS
from ffnn.diagnostics import diagnose
from ffnn.optimizers import OPTIMIZERS
from ffnn.play import networks, settings
from ffnn.play.director import Director, copy_network
from ffnn.play.document import Tab
from ffnn.play.frames import Frame
from ffnn.play.problems import Problem
from ffnn.play.session import Session
from ffnn.play.snapshot import RUNNING, Snapshot
from ffnn.play.viewer import Viewer
from ffnn.sequential import Sequential

_LARGEST = 1e6  # number of a row


class Hub:
    """All pages of one training; it lives in the thread of the server.

    Parameters
    ----------
    director : Director
        What the pages look at.
    seconds : float
        Between two frames, at least.
    title : str
        The pages' heading.
    """

    def __init__(self, director: Director, seconds: float, title: str) -> None:
        self.director, self.seconds, self.title = director, seconds, title
        self.tabs: list[Tab] = []
        self.frames = 0  # that were computed
        self.call_soon: Callable[[Callable[[], None]], None] = lambda function: function()
        self.call_later: Callable[[float, Callable[[], None]], Any] = lambda seconds, function: None
        self._due, self._is_planned = 0.0, False  # when to look again
        self._viewer: Viewer | None = None
        self._row: int | None = None  # of the test rows, which is sent through the network
        self._point: Array | None = None  # or any numbers, instead of one
        self._content: dict[str, list[Any]] | None = None
        self._snapshot: Snapshot | None = None
        self._diagnosis = self._new_diagnosis()
        self._kind: Any = None  # of targets
        self._losses: list[str] = []  # that networks for such targets may have
        director.published = lambda: self.call_soon(self.refresh)

    # -- pages ---------------------------------------------------------------------------------

    def open(self, document: Any) -> None:
        """Fill the document of a new page."""
        tab = Tab(document, self._facts(), self._obey)
        self.tabs.append(tab)
        document.on_session_destroyed(lambda context: self._close(tab))

    def _close(self, tab: Tab) -> None:
        if tab in self.tabs:
            self.tabs.remove(tab)

    def _plan(self) -> None:
        """Look at the training as soon as it is time to."""
        if not self._is_planned:
            self._is_planned = True
            self.call_later(max(0.0, self._due - time.monotonic()), self._look)

    def _look(self) -> None:
        """Look at the training if a page waits for a frame and something moves."""
        self._is_planned = False
        latest = self.director.latest
        if any(tab.is_ready for tab in self.tabs) and (latest is None or latest.state == RUNNING):
            self._due = time.monotonic() + self.seconds
            self.director.look()

    def refresh(self) -> None:
        """Send the latest snapshot to all pages that are ready."""
        snapshot = self.director.latest
        ready = [tab for tab in self.tabs if tab.is_ready]
        if snapshot is None or not ready:
            return
        if self._snapshot is not snapshot or self._content is None:
            self._snapshot, self._content = snapshot, self._draw(snapshot)
        assert self._viewer is not None
        for tab in ready:
            if tab.shown != snapshot.number:
                tab.show(self._viewer, snapshot, self._content)

    def _obey(self, tab: Tab, command: dict[str, Any]) -> None:
        if command.get("do") == "shown":
            tab.is_ready = True
            if command.get("number") != tab.shown:  # the page is new
                tab.shown = 0
            self.refresh()
            self._plan()
        elif command.get("do") == "number":  # which only makes two sets of commands differ
            pass
        elif command.get("do") == "probe":
            self._set_probe(command)
        else:
            self.director.send(command)

    def _set_probe(self, command: dict[str, Any]) -> None:
        """Choose the row that is sent through the network: a test row, or any numbers."""
        row, x = command.get("row"), _numbers(command.get("x"))
        if isinstance(row, int) and row >= 0:
            self._row, self._point = row, None
        elif x is not None:
            self._row, self._point = None, x
        self._content = None
        for tab in self.tabs:
            tab.shown = 0
        self.refresh()

    # -- files ---------------------------------------------------------------------------------

    @property
    def files(self) -> list[str]:
        """The names of the files that can be asked for."""
        own = ["network.py", "settings.json"] if isinstance(self.director, Session) else []
        return ["model.h5", *own]

    def file(self, name: str) -> Future[bytes]:
        """Return the content of a file, as the training is after the next batch."""
        director = self.director
        if name == "network.py" and isinstance(director, Session):
            return director.ask(lambda: director.script().encode())
        if name == "settings.json" and isinstance(director, Session):
            return director.ask(lambda: director.chosen.to_json().encode())
        return director.ask(lambda: model_file(director.model))

    # -- drawing -------------------------------------------------------------------------------

    def _draw(self, snapshot: Snapshot) -> dict[str, list[Any]]:
        viewer = self._viewer
        if viewer is None or viewer.network is not snapshot.network:
            viewer = self._viewer = Viewer(snapshot.network, snapshot.problem)
            self._diagnosis = self._new_diagnosis()
            self._find_losses(snapshot.problem)
        self.frames += 1
        probe, truth = self._chosen(viewer.problem)
        frame = viewer.frame(snapshot, probe)
        self._add_facts(frame, viewer)
        if probe is not None:
            frame.facts["probe"] = probe.tolist()
        if truth is not None:
            frame.facts["truth"] = truth
        self._diagnosis.follow(snapshot, viewer)
        return frame.pack()

    def _chosen(self, problem: Problem | None) -> tuple[Array | None, float | str | None]:
        """Return the row to send through a network of these rows, and its target if it has one.

        A number chosen for other rows means the row of that number now, if there is one.
        """
        if problem is None:
            return None, None
        if self._row is not None and self._row < len(problem.x_test):
            return problem.x_test[self._row], _target(problem, problem.y_test[self._row])
        fits = self._point is not None and len(self._point) == problem.x_test.shape[1]
        return (self._point if fits else None), None

    def _find_losses(self, problem: Problem | None) -> None:
        """Find the losses that the page offers, which depend on what the targets are."""
        if isinstance(self.director, Session) and problem is not None:
            kind = (problem.class_names, problem.y_train.shape[1:])
            if kind != self._kind:
                self._kind = kind
                self._losses = ["auto", *networks.losses_for(problem)]

    def _new_diagnosis(self) -> _Diagnosis:
        return _Diagnosis(3.0 if isinstance(self.director, Session) else 30.0)

    def _add_facts(self, frame: Frame, viewer: Viewer) -> None:
        problem, facts = viewer.problem, frame.facts
        if isinstance(self.director, Session):
            facts["settings"] = asdict(self.director.chosen)
            facts["losses"] = self._losses
        facts["findings"] = self._diagnosis.findings
        if problem is not None:
            facts["rows"] = [len(problem.x_train), len(problem.x_test)]
            facts["classes"] = problem.class_names
            facts["largest"] = problem.largest

    def _facts(self) -> dict[str, Any]:
        """Return what a page needs to know before the first frame."""
        director = self.director
        facts: dict[str, Any] = {"title": self.title, "watch": not isinstance(director, Session)}
        if isinstance(director, Session):
            facts["fixed"] = director.fixed is not None
            facts["choices"] = {
                "data": [settings.OWN] if director.own else [*TOYS, settings.DIGITS],
                "activation": settings.activations(),
                "normalization": [*settings.norms()],
                "penalty": settings.penalties(),
                "optimizer": [names[0] for names in OPTIMIZERS.names()],
            }
            facts["most"] = [settings.MOST_LAYERS, settings.MOST_UNITS]
        return facts


def _numbers(values: Any) -> Array | None:
    """Return a list of numbers as an array, None if it is none."""
    try:
        numbers = np.array(values, np.float64)
    except (TypeError, ValueError):
        return None
    is_row = numbers.ndim == 1 and bool((np.abs(numbers) < _LARGEST).all())
    return numbers if is_row else None


def _target(problem: Problem, y: Array) -> float | str | None:
    """Return the target of a row: its class by name, or its number; None of several numbers."""
    if problem.class_names is not None:
        return problem.class_names[int(np.argmax(y) if np.size(y) > 1 else np.ravel(y)[0])]
    return float(np.ravel(y)[0]) if np.size(y) == 1 else None


def model_file(model: Sequential) -> bytes:
    """Return the content of the file that a model is saved in."""
    file = io.BytesIO()
    model.save(file)
    return file.getvalue()


class _Diagnosis:
    """What `diagnose` says of a network, found in a thread of its own, again and again."""

    MOST_ROWS = 300

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds  # from one to the next
        self.findings: list[dict[str, str]] = []
        self._due = time.monotonic() + 1.0
        self._busy = threading.Lock()
        self._number = 0

    def follow(self, snapshot: Snapshot, viewer: Viewer) -> None:
        """Look at a snapshot, unless that was done a moment ago."""
        now = time.monotonic()
        if viewer.problem is None or now < self._due or not self._busy.acquire(blocking=False):
            return
        self._due = now + self.seconds
        network = copy_network(viewer.network)
        rows = tuple(part[: self.MOST_ROWS] for part in viewer.train)
        thread = threading.Thread(
            target=self._look, args=(network, rows), name="ffnn-play-diagnose", daemon=True
        )
        thread.start()

    def _look(self, network: Any, rows: tuple[Array, Array]) -> None:
        try:
            found = diagnose(network, *rows)
            self.findings = [
                {
                    "severity": finding.severity,
                    "title": finding.title,
                    "message": finding.message,
                    "remedy": finding.remedy,
                }
                for finding in found
            ]
        finally:
            self._busy.release()
