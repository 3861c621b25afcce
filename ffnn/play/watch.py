"""`Watch`: the page over a training that somebody else has begun."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ffnn.callbacks import Logs
from ffnn.core.checks import check_int, check_items, check_number
from ffnn.core.text import counted
from ffnn.play.director import Director
from ffnn.play.problems import Problem, class_names_of
from ffnn.play.server import FIRST_PORT, Server, require_bokeh, serve
from ffnn.play.snapshot import DIVERGED, FINISHED, RUNNING

_MOST_ROWS = 1_000


class _Rows(tuple[Any, ...]):
    """Rows and their targets, of which a message shows the number."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{counted(np.shape(self[0])[0], 'row')}>"


class Watch(Director):
    """Show a training on a page of this machine while it runs.

    The page shows the network with its weights and gradients, the curves and how large the updates
    are; its address is printed when the training begins. There it can be paused, stopped at the end
    of an epoch, and its learning rate be set. Whether pages are open or closed changes nothing else
    in the training, and nothing is computed for a page that nobody looks at. After the training it
    stays while it is open, and for two minutes more. Needs Bokeh (the extra ``ffnn[html]``).

    Parameters
    ----------
    rows : (x, y), optional
        Rows with targets, such as those for validation, of which up to 1,000 are shown: for two
        inputs what the neurons put out, for pictures the wrong answers, and what `diagnose` says.
    seconds : float, default 2.0
        Between two frames, at least.
    port : int, default 5006
        The first port to try; if it is in use, the next free one is taken.

    Attributes
    ----------
    url : str
        The address of the page, once the training has begun.

    Raises
    ------
    TypeError, ValueError
        An argument is out of range.
    ImportError
        Bokeh is not installed, which is said when the training begins.

    Examples
    --------
    >>> from ffnn.callbacks import Watch
    >>> watch = Watch(seconds=1.0)
    >>> model.fit(x, y, epochs=100, callbacks=[watch])  # doctest: +SKIP
    watch it at http://127.0.0.1:5006/.../
    """

    is_onlooker = True
    refused = ("edit", "undo", "switch", "freeze")  # as that would be another training

    def __init__(
        self,
        rows: tuple[Any, ...] | None = None,
        seconds: float = 2.0,
        port: int = FIRST_PORT,
    ) -> None:
        super().__init__(runs=True)
        self.rows = None if rows is None else _Rows(check_items("Watch", "rows", rows))
        self.seconds = check_number("Watch", "seconds", seconds, low=0.02, high=60.0)
        self.port = check_int("Watch", "port", port, low=1, high=(1 << 16) - 1)
        if self.rows is not None and len(self.rows) != 2:
            raise ValueError(f"Watch: rows must be a pair (x, y), got {len(self.rows)} items")
        self.url = ""
        self._server: Server | None = None

    def __reduce__(self) -> Any:
        """Make copies, and those of a pickle, new ones without a page."""
        return type(self), (self.rows, self.seconds, self.port)

    def on_train_begin(self, logs: Logs) -> None:
        """Open the page, unless an earlier training has done so."""
        require_bokeh()
        self.state, self.message = RUNNING, ""
        self.edits = None
        self.problem = self._rows()
        super().on_train_begin(logs)
        if self._server is None or not self._server.is_open:
            self._server = serve(
                self, self.seconds, "A network in training", self.port, browser=False, may_end=True
            )
            self.url = self._server.url

    def close(self) -> None:
        """Say if the training ended by an error; the page stays while anybody looks at it."""
        if self.state != FINISHED:
            self.end(DIVERGED, f"The training has ended: {sys.exc_info()[1] or 'interrupted'}")

    def stop(self) -> None:
        """Close the page."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    # -- commands ------------------------------------------------------------------------------

    def do_stop(self) -> None:
        """End the training after the epoch."""
        self.model.stop_training = True
        self._go("")
        self.message = "The training ends after this epoch."
        self.publish()

    # -- rows ----------------------------------------------------------------------------------

    def _rows(self) -> Problem | None:
        """Return the rows to show."""
        if self.rows is None:
            return None
        x, y = (np.asarray(each[:_MOST_ROWS]) for each in self.rows)
        self.model.open_examples(x, y, measured=False)  # which must fit
        return Problem(
            x,
            y,
            x,
            y,
            class_names_of(self.model),
            self.model.feature_names,
            largest=float(x.max(initial=0)) if x.dtype.kind == "u" else 0.0,
            is_measured=False,
        )
