"""Sessions and servers that end with the test."""

import pytest
from play_tools import wait_for

from ffnn.play.session import Session
from ffnn.play.settings import Settings


@pytest.fixture
def start():
    """Return a function that starts a session of some settings."""
    sessions = []

    def start(*given, **settings):
        session = Session(Settings(**settings), *given)
        sessions.append(session)
        session.start()
        wait_for(lambda: session.latest is not None)
        return session

    yield start
    for session in sessions:
        session.stop()
