"""The page in a browser: every control does what it says, and what is shown is what is there."""

import contextlib
import json
import math
import threading
import time

import numpy as np
import pytest
from play_tools import now, wait_for

pytest.importorskip("bokeh", reason="needs Bokeh: pip install 'ffnn[html]'")

import ffnn
from ffnn.callbacks import Watch
from ffnn.datasets import make_toy
from ffnn.layers import Dense
from ffnn.play.hub import Hub
from ffnn.play.server import Server

SECONDS = 30


class Opened:
    """A page with its session; whatever goes wrong in the browser is kept."""

    def __init__(self, session, server, page):
        self.session, self.server, self.page, self.problems = session, server, page, []
        page.set_default_timeout(1000 * SECONDS)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", self.listen)
        page.on("request", self.look_at)
        page.goto(server.url)
        page.wait_for_function("window.ffnnPlay && ffnnPlay.frame")

    def listen(self, message):
        if message.type in ("error", "warning"):
            self.problems.append(message.text)

    def look_at(self, request):
        if not request.url.startswith((self.server.url, "data:", "blob:")):
            self.problems.append(f"request of {request.url}")

    def text(self, selector):
        return self.page.text_content(selector).strip()

    def shows(self, condition):
        self.page.wait_for_function(condition)

    def rows(self, name):
        """Return an array of the frame that is shown."""
        found = self.page.evaluate(
            "(name) => { const a = ffnnPlay.frame.arrays[name]; return [[...a.values], a.shape] }",
            name,
        )
        return np.array(found[0]).reshape(found[1])


@pytest.fixture
def open_page(start, browser):
    """Return a function that opens the page of a session."""
    opened, servers, contexts = [], [], []

    def open_page(*given, width=1400, height=900, scheme="light", **settings):
        session = start(*given, **settings)
        server = Server(Hub(session, 0.02, "ffnn play"), 5700)
        server.start()
        servers.append(server)
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        contexts.append(context)
        opened.append(Opened(session, server, context.new_page()))
        return opened[-1]

    yield open_page
    for context in contexts:
        context.close()
    for server in servers:
        server.stop()
    assert [problem for each in opened for problem in each.problems] == []


def settings(opened):
    now(opened.session)
    return opened.session.chosen


def test_run_pause_one_batch_one_epoch_and_reset(open_page):
    opened = open_page()
    page, session = opened.page, opened.session
    page.select_option("#speed", "")
    page.click("#batch")
    opened.shows("document.getElementById('updates').textContent === '1'")
    page.click("#epoch")
    opened.shows("document.getElementById('epochs').textContent === '1'")
    page.click("#run")
    opened.shows("document.getElementById('run').textContent === 'Pause'")
    opened.shows("ffnnPlay.frame.facts.updates > 100")
    page.click("#run")
    opened.shows("document.getElementById('run').textContent === 'Run'")
    assert now(session).state == "paused"
    page.click("#reset")
    opened.shows("document.getElementById('updates').textContent === '0'")
    assert now(session).updates == 0


def test_what_is_shown_is_what_the_model_has(open_page):
    opened = open_page(hidden=[[5, "relu"], [3, "tanh"]])
    opened.page.click("#epoch")
    opened.shows("ffnnPlay.frame.facts.epoch === 1 && ffnnPlay.frame.facts.state === 'paused'")
    model = opened.session.trained
    problem = opened.session.problem

    for k, layer in enumerate(model.layers, start=1):
        np.testing.assert_array_equal(opened.rows(f"weight/{k}"), layer.params["weight"])
        np.testing.assert_array_equal(opened.rows(f"bias/{k}"), layer.params["bias"])
        np.testing.assert_array_equal(opened.rows(f"gradient/{k}"), layer.grads["weight"])
    measured = model.evaluate(problem.x_test, problem.y_test, return_dict=True)
    assert opened.text("#test-loss") == f"{measured['loss']:.4g}".ljust(6, "0")
    assert float(opened.text("#test-metric")) == pytest.approx(measured["accuracy"], abs=5e-4)
    opened.page.click("#table summary")
    opened.shows("document.querySelector('#table td')")
    cells = opened.page.locator("#table table").first.locator("td").all_text_contents()
    first = model.layers[0].params
    expected = np.column_stack([first["weight"], first["bias"]]).ravel()
    assert [float(cell.replace("—", "nan")) for cell in cells] == pytest.approx(expected, rel=1e-3)


SETTINGS = {
    "data": ("spiral", "spiral"),
    "noise": ("0.3", 0.3),
    "test_share": ("0.5", 0.5),
    "learning_rate": ("0.125", 0.125),
    "batch_size": ("17", 17),
    "optimizer": ("sgd", "sgd"),
    "loss": ("mean_squared_error", "mean_squared_error"),
    "seed": ("5", 5),
    "normalization": ("batch", "batch"),
    "dropout": ("0.2", 0.2),
    "penalty": ("l2", "l2"),
    "strength": ("0.5", 0.5),
}


def test_each_setting_makes_what_it_says(open_page):
    opened = open_page()
    for name, (value, expected) in SETTINGS.items():
        place = opened.page.locator(f"#{name}")
        if place.evaluate("each => each.tagName") == "SELECT":
            place.select_option(value)
        else:
            place.fill(value)
            place.dispatch_event("change")
        opened.shows(f"ffnnPlay.frame.facts.settings.{name} === {json.dumps(expected)}")
        assert getattr(settings(opened), name) == expected


def test_layers_and_units_are_added_and_removed(open_page):
    opened = open_page()
    page = opened.page
    page.click("#add-layer")
    opened.shows("ffnnPlay.frame.facts.settings.hidden.length === 3")
    page.click("#units-more-1")
    opened.shows("ffnnPlay.frame.facts.settings.hidden[0][0] === 5")
    page.click("#units-fewer-2")
    opened.shows("ffnnPlay.frame.facts.settings.hidden[1][0] === 2")
    page.select_option("#activation-1", "relu")
    opened.shows("ffnnPlay.frame.facts.settings.hidden[0][1] === 'relu'")
    page.click("#remove-layer")
    opened.shows("ffnnPlay.frame.facts.settings.hidden.length === 2")

    assert settings(opened).hidden == ((5, "relu"), (2, "tanh"))


PLACE_OF_AN_EDGE = """() => {
  const edge = ffnnPlay.graph.edges.find((each) => each.k === 3), half = ffnnPlay.graph.size / 2;
  const box = document.getElementById("graph").getBoundingClientRect();
  const x = 0.75 * (edge.from.x + half) + 0.25 * (edge.to.x - half);
  return [box.left + x, box.top + 0.75 * edge.from.y + 0.25 * edge.to.y];
}"""


def test_an_edge_is_dragged_the_loss_follows_and_undo_takes_it_back(open_page):
    opened = open_page()
    page, session = opened.page, opened.session
    before = session.latest.values
    x, y = page.evaluate(PLACE_OF_AN_EDGE)
    page.mouse.move(x, y)
    assert "→" in opened.text("#hover")
    page.mouse.down()
    page.mouse.move(x + 20, y)
    page.mouse.move(x + 80, y)
    page.mouse.up()
    wait_for(lambda: now(session).edits == 1)
    opened.shows("document.getElementById('touch-delta').textContent.startsWith('Δ')")

    changed = np.flatnonzero(now(session).values != before)
    assert len(changed) == 1
    assert session.latest.values[changed[0]] == pytest.approx(before[changed[0]] + 1.6, abs=1e-5)
    page.click("#undo")
    wait_for(lambda: now(session).edits == 0)
    np.testing.assert_array_equal(session.latest.values, before)


def test_a_number_is_chosen_and_typed_without_a_mouse(open_page):
    opened = open_page()
    page, session = opened.page, opened.session
    page.select_option("#touch-layer", "2")
    page.select_option("#touch-unit", "1")
    page.select_option("#touch-source", "-1")
    page.fill("#touch-value", "2.5")
    page.keyboard.press("Enter")
    wait_for(lambda: now(session).edits == 1)
    assert session.trained.layers[1].params["bias"][1] == 2.5
    page.select_option("#touch-source", "3")
    page.focus("#touch-slider")
    page.keyboard.press("End")
    wait_for(lambda: now(session).edits == 2)
    assert session.trained.layers[1].params["weight"][1, 3] == 3.0


def test_a_neuron_is_switched_off_and_on(open_page):
    opened = open_page()
    page, session = opened.page, opened.session
    page.select_option("#touch-layer", "1")
    page.select_option("#touch-unit", "2")
    weight = session.trained.layers[1].params["weight"]
    before = weight.copy()
    page.check("#switch-off")
    wait_for(lambda: now(session).off == {(1, 2)})
    assert not weight[:, 2].any()
    page.click("#epoch")
    wait_for(lambda: now(session).epoch == 1)
    assert not weight[:, 2].any()
    page.uncheck("#switch-off")
    wait_for(lambda: not now(session).off)
    np.testing.assert_array_equal(weight[:, 2], before[:, 2])


def test_a_layer_is_frozen(open_page):
    opened = open_page()
    opened.page.check("#freeze-2")
    wait_for(lambda: now(opened.session).frozen == {"dense_2"})
    opened.page.uncheck("#freeze-2")
    wait_for(lambda: not now(opened.session).frozen)


def test_a_point_is_sent_through_the_network(open_page):
    opened = open_page()
    opened.page.fill("#row", "7")
    opened.page.dispatch_event("#row", "change")
    opened.shows("ffnnPlay.frame.facts.answer")
    problem, model = opened.session.problem, opened.session.trained
    expected = model.predict(problem.x_test[7:8])[0]

    np.testing.assert_allclose(opened.rows("probe/3"), expected, rtol=1e-6)
    np.testing.assert_allclose(opened.rows("probe/0"), problem.x_test[7].astype("f4"), rtol=1e-6)
    shown = opened.page.locator("#answer .value").all_text_contents()
    assert shown == [f"{100 * value:.1f} %" for value in expected]
    opened.page.click("#next-row")
    opened.shows("document.getElementById('row').value === '8'")


def test_a_tap_on_the_plane_sends_that_point_through_the_network(open_page):
    opened = open_page()
    page, model, points = opened.page, opened.session.trained, []
    figure = page.locator("#plane-part .bk-Figure")
    opened.shows("models.plane.inner_width > 100")  # it is laid out
    failed = pytest.importorskip("playwright.sync_api").TimeoutError
    probe = "(ffnnPlay.frame.facts.probe ?? []).join()"

    def is_sent(across, down, before):  # a click that lasts long on a busy machine is no tap
        box = figure.bounding_box()
        figure.click(position={"x": across * box["width"], "y": down * box["height"]})
        with contextlib.suppress(failed):
            page.wait_for_function(f"(before) => {probe} !== before", arg=before, timeout=3000)
        return page.evaluate(probe) != before

    for across, down in ((0.5, 0.6), (0.8, 0.3)):
        before = page.evaluate(probe)
        wait_for(lambda place=(across, down, before): is_sent(*place))
        points.append(page.evaluate("ffnnPlay.frame.facts.probe"))
        expected = model.predict(np.array([points[-1]]))[0]
        np.testing.assert_allclose(opened.rows("probe/3"), expected, rtol=1e-5)

    left, right, low, high = page.evaluate("ffnnPlay.frame.facts.plane")
    moved = [(points[1][0] - points[0][0]) / (right - left)]
    moved.append((points[1][1] - points[0][1]) / (high - low))
    assert moved == pytest.approx([0.3, 0.3], abs=0.08)  # of the figure, which has axes too
    assert page.input_value("#row") == ""


def test_a_neuron_is_chosen_by_a_click(open_page):
    opened = open_page()
    page = opened.page
    x, y = page.evaluate("[ffnnPlay.graph.nodes[2][1].x, ffnnPlay.graph.nodes[2][1].y]")
    box = page.locator("#graph").bounding_box()
    page.mouse.click(box["x"] + x, box["y"] + y)

    opened.shows("document.getElementById('touch-layer').value === '2'")
    assert page.input_value("#touch-unit") == "1"
    assert opened.text("#hover").startswith("dense_2 1")


def test_each_speed_is_kept_to(open_page):
    opened = open_page()
    page, session = opened.page, opened.session
    for value, pace in (("1", 1), ("100", 100), ("1000", 1000), ("", math.inf), ("10", 10)):
        page.select_option("#speed", value)
        wait_for(lambda expected=pace: session._pace == expected)
    begin = time.monotonic()
    page.click("#run")
    opened.shows("ffnnPlay.frame.facts.updates >= 5")
    page.click("#run")
    wait_for(lambda: now(session).state == "paused")

    assert 5 <= session.latest.updates <= 10 * (time.monotonic() - begin) + 2


def test_a_watched_training_is_paused_slowed_and_stopped_on_its_page(browser):
    x, y = make_toy("moons", rows=100)
    model = ffnn.Sequential([Dense(4, "relu"), Dense(2, "softmax")], input_dim=2, seed=0)
    model.compile(loss="categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    watch = Watch((x, y), seconds=0.05, port=5850)
    training = threading.Thread(
        target=lambda: model.fit(x, y, epochs=10**6, verbose=0, callbacks=[watch]), daemon=True
    )
    training.start()
    page = browser.new_page()
    try:
        wait_for(lambda: watch.url)
        page.goto(watch.url)
        page.wait_for_function("window.ffnnPlay && ffnnPlay.frame?.facts.epoch > 1")
        page.click("#run")
        wait_for(lambda: watch.state == "paused")
        before = watch.latest.updates
        page.click("#batch")
        wait_for(lambda: watch.latest.updates == before + 1)
        assert not any(
            page.is_visible(f"#{name}") for name in ("data", "reset", "undo", "add-layer", "loss")
        )
        page.fill("#learning_rate", "0.25")
        page.dispatch_event("#learning_rate", "change")
        wait_for(lambda: model.optimizer.learning_rate == 0.25)
        page.click("#stop")
        page.wait_for_function("ffnnPlay.frame.facts.state === 'finished'")
        training.join(SECONDS)
        assert not training.is_alive()
        shown = page.evaluate("[...ffnnPlay.frame.arrays['weight/1'].values]")
        assert shown == model.layers[0].params["weight"].ravel().tolist()
        assert page.is_disabled("#run")
    finally:
        watch.send({"do": "stop"})
        page.close()
        watch.stop()


def test_a_digit_is_drawn_and_wrong_rows_are_shown(open_page):
    opened = open_page(data="digits", hidden=[[8, "relu"]])
    page = opened.page
    page.click("#epoch")
    opened.shows("ffnnPlay.frame.facts.epoch === 1")
    opened.shows("document.querySelectorAll('#wrong button').length > 0")
    page.click("#wrong button")
    opened.shows("document.getElementById('row').value !== ''")
    model, problem = opened.session.trained, opened.session.problem
    row = int(page.input_value("#row"))
    answer = model.predict(problem.x_test[row : row + 1])[0]
    assert answer.argmax() != problem.y_test[row]
    page.click("#clear-pad")
    opened.shows("ffnnPlay.frame.facts.probe?.every((value) => value === 0)")
    box = page.locator("#pad").bounding_box()
    page.mouse.move(box["x"] + 80, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 80, box["y"] + 140, steps=8)
    page.mouse.up()
    opened.shows("ffnnPlay.frame.facts.probe?.some((value) => value > 8)")
    drawn, answer = page.evaluate(
        "[ffnnPlay.frame.facts.probe, [...ffnnPlay.frame.arrays['probe/2'].values]]"
    )
    expected = model.predict(np.array([drawn]))[0]
    np.testing.assert_allclose(answer, expected, rtol=1e-5, atol=1e-12)


def test_everything_is_saved(open_page, tmp_path):
    opened = open_page(hidden=[[3, "relu"]])
    page = opened.page
    page.click("#epoch")
    opened.shows("ffnnPlay.frame.facts.epoch === 1")
    paths = {}
    for name in ("model", "code", "picture", "settings"):
        with page.expect_download() as download:
            page.click(f"#save-{name}")
        paths[name] = tmp_path / download.value.suggested_filename
        download.value.save_as(paths[name])

    model = ffnn.load_model(paths["model"])
    np.testing.assert_array_equal(model.parameters, opened.session.trained.parameters)
    names = {}
    exec(paths["code"].read_text(encoding="utf-8"), names)
    np.testing.assert_array_equal(names["model"].parameters, model.parameters)
    assert paths["picture"].read_bytes().startswith(b"\x89PNG")
    page.click("#add-layer")
    opened.shows("ffnnPlay.frame.facts.settings.hidden.length === 2")
    page.set_input_files("#load-settings", paths["settings"])
    opened.shows("ffnnPlay.frame.facts.settings.hidden.length === 1")
    wrong = tmp_path / "wrong.json"
    wrong.write_text("[1, 2", encoding="utf-8")
    page.set_input_files("#load-settings", wrong)
    opened.shows("document.getElementById('message').textContent.startsWith('Load settings')")


def test_edges_show_gradients(open_page):
    opened = open_page()
    opened.page.click("#batch")
    opened.shows("ffnnPlay.frame.arrays['gradient/1']")
    opened.page.select_option("#edges", "gradient")

    value = opened.page.evaluate("ffnnPlay.graph.edges[0].value")
    assert value == opened.session.trained.layers[0].grads["weight"][0, 0]


def test_a_diverged_training_is_said_on_the_page(open_page):
    opened = open_page(data="plane", optimizer="sgd", learning_rate=50.0)
    opened.page.click("#run")
    opened.shows("document.getElementById('message').textContent.includes('training diverged')")
    assert opened.page.is_disabled("#run")


def test_what_diagnose_says_appears(open_page):
    opened = open_page(optimizer="sgd", learning_rate=1e-6)
    opened.page.click("#run")
    opened.shows("document.querySelectorAll('#findings .found').length > 0")
    assert "learning rate" in opened.text("#findings").lower()


def test_several_tabs_show_the_same_and_a_closed_one_changes_nothing(open_page, browser):
    opened = open_page()
    other = browser.new_page()
    other.goto(opened.server.url)
    other.wait_for_function("ffnnPlay.frame")
    other.click("#run")
    opened.shows("ffnnPlay.frame.facts.updates > 20")
    other.close()
    before = now(opened.session).updates
    wait_for(lambda: now(opened.session).updates > before)
    wait_for(lambda: len(opened.server.hub.tabs) == 1)


def test_a_page_whose_program_has_ended_says_so(open_page):
    opened = open_page()
    opened.server.stop()

    opened.shows("document.getElementById('message').textContent.includes('no longer connected')")
    assert opened.page.is_disabled("#run")
    opened.problems.clear()  # as the browser complains that it is alone


@pytest.mark.parametrize(
    "text", ["{}", "[1]", '"x"', '{"ffnn play": 3}', '{"ffnn play": [1]}', "x"]
)
def test_files_that_are_no_settings_are_refused_in_plain_words(open_page, text):
    opened = open_page()
    opened.page.set_input_files(
        "#load-settings",
        {"name": "x.json", "mimeType": "application/json", "buffer": text.encode()},
    )

    opened.shows("document.getElementById('message').textContent.includes('has saved')")


def test_an_empty_field_is_said_by_its_name(open_page):
    opened = open_page()
    opened.page.fill("#learning_rate", "")
    opened.page.keyboard.press("Tab")

    opened.shows("document.getElementById('message').textContent.startsWith('Learning rate: ')")


def test_losses_are_offered_that_the_targets_take(open_page):
    opened = open_page()
    page = opened.page
    page.select_option("#data", "plane")
    opened.shows("ffnnPlay.frame.facts.settings.data === 'plane'")
    offered = page.eval_on_selector_all("#loss option", "all => all.map((each) => each.value)")

    assert {"auto", "mean_absolute_error", "huber"} <= {*offered}
    assert not any("crossentropy" in name for name in offered)
    assert "1 unit" in page.locator("#layers > div").last.text_content()
    assert "1 units" not in page.locator("#layers > div").last.text_content()


def test_pictures_follow_the_theme_while_nothing_moves(open_page):
    opened = open_page(data="digits")
    opened.page.locator("#wrong button").first.wait_for()
    pictures = """() => [..."#wrong canvas, #pad".split(", ")].map(
        (each) => document.querySelector(each).toDataURL())"""
    light = opened.page.evaluate(pictures)
    opened.page.emulate_media(color_scheme="dark")

    opened.page.wait_for_function(
        f"(light) => ({pictures})().every((each, i) => each !== light[i])", arg=light
    )


@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (1920, "dark"), (390, "light")])
def test_nothing_is_wider_than_the_window_and_every_control_has_a_name(open_page, width, scheme):
    opened = open_page(width=width, scheme=scheme)

    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    nameless = opened.page.evaluate(
        "[...document.querySelectorAll('button, select, input, a, canvas')].filter((each) =>"
        " each.offsetParent && !each.ariaLabel && !each.labels?.length && !each.textContent.trim())"
        ".map((each) => each.outerHTML)"
    )
    assert nameless == []
