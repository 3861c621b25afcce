"""What the tests of the live page share."""

import time


def wait_for(condition, seconds=20.0):
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def now(session):
    """Return a snapshot that is taken after all that was sent before."""
    session.ask(session.publish).result(20)
    return session.latest
