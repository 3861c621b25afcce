"""Signals that wait: none is lost, and handlers are put back."""

import signal
import threading
import weakref

import pytest

from ffnn.core.signals import signals_held


@pytest.fixture(autouse=True)
def _python_handles_ctrl_c():
    """Ctrl-C may be ignored where the tests run, as in a background job."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Anything:
    """What a weak reference can point to."""


def interrupt(*_):
    signal.raise_signal(signal.SIGINT)


def test_ctrl_c_waits_until_the_block_has_ended():
    steps = []

    def press():
        with signals_held():
            interrupt()
            steps.append("after")

    with pytest.raises(KeyboardInterrupt):
        press()

    assert steps == ["after"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_in_the_callback_of_a_weak_reference_is_not_swallowed():
    thing = Anything()
    kept = weakref.ref(thing, interrupt)

    with pytest.raises(KeyboardInterrupt), signals_held():
        del thing

    assert kept() is None


def test_a_second_ctrl_c_does_not_wait():
    steps = []

    def press_twice():
        with signals_held():
            interrupt()
            interrupt()
            steps.append("after")

    with pytest.raises(KeyboardInterrupt):
        press_twice()

    assert steps == []


def test_an_error_of_the_block_is_told_with_the_interrupt():
    def fail():
        with signals_held():
            interrupt()
            raise ValueError("no")

    with pytest.raises(KeyboardInterrupt) as caught:
        fail()

    assert isinstance(caught.value.__context__, ValueError)


def test_handlers_of_ones_own_are_called_once_and_put_back():
    calls = []

    def own(number, frame):
        calls.append(number)

    before = signal.signal(signal.SIGTERM, own)
    try:
        with signals_held(), signals_held():
            signal.raise_signal(signal.SIGTERM)
            assert calls == []
        assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)

    assert calls == [signal.SIGTERM]


@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.SIG_DFL])
def test_what_python_does_not_handle_stays_as_it_is(handler):
    signal.signal(signal.SIGINT, handler)

    with signals_held():
        assert signal.getsignal(signal.SIGINT) is handler


def test_another_thread_changes_no_handler():
    seen = []

    def hold():
        with signals_held():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=hold)
    thread.start()
    thread.join()

    assert seen == [signal.default_int_handler]
