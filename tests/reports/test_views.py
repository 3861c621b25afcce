"""What a report looks like as text, as a page, in a notebook and as a figure."""

import html
import pickle
import re
from html.parser import HTMLParser

import numpy as np
import pytest

import ffnn
from ffnn.layers import Dense

HOSTILE = "\"></style></script><script>alert('x')</script><img src=x onerror=alert(2)>"
VOID = {"meta", "img"}


def model_of(units, inputs, last="softmax", loss="categorical_crossentropy", seed=0):
    model = ffnn.Sequential([Dense(units, last)], input_dim=inputs, seed=seed)
    model.compile("sgd", loss)
    return model


def rows(count, inputs, seed=0):
    return np.random.default_rng(seed).normal(size=(count, inputs))


def three_classes():
    return model_of(3, 5).report(rows(90, 5), np.arange(90) % 3)


def two_classes():
    return model_of(1, 5, "sigmoid", "bce").report(rows(90, 5), np.arange(90) % 2)


def many_classes():
    model = model_of(200, 5)
    model.class_names = [f"species number {i}" for i in range(200)]
    return model.report(rows(2000, 5), np.arange(2000) % 200)


def alphabet():
    model = model_of(26, 5)
    model.class_names = list("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return model.report(rows(400, 5), np.arange(400) % 26)


def labels():
    y = (rows(80, 4, 1) > 0.5).astype(int)
    return model_of(4, 5, "sigmoid", "bce").report(rows(80, 5), y)


def numbers():
    return model_of(1, 5, None, "mse").report(rows(90, 5), 1e4 * rows(90, 1))


def several_numbers():
    return model_of(2, 5, None, "mse").report(rows(90, 5), rows(90, 2) * [1, 1e6])


def one_row():
    return model_of(3, 5).report(rows(1, 5), [2])


def one_number():
    return model_of(1, 5, None, "mse").report(rows(1, 5), [2.0])


def absent_class():
    return model_of(4, 5).report(rows(60, 5), np.arange(60) % 3)


def always_the_same():
    model = model_of(3, 5)
    model.layers[0].params["bias"][:] = [100, 0, 0]
    return model.report(rows(60, 5), np.arange(60) % 3)


def pictures():
    return model_of(10, 64).report(np.abs(rows(50, 64)), np.arange(50) % 10)


def hostile():
    model = model_of(3, 2)
    model.class_names = [HOSTILE, "\x1b[31mred\u202e", "$x_2$"]
    model.feature_names = [HOSTILE, "plain\nbroken"]
    return model.report(rows(90, 2), np.arange(90) % 3)


REPORTS = [
    three_classes,
    two_classes,
    many_classes,
    alphabet,
    labels,
    numbers,
    several_numbers,
    one_row,
    one_number,
    absent_class,
    always_the_same,
    pictures,
    hostile,
]
every_report = pytest.mark.parametrize("make", REPORTS)


class Page(HTMLParser):
    """The tags of a page, which must be whole: each one closed in its turn."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.attributes, self.texts = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.texts.append(data)


@every_report
def test_text_fits_80_columns(make):
    lines = str(make()).splitlines()

    assert max(map(len, lines)) <= 80
    assert len(lines) < 150
    assert lines[0].startswith("Report: ")
    assert all(line.isprintable() and line == line.rstrip() for line in lines)


@every_report
def test_a_page_is_whole_small_and_offline(make, tmp_path):
    make().save(tmp_path / "r.html", title="How well")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")

    page = Page(text.removeprefix("<!DOCTYPE html>\n"))
    assert len(text) < 200_000
    assert not {"script", "link", "iframe", "object", "base"} & set(page.tags)
    assert page.tags.count("h1") == 1
    assert page.tags.count("style") == 1
    assert "<title>How well</title>" in text
    for name, value in page.attributes:
        assert not name.startswith("on")
        if name in ("src", "href"):
            assert value.startswith("data:image/png;base64,")
    assert "url(" not in text
    assert "http" not in text.replace('http-equiv="Content-Security-Policy"', "")
    assert "nan" not in " ".join(page.texts)


@every_report
def test_a_notebook_shows_what_the_page_has(make, tmp_path):
    report = make()
    report.save(tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")

    part = report._repr_html_()

    assert Page(part).texts == Page(text.split("</h1>\n")[1].split("</main>")[0]).texts
    assert "<html" not in part
    assert "prefers-color-scheme" not in part  # the notebook's own colours stay


@every_report
def test_a_figure_has_a_panel_for_each_chart(make):
    report = make()
    titles = [axes.get_title(loc="left") for axes in report.plot().axes]

    for piece in report.pieces:
        if type(piece).__name__ != "Table":
            assert piece.title in titles
    report.plot().canvas.draw()


@every_report
def test_repr_is_one_line(make):
    assert re.fullmatch(r"<\w+Report: .*\d>", repr(make()))


@every_report
def test_numbers_of_a_chart_lie_within_its_frame(make):
    for path in re.findall(r'<path d="([^"]*)"', make()._repr_html_()):
        points = np.array(re.findall(r"[ML]([\d.-]+) ([\d.-]+)", path), float).reshape(-1, 2)
        assert (points >= 0).all()
        assert (points[:, 0] <= 380).all()


def test_what_comes_out_of_files_is_text_and_never_markup(tmp_path):
    report = hostile()
    report.save(tmp_path / "r.html", title=HOSTILE)
    text = (tmp_path / "r.html").read_text(encoding="utf-8")

    assert HOSTILE not in text
    assert f"<h1>{html.escape(HOSTILE)}</h1>" in text
    assert "img" not in Page(text.removeprefix("<!DOCTYPE html>\n")).tags
    for shown in (text, str(report), report._repr_html_()):
        assert "\x1b" not in shown
        assert "\u202e" not in shown


def test_captions_of_pictures_and_notes_are_text_too():
    model = model_of(3, 64)
    model.class_names = [f"<b>{i}</b>" for i in range(3)]
    report = model.report(np.abs(rows(50, 64)), np.arange(50) % 3)
    report.note = HOSTILE

    part = report._repr_html_()

    assert part.count("<img ") == 24
    assert "<b>" not in part
    assert f'<p class="quiet">{html.escape(HOSTILE)}</p>' in part


def test_of_two_classes_one_has_curves():
    charts = [piece for piece in two_classes().pieces if type(piece).__name__ == "Chart"]

    assert [chart.title for chart in charts[:3]] == [
        "ROC curves",
        "Precision and recall",
        "Calibration",
    ]
    assert [len([m for m in chart.marks if m.colour is not None]) for chart in charts[:2]] == [1, 1]


def test_of_many_classes_those_of_the_smallest_area_have_curves():
    report = alphabet()
    (roc,) = (piece for piece in report.pieces if piece.title == "ROC curves")

    smallest = sorted(report.classes, key=lambda each: each.auc)[:6]
    assert {mark.label.split(",")[0] for mark in roc.marks} == {
        "by chance",
        *(each.name for each in smallest),
    }
    assert roc.text == "The 6 classes of the lowest area."


def test_a_report_keeps_no_rows(tmp_path):
    """It can be pickled, and is a few kilobytes."""
    report = model_of(3, 50).report(rows(20_000, 50), np.arange(20_000) % 3)

    stored = pickle.dumps(report)

    assert len(stored) < 100_000
    assert str(pickle.loads(stored)) == str(report)


def test_charts_and_tables_are_told_to_screen_readers():
    report = three_classes()
    page = report._repr_html_()

    alts = re.findall(r'<svg [^>]*aria-label="([^"]+)"', page)
    assert len(alts) == page.count("<svg ") == 4 + len(report.dependences)
    assert alts[3].startswith("permutation importance: accuracy ")
    assert re.search(r"true positive rate against false positive rate: 0, area 0\.\d{4}", alts[0])
    assert all(f'scope="{scope}"' in page for scope in ("row", "col"))
    assert page.count('class="box" role="region" tabindex="0" aria-label=') == page.count("<table")


def test_a_matrix_shows_each_count():
    report = three_classes()
    table = re.search(r'<table class="matrix">.*?</table>', report._repr_html_())[0]
    cells = [re.sub("<.*?>", "", cell) for cell in re.findall("<td.*?</td>", table)][1:]

    assert [int(cell or 0) for cell in cells] == report.confusion_matrix.ravel().tolist()


def test_a_title_and_a_path_are_checked(tmp_path):
    report = one_row()

    with pytest.raises(ValueError, match=r"save: expected a path that ends in \.html"):
        report.save(tmp_path / "r.pdf")
    with pytest.raises(TypeError, match="save: title must be a string, got 3"):
        report.save(tmp_path / "r.html", title=3)
    with pytest.raises(TypeError, match="save: path must be a path"):
        report.save(3)
    assert list(tmp_path.iterdir()) == []
