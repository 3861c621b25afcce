"""The page of a report in a real browser without a network, wide and narrow, light and dark."""

import numpy as np
import pytest
from accessibility import barriers

import ffnn
from ffnn.layers import Dense

SIZES = {"desk": (1400, 900), "phone": (390, 844)}
HOSTILE = "</style></script><script>alert('x')</script><img src=x onerror=alert(2)>"


@pytest.fixture
def open_page(open_file):
    return lambda path, size, scheme="light": open_file(path, *SIZES[size], scheme)


def report_of(units, inputs, rows, names=None, columns=None, kind="classes"):
    """Return a report of a network that was not trained, so that it makes all mistakes."""
    last, loss = {
        "classes": ("softmax", "categorical_crossentropy"),
        "labels": ("sigmoid", "binary_crossentropy"),
        "numbers": (None, "mean_squared_error"),
    }[kind]
    model = ffnn.Sequential([Dense(units, last)], input_dim=inputs, seed=0)
    model.compile("sgd", loss)
    model.class_names, model.feature_names = names, columns
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, (rows, inputs))
    y = {
        "classes": rng.integers(0, units, rows),
        "labels": rng.integers(0, 2, (rows, units)),
        "numbers": 1e5 * rng.normal(size=(rows, units)),
    }[kind]
    return model.report(x, y)


REPORTS = {
    "pictures": lambda: report_of(10, 784, 200),
    "alphabet": lambda: report_of(26, 8, 500, list("ABCDEFGHIJKLMNOPQRSTUVWXYZ")),
    "many": lambda: report_of(200, 40, 1000, [f"a rather long species {i}" for i in range(200)]),
    "labels": lambda: report_of(5, 8, 100, kind="labels"),
    "numbers": lambda: report_of(2, 8, 100, kind="numbers"),
    "one row": lambda: report_of(3, 8, 1),
    "long words": lambda: report_of(3, 3, 60, ["a" * 300, "b" * 300, "c"], ["x" * 300, "y", "z"]),
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for name, make in REPORTS.items():
        make().save(folder / f"{name}.html", title=name)
    return folder


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_wider_than_the_screen(pages, open_page, name, size):
    page = open_page(pages / f"{name}.html", size)

    width = SIZES[size][0]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    wide = page.evaluate(
        "(width) => [...document.querySelectorAll('h1, h2, p, figure, svg, .box, li')]"
        ".filter((each) => each.getBoundingClientRect().right > width + 1).map(e => e.outerHTML)",
        width,
    )
    assert wide == []


def test_a_wide_table_scrolls_inside_its_box(pages, open_page):
    page = open_page(pages / "alphabet.html", "phone")
    box = page.locator(".box", has=page.locator(".matrix"))

    sizes = box.evaluate("(box) => [box.scrollWidth, box.clientWidth]")
    box.evaluate("(box) => { box.scrollLeft = 10000; }")

    assert sizes[0] > sizes[1]
    assert box.evaluate("(box) => box.scrollLeft") == sizes[0] - sizes[1]


def luminance(colour):
    """Return the relative luminance of a colour (WCAG 2.1)."""
    channels = [int(part) / 255 for part in colour[4:-1].split(",")[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(pages, open_page, scheme):
    page = open_page(pages / "pictures.html", "desk", scheme)
    style = "(e) => { const s = getComputedStyle(e); return [s.color, s.backgroundColor]; }"
    text, back = map(luminance, page.locator("body").evaluate(style))

    assert (max(text, back) + 0.05) / (min(text, back) + 0.05) > 10
    assert (back < 0.05) == (scheme == "dark")
    for tag in ("h1", "td", "svg text", "li"):
        assert luminance(page.locator(tag).first.evaluate(style)[0]) == text


def test_pictures_are_shown_as_large_as_they_should_be(pages, open_page):
    page = open_page(pages / "pictures.html", "desk")
    sizes = page.evaluate(
        "[...document.images].map((each) => [each.naturalWidth, each.width, each.height])"
    )

    assert sizes == [[28, 104, 104]] * 24


def test_charts_have_names_and_headings_an_order(pages, open_page):
    page = open_page(pages / "alphabet.html", "desk")

    assert page.get_by_role("img").count() == 3 + 5  # curves, what the answers depend on
    assert page.get_by_role("heading", level=1).inner_text() == "alphabet"
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map((e) => e.tagName)")
    assert levels == ["H1"] + ["H2"] * (len(levels) - 1)
    assert page.get_by_role("columnheader", name="predicted").count() == 3


@pytest.mark.parametrize("name", ["pictures", "one row", "long words"])
def test_axe_finds_nothing(pages, open_page, name):
    assert barriers(open_page(pages / f"{name}.html", "desk")) == []


def test_names_are_text_and_never_markup(open_page, tmp_path):
    names, columns = [HOSTILE, "<b>b</b>", "&lt;i&gt;"], [HOSTILE, "<u>u</u>", "$x$"]
    report_of(3, 3, 60, names, columns).save(tmp_path / "r.html", title=HOSTILE)
    page = open_page(tmp_path / "r.html", "desk")

    assert page.title() == HOSTILE
    assert page.locator("h1").inner_text() == HOSTILE
    cells = page.locator("th, td").all_inner_texts()
    assert {"<b>b</b>", "&lt;i&gt;", "<u>u</u>", "$x$"} <= set(cells)
    assert page.locator("script, b, i, u").count() == 0
    assert page.locator("img").count() == 0
