"""The pages of `ffnn play` and `Watch`, for those who cannot see them or use a mouse."""

import pytest
from accessibility import barriers

pytest.importorskip("bokeh", reason="needs Bokeh: pip install 'ffnn[html]'")

import ffnn
from ffnn.callbacks import Watch
from ffnn.layers import Dense
from ffnn.play.hub import Hub
from ffnn.play.server import Server


@pytest.fixture
def opened(browser):
    """Return a function that opens an address and waits for the first frame."""
    contexts = []

    def open_address(address):
        contexts.append(browser.new_context())
        page = contexts[-1].new_page()
        page.goto(address)
        page.wait_for_function("window.ffnnPlay && ffnnPlay.frame")
        return page

    yield open_address
    for context in contexts:
        context.close()


@pytest.fixture
def served(start, opened):
    """Return a function that opens the page of a session of some settings."""
    servers = []

    def serve(**settings):
        servers.append(Server(Hub(start(**settings), 0.02, "ffnn play"), 6200))
        servers[-1].start()
        return opened(servers[-1].url)

    yield serve
    for server in servers:
        server.stop()


CASES = {
    "two inputs": {},
    "numbers": {"data": "plane", "hidden": [[4, "relu"]] * 6},
    "pictures": {"data": "digits", "hidden": [[16, "relu"], [20, "relu"]]},
}


@pytest.mark.parametrize("name", CASES)
def test_axe_finds_nothing_on_the_page_of_play(served, name):
    page = served(**CASES[name])
    page.click("#epoch")
    page.fill("#row", "7")
    page.dispatch_event("#row", "change")
    page.wait_for_function("ffnnPlay.frame.facts.epoch === 1 && ffnnPlay.frame.facts.answer")
    if name == "two inputs":  # as axe takes long over a table of thousands of numbers
        page.click("#table summary")
        page.wait_for_function("document.querySelector('#table td')")

    assert barriers(page) == []


def test_axe_finds_nothing_where_the_training_diverged(served):
    page = served(data="plane", optimizer="sgd", learning_rate=50.0)
    page.click("#run")
    page.wait_for_function("document.getElementById('message').textContent.includes('diverged')")

    assert barriers(page) == []


@pytest.mark.parametrize("are_shown", [True, False])
def test_axe_finds_nothing_on_the_page_of_watch(opened, are_shown):
    (x, y), _ = ffnn.datasets.load_digits()
    model = ffnn.Sequential([Dense(8, "relu"), Dense(10, "softmax")], input_dim=64, seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    watch = Watch((x[:50], y[:50]) if are_shown else None, port=6300)
    try:
        model.fit(x[:200], y[:200], epochs=2, verbose=0, callbacks=[watch])
        assert barriers(opened(watch.url)) == []
    finally:
        watch.stop()
