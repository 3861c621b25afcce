"""`Sequential.play`: the page of a network and rows that were given."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ffnn.charts.html import escape
from ffnn.core.checks import check_int
from ffnn.play.problems import class_names_of, own_problem
from ffnn.play.server import FIRST_PORT, serve
from ffnn.play.session import Session, settings_of
from ffnn.sequential import Sequential
from ffnn.training.loop import check_trained

FRAME_SECONDS = 0.03  # between two frames, at least


class Page:
    """A page that is open for a network in training.

    Parameters
    ----------
    session : Session
        What trains it.
    title : str
        The page's heading.
    port : int, default 5006
        The first port to try.
    browser : bool, default True
        Whether to open the page in a browser, if there is one.

    Attributes
    ----------
    url : str
        Its address.
    """

    def __init__(
        self, session: Session, title: str, port: int = FIRST_PORT, *, browser: bool = True
    ) -> None:
        self.session = session
        self._server = serve(session, FRAME_SECONDS, title, port, browser=browser)
        self.url = self._server.url
        session.start()

    @property
    def model(self) -> Sequential:
        """The network as it is trained now."""
        return self.session.trained

    def wait(self) -> None:
        """Wait for Ctrl-C."""
        self._server.wait()

    def stop(self) -> None:
        """End the training and the page."""
        self._server.stop()
        self.session.stop()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self.url}>"

    def _repr_html_(self) -> str:
        return (
            f'<a href="{escape(self.url)}" target="_blank" rel="noreferrer">{escape(self.url)}</a>'
        )


def play(model: Sequential, x: Any, y: Any, port: int = FIRST_PORT) -> Page:
    """Show a page on which a copy of `model` trains; `Sequential.play` says more."""
    port = check_int("play", "port", port, low=1, high=(1 << 16) - 1)
    model.require_compiled()
    problem = own_problem(x, y)
    model.open_examples(np.asarray(x), np.asarray(y))  # which must fit, in the order of the user's
    model.build(problem.x_train.shape[1])
    check_trained(model.layers)
    problem = problem._replace(class_names=class_names_of(model), feature_names=model.feature_names)
    page = Page(Session(settings_of(model), problem, model), "A network in training", port)
    if "ipykernel" in sys.modules:
        return page
    page.wait()
    page.stop()
    return page
