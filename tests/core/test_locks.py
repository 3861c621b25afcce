"""A lock that other threads hold does not stop a forked child."""

import os
import threading

import numpy as np
import pytest

import ffnn
from ffnn.core.locks import ForkSafeLock
from ffnn.initializers import Zeros
from ffnn.layers import Dense

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
]


def exit_code_of_child(action):
    """Fork, run `action` in the child, and return 0 if it is done within 30 seconds."""
    child = os.fork()
    if child == 0:
        done = threading.Event()
        threading.Thread(target=lambda: (action(), done.set()), daemon=True).start()
        os._exit(0 if done.wait(30) else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Waiting(Zeros):
    """An initializer that says that the model is being built, and waits."""

    def __init__(self):
        super().__init__()
        self.begun, self.ready = threading.Event(), threading.Event()

    def get_config(self):
        return {}

    def fill(self, *arguments):
        self.begun.set()
        assert self.ready.wait(60)
        super().fill(*arguments)


@pytest.mark.parametrize("use", ["predict", "fit"])
def test_a_child_forked_while_another_thread_builds_the_model_can_use_it(use):
    waiting = Waiting()
    model = ffnn.Sequential([Dense(1, weight_initializer=waiting)], seed=0)
    model.compile()
    x = np.ones((2, 3))
    builder = threading.Thread(target=model.predict, args=(x,))
    builder.start()
    assert waiting.begun.wait(60)

    def act():
        waiting.ready.set()
        if use == "predict":
            assert model.predict(x).shape == (2, 1)
        else:
            model.fit(x, x[:, :1], verbose=0)

    try:
        assert exit_code_of_child(act) == 0
    finally:
        waiting.ready.set()
        builder.join()
    assert model.is_built


def test_a_lock_held_by_another_thread_is_free_in_the_child():
    lock, held, leave = ForkSafeLock(), threading.Event(), threading.Event()

    def hold():
        with lock:
            held.set()
            leave.wait(60)

    def enter():
        with lock:
            pass

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(60)
    try:
        assert exit_code_of_child(enter) == 0
    finally:
        leave.set()
        holder.join()


def test_a_lock_keeps_other_threads_out_and_lets_its_own_in_again():
    lock, entered = ForkSafeLock(), []
    with lock, lock:
        other = threading.Thread(target=lambda: entered.append(lock.__enter__()))
        other.start()
        other.join(0.1)
        assert entered == []
    other.join(30)
    assert entered == [None]
