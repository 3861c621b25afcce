"""The page in use: rows, phones, keys, colours, and what a screen reader finds."""

import numpy as np
import pytest
from accessibility import barriers

import ffnn
from ffnn.callbacks import Recorder
from ffnn.layers import Dense, Rescaling
from ffnn.visualization import page_states


@pytest.fixture
def open_page(open_file):
    def open_drawn(path, *window):
        page = open_file(path, *window)
        page.wait_for_selector("html[data-ready]", state="attached")
        return page

    return open_drawn


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Return a model that has learned digits, some rows, and its page."""
    (x, y), (x_test, y_test) = ffnn.datasets.load_digits()
    model = ffnn.Sequential(
        [Rescaling(1 / 16), Dense(32, "tanh"), Dense(10, "softmax")], input_dim=64, seed=0
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=4, verbose=0, callbacks=[Recorder(snapshots=1)])
    path = tmp_path_factory.mktemp("digits") / "net.html"
    model.save_graph(path, x_test[:40], y_test[:40])
    places = np.round(np.linspace(0, 39, 36)).astype(int)
    return model, x_test[places], y_test[places], path


@pytest.fixture(scope="module")
def flowers(tmp_path_factory):
    """Return a small model with names, rows, and its page."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((60, 4)), rng.integers(0, 3, 60)
    model = ffnn.Sequential([Dense(8, "tanh"), Dense(3, "softmax")], input_dim=4, seed=0)
    model.feature_names, model.class_names = ["a", "b", "c", "d"], ["red", "green", "blue"]
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=2, verbose=0, callbacks=[Recorder(snapshots=1)])
    path = tmp_path_factory.mktemp("flowers") / "net.html"
    model.save_graph(path, x[:5], y[:5])
    return model, x[:5], y[:5], path


def details(page):
    pane = page.locator("#details")
    terms, texts = pane.locator("dt").all_inner_texts(), pane.locator("dd").all_inner_texts()
    return dict(zip(terms, texts, strict=True))


def choose(page, text):
    page.fill("#query", text)
    page.press("#query", "Enter")


# -- rows ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("epoch", [0, 2, None])
def test_a_rows_activations_are_those_of_forward(digits, open_page, epoch):
    model, x, y, path = digits
    page = open_page(path)
    kept = model.parameters.copy()
    row = 7
    page.get_by_role("button", name=f"Row {row + 1}: {y[row]}", exact=True).click()
    if epoch is not None:
        page.evaluate(f"showState({epoch})")
        model.parameters[:] = model.recording.snapshots[epoch].weights
    output = model.forward(x[[row]])[0]
    hidden = model.layers[1].forward(x[[row]].astype(np.float32) / 16)[0]
    model.compute_gradients(x[[row]], y[[row]])
    slopes = model.layers[1].grads["bias"].copy()
    dense = model.layers[1].params
    inputs = x[row].astype(np.float32) / 16
    weights = {name: array.copy() for name, array in dense.items()}
    model.parameters[:] = kept

    assert page.locator("[aria-pressed=true]").count() == 1
    for unit in (3, 20):
        choose(page, f"dense_1 {unit}")
        found = details(page)
        assert float(found["output"]) == pytest.approx(hidden[unit], rel=1e-6)
        assert np.tanh(float(found["sum"])) == pytest.approx(hidden[unit], rel=1e-5)
        assert float(found["∂loss/∂sum"]) == pytest.approx(slopes[unit], rel=1e-4, abs=1e-9)
        contributions = weights["weight"][unit] * inputs
        ranked = np.sort(np.abs(np.append(contributions, weights["bias"][unit])))[::-1][:12]
        shown = page.locator(".ranked td:last-child").all_inner_texts()
        np.testing.assert_allclose(np.abs(np.array(shown, float)), ranked, rtol=1e-3)
    for unit in range(10):
        label = page.locator(f"g.node[data-column='2'][data-unit='{unit}']")
        texts = label.locator("text.name").all_text_contents()
        assert texts == [f"{'✓ ' if unit == y[row] else ''}{unit}", f"{output[unit]:.3f}"]
        bar, room = (
            float(label.locator(f"rect.{kind}").get_attribute("width")) for kind in ("bar", "room")
        )
        assert bar / room == pytest.approx(max(output[unit], 1 / room), abs=1e-3)
    answer = output.argmax()
    facts = page.locator("#row-facts").inner_text()
    assert facts.startswith(f"Row {row + 1}: {y[row]}, answered {answer} ({output[answer]:.3g}), ")
    assert facts.endswith(f"loss {-np.log(output[y[row]]):.3g}")


def test_edges_show_contributions_forward_and_slopes_backward(flowers, open_page):
    model, x, y, path = flowers
    page = open_page(path)
    first, second = (layer.params["weight"] for layer in model.layers)
    hidden = np.tanh(x[2] @ first.T + model.layers[0].params["bias"])
    model.compute_gradients(x[[2]], y[[2]])

    page.get_by_label("Row", exact=True).select_option("Row 3: " + model.class_names[y[2]])
    for mode, expected in (
        ("forward", second * hidden),
        ("backward", model.layers[1].grads["weight"]),
    ):
        page.locator(f"#modes input[value={mode}]").check(force=True)
        drawn = page.evaluate(
            """() => scene.edges.filter(({connection, source}) => connection === 1 && source >= 0)
                .map(({source, target, value}) => [source, target, value])"""
        )
        assert len(drawn) == 24
        for source, target, value in drawn:
            assert value == pytest.approx(expected[target, source], rel=1e-4, abs=1e-8)
    page.get_by_role("button", name="No row").click()
    assert page.locator("#modes input[value=weight]").is_checked()
    assert page.locator("#modes input[value=forward]").is_disabled()


def test_the_legend_names_the_colours_that_are_there(flowers, open_page):
    page = open_page(flowers[-1])
    legend = page.get_by_role("list", name="Colours")
    kinds = ["input", "bias", "neuron", "output", "above zero", "below zero"]
    assert legend.inner_text().split("\n") == kinds
    page.evaluate("chooseRow(1)")
    assert legend.inner_text().split("\n") == ["bias", "above zero", "below zero"]
    page.evaluate("setMode('backward'); refreshAll()")
    assert legend.inner_text().split("\n") == ["input", "bias", "above zero", "below zero"]


def test_what_is_printed_has_all_heatmaps(digits, open_page):
    page = open_page(digits[-1], 1400, 300)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")

    assert page.locator("main canvas:not([data-drawn]):not(.row canvas)").count() == 0


def test_of_a_row_those_neurons_are_drawn_that_contribute_most(open_page, tmp_path):
    model = ffnn.Sequential([Dense(90, "relu"), Dense(2)], input_dim=4, seed=0)
    x = np.random.default_rng(0).standard_normal((3, 4))
    model.save_graph(tmp_path / "net.html", x)
    page = open_page(tmp_path / "net.html")
    page.get_by_label("Row", exact=True).select_option(index=2)
    page.evaluate("reader.detail = 1; refreshGraph()")
    first, second = (layer.params["weight"] for layer in model.layers)
    contributions = np.square(second * np.maximum(x[1] @ first.T, 0)).sum(axis=0)

    drawn = page.evaluate("scene.columns[1].units")
    assert drawn == sorted(np.argsort(-contributions)[:10].tolist())


def test_contributions_of_the_ntk_parametrization_have_its_factor(open_page, tmp_path):
    layers = [Dense(6, "tanh", parametrization="ntk"), Dense(2, parametrization="ntk")]
    model = ffnn.Sequential(layers, input_dim=4, seed=0)
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).standard_normal((3, 4))
    model.save_graph(tmp_path / "net.html", x, np.ones((3, 2)))
    page = open_page(tmp_path / "net.html")
    page.get_by_label("Row", exact=True).select_option(index=2)

    for column, unit in [(1, 3), (2, 1)]:
        page.evaluate(f"choose({{node: {{column: {column}, unit: {unit}}}}})")
        shown = page.locator(".ranked td:last-child").all_inner_texts()
        total = float(details(page)["sum"])
        assert sum(map(float, shown)) == pytest.approx(total, abs=2e-3)


def test_rounded_epochs_are_near_the_values_and_the_last_state_is_exact(
    open_page, tmp_path, monkeypatch
):
    monkeypatch.setattr(page_states, "MAX_EXACT_BYTES", 100)
    rng = np.random.default_rng(0)
    model = ffnn.Sequential([Dense(8, "tanh"), Dense(3, "softmax")], input_dim=4, seed=0)
    model.compile(ffnn.optimizers.SGD(0.3), "sparse_categorical_crossentropy")
    x, y = rng.standard_normal((60, 4)), rng.integers(0, 3, 60)
    model.fit(x, y, epochs=4, verbose=0, callbacks=[Recorder(snapshots=1)])
    model.save_graph(tmp_path / "net.html")
    page = open_page(tmp_path / "net.html")

    states = [(each.weights, each.gradients) for each in model.recording.snapshots]
    for number, (weights, gradients) in enumerate(states):
        page.evaluate(f"showState({number})")
        for mode, values, steps in [("weight", weights, 1023), ("gradient", gradients, 63)]:
            found = page.evaluate(f"[...vector('{mode}')]")
            np.testing.assert_allclose(found, values, atol=0.51 * np.abs(states).max() / steps)
    choose(page, "dense_2 1")
    assert details(page)["bias"].startswith("≈ ")
    page.evaluate("showState(4)")
    assert float(details(page)["bias"]) == float(str(model.layers[1].params["bias"][1]))


def test_sums_and_activations_are_one_node_or_two(flowers, open_page):
    model, x, _, path = flowers
    page = open_page(path)
    page.get_by_label("Row", exact=True).select_option(index=1)
    node = page.locator("g.node[data-column='1'][data-unit='4']")
    sums = x[0] @ model.layers[0].params["weight"].T + model.layers[0].params["bias"]

    assert node.locator("circle").count() == 1
    page.get_by_label("Sums and activations apart").check()
    assert node.locator("circle").count() == 2
    texts = node.locator(".number").all_text_contents()
    assert [float(text) for text in texts] == pytest.approx([sums[4], np.tanh(sums[4])], abs=0.051)


def test_the_inputs_are_one_picture_that_shows_the_row_or_a_neurons_weights(digits, open_page):
    model, x, _, path = digits
    page = open_page(path)
    page.locator(".row").nth(3).click()
    colours = """async () => {
        const image = new Image();
        image.src = document.querySelector("#graph image").getAttribute("href");
        await image.decode();
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [8, 8];
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0);
        return [...context.getImageData(0, 0, 8, 8).data];
    }"""
    pixels = np.reshape(page.evaluate(colours), (64, 4))[:, 0]
    share = x[3] / x[3].max()
    np.testing.assert_allclose(pixels, 255 + share * (0x1F - 255), atol=1)

    choose(page, "dense_1 5")
    pixels = np.reshape(page.evaluate(colours), (64, 4))[:, 0]
    values = model.layers[1].params["weight"][5] * x[3]
    share = np.abs(values) / np.abs(values).max()
    ends = np.where(values > 0, 0x00, 0xD5)
    np.testing.assert_allclose(pixels, 255 + share * (ends - 255), atol=1)


def test_numbers_on_edges_do_not_overlap(open_page, tmp_path):
    model = ffnn.Sequential([Dense(4, "tanh"), Dense(2)], input_dim=3, seed=0)
    model.save_graph(tmp_path / "net.html")
    page = open_page(tmp_path / "net.html")
    boxes = page.evaluate(
        """() => [...document.querySelectorAll(".labels rect")].map((each) => {
            const {left, right, top, bottom} = each.getBoundingClientRect();
            return [left, right, top, bottom];
        })"""
    )

    assert len(boxes) >= 20  # of 26 edges
    for number, (left, right, top, bottom) in enumerate(boxes):
        for other in boxes[:number]:
            is_apart = right <= other[0] or other[1] <= left or bottom <= other[2]
            assert is_apart or other[3] <= top


# -- phones and other windows --------------------------------------------------------------------

WINDOWS = [(1400, 900), (1920, 1080), (390, 844)]


def test_long_names_of_classes_fit_a_phone(tmp_path, open_page):
    model = ffnn.Sequential([Dense(3, "softmax")], input_dim=2, seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.class_names = ["short", "long and " * 8, "w" * 60]
    model.save_graph(tmp_path / "net.html", np.eye(3, 2), [0, 1, 2])
    page = open_page(tmp_path / "net.html", 390, 844)

    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("width", [1400, 390])
@pytest.mark.parametrize("classes", [["setosa", "a rather long name", "e" * 30], None])
def test_names_and_numbers_of_outputs_do_not_overlap(classes, width, tmp_path, open_page):
    model = ffnn.Sequential(
        [Dense(3, "softmax") if classes else Dense(1, "sigmoid")], input_dim=2, seed=0
    )
    model.compile("sgd", "categorical_crossentropy" if classes else "binary_crossentropy")
    model.class_names = classes
    model.save_graph(tmp_path / "net.html", np.eye(2), np.eye(2, 3) if classes else [0, 1])
    page = open_page(tmp_path / "net.html", width, 844)
    page.evaluate("chooseRow(0)")
    page.locator("#graph rect.room").first.wait_for(state="attached")
    gaps = page.eval_on_selector_all(
        "#graph text.name + text.name[text-anchor='end']",
        """all => all.map((number) => number.getBoundingClientRect().left
            - number.previousSibling.getBoundingClientRect().right)""",
    )

    assert len(gaps) >= len(classes or [0])
    assert min(gaps[-len(classes or [0]) :]) > 0


def test_gradients_of_frozen_layers_have_no_range(tmp_path, open_page):
    first = Dense(3, "tanh")
    model = ffnn.Sequential([first, Dense(1)], input_dim=2, seed=0)
    first.trainable = False
    model.compile("sgd", "mean_squared_error")
    model.fit(np.eye(2), [0.0, 1.0], epochs=1, verbose=0)
    model.save_graph(tmp_path / "net.html")
    page = open_page(tmp_path / "net.html", 1400, 900)

    page.get_by_text("Gradients, all of them 0").first.wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("which", ["digits", "flowers"])
def test_nothing_is_wider_than_the_window(which, window, scheme, request, open_page):
    page = open_page(request.getfixturevalue(which)[-1], *window, scheme)
    page.evaluate("chooseRow(1)")
    page.locator("#table summary").click()
    page.evaluate("choose({node: {column: 1, unit: 3}})")
    too_wide = page.evaluate(
        """() => [...document.querySelectorAll("body *")].filter((each) => (
            each.getBoundingClientRect().right > innerWidth + 1
            && !each.closest("#table > div, #graph svg, [hidden]")
        )).map((each) => each.outerHTML.slice(0, 80))"""
    )
    assert too_wide == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    inside = page.evaluate(
        "[frame.scrollWidth - frame.clientWidth, frame.scrollHeight - frame.clientHeight]"
    )
    assert max(inside) <= 1


def test_on_a_phone_details_are_beside_the_tap(digits, open_page):
    page = open_page(digits[-1], 390, 844)
    mark = page.locator("g.node[data-column='1'] .mark").nth(5)
    mark.scroll_into_view_if_needed()
    mark.click()
    tapped, pane = mark.bounding_box(), page.locator("aside").bounding_box()

    assert 0 < pane["y"] - tapped["y"] < 80
    page.get_by_role("button", name="Close the details").click()
    assert not page.locator("aside").is_visible()
    style = page.locator("#graph").evaluate("(each) => getComputedStyle(each).touchAction")
    assert style == "manipulation"  # pan-x pan-y pinch-zoom


# -- keys and screen readers ---------------------------------------------------------------------


def test_keys_go_through_the_neurons(flowers, open_page):
    page = open_page(flowers[-1])
    page.focus("#graph")
    page.keyboard.press("Tab")
    focused = "document.activeElement.getAttribute('aria-label')"
    assert page.evaluate(focused) == "dense_1 bias"
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused) == "input 0 (a)"
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused).startswith("dense_1 ")
    page.keyboard.press("Enter")
    assert page.evaluate(focused) == page.locator("#details h3").inner_text()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "zoom-out"


def test_keys_go_through_the_rows(digits, open_page):
    page = open_page(digits[-1])
    page.evaluate("chooseRow(30)")
    page.focus("#no-row")
    focused = "[...document.querySelectorAll('.row')].indexOf(document.activeElement)"
    for keys, row in (
        *(("Tab", 30), ("ArrowRight", 31), ("ArrowUp", 30), ("End", 35), ("ArrowDown", 35)),
        *(("Home", 0), ("ArrowLeft", 0), ("Tab", -1), ("Shift+Tab", 0)),
    ):
        page.keyboard.press(keys)
        assert page.evaluate(focused) == row, keys
    page.keyboard.press("Enter")
    assert page.evaluate("reader.row") == 0
    assert page.evaluate(focused) == 0


def test_every_control_is_reached_by_tab(digits, open_page):
    page = open_page(digits[-1])
    page.evaluate("chooseRow(0)")
    wanted = page.evaluate(
        """() => [...document.querySelectorAll("button, input, summary, canvas[tabindex]")]
            .filter((each) => each.checkVisibility() && each.type !== "radio")
            .filter((each) => !each.matches(".row") || each.tabIndex === 0)
            .map((each, number) => { each.dataset.wanted = number; return number; })"""
    )
    found = set()
    for _ in range(len(wanted) + 8):
        page.keyboard.press("Tab")
        found.add(page.evaluate("document.activeElement.dataset.wanted ?? null"))
    assert {str(number) for number in wanted} <= found
    assert page.evaluate("[...document.querySelectorAll('input')].every((e) => e.labels.length)")


def test_the_tables_hold_what_is_drawn(flowers, open_page):
    model, x, _, path = flowers
    page = open_page(path)
    page.evaluate("chooseRow(0)")
    page.locator("#table summary").click()
    page.wait_for_selector("#table table")
    neurons, edges = page.locator("#table table").all()

    rows = [row.split("\t") for row in neurons.locator("tr").all_inner_texts()]
    assert rows[0] == ["neuron", "bias", "sum", "output", "∂loss/∂sum"]
    output = model.forward(x[[0]])[0]
    assert [float(row[3]) for row in rows[-3:]] == pytest.approx(output.tolist(), rel=1e-5)
    rows = [row.split("\t") for row in edges.locator("tr").all_inner_texts()]
    assert len(rows) == 1 + 5 * 8 + 9 * 3
    weights = {(row[0], row[1]): float(row[2]) for row in rows[1:]}
    assert weights["input 2 (c)", "dense_1 5"] == model.layers[0].params["weight"][5, 2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_numbers_in_neurons_can_be_read(flowers, open_page, scheme):
    page = open_page(flowers[-1], 1400, 900, scheme)
    contrasts = page.evaluate(
        """() => [0, 1, 2].flatMap((row) => {
            chooseRow(row);
            const luminance = (text) => text.match(/\\d+/g).slice(0, 3).map((part) => part / 255)
                .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
                .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0.05);
            return [...document.querySelectorAll(".node.neuron, .node.output")].map((node) => {
                const [text, back] = [".number", ".mark"].map((each) => (
                    luminance(getComputedStyle(node.querySelector(each)).fill)
                ));
                return Math.max(text, back) / Math.min(text, back);
            });
        })"""
    )

    assert len(contrasts) == 3 * (8 + 3)
    assert min(contrasts) > 4.5


STATES = {
    "digits": "chooseRow(2); choose({node: {column: 1, unit: 3}})",
    "flowers": """showState(0); setMode("gradient"); refreshAll();
        choose({edge: {connection: 1, source: 2, target: 1}});
        document.getElementById("table").open = true;""",
}


@pytest.mark.parametrize("which", STATES)
def test_axe_finds_nothing(which, request, open_page):
    page = open_page(request.getfixturevalue(which)[-1])
    at_rest = barriers(page)
    page.evaluate(STATES[which])

    assert at_rest + barriers(page) == []


@pytest.mark.parametrize("query", ["dense_2 0", "no such neuron"])
def test_axe_finds_nothing_after_a_search(flowers, query, open_page):
    page = open_page(flowers[-1])
    choose(page, query)

    assert barriers(page) == []
