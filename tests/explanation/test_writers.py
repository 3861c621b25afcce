"""Explanations as text, Markdown and LaTeX."""

import re
import unicodedata
from itertools import pairwise

import numpy as np
import pytest

import ffnn
from ffnn.activations import ACTIVATIONS
from ffnn.explanation import explain_step
from ffnn.layers import BatchNorm, Dense, Dropout, LayerNorm, Normalization, Rescaling, RMSNorm
from ffnn.optimizers import Adam

X = np.array([[0.5, -1.0, 2.0], [-0.3, 0.8, 0.1]])


def width(line):
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in line)
    return len(line) + wide - sum(unicodedata.combining(c) > 0 for c in line)


def wide_model():
    model = ffnn.Sequential([Dense(5, "gelu"), LayerNorm(), Dense(3, "softmax")], 54, seed=0)
    model.compile("adam", "cce")
    model.feature_names = [f"特徴 {i} $x_1$ <b> {'long ' * i}" for i in range(54)]
    model.class_names = ["a_b", "100 %", "`c`"]
    return model


@pytest.fixture
def wide():
    """Return an explanation with many columns, whose names are long."""
    return explain_step(wide_model(), np.random.default_rng(0).normal(size=(3, 54)), [0, 2, 1])


TEXT = """\
One training step on 1 row (float64), loss 0.25

Numbers begin at 0. W has a row for each unit and a column for each input.
∘           entry by entry
Σ           sum over all entries
Σ_rows      sum over the rows of the batch

── Forward ─────────────────────────────────────────────────────────────────────

dense_1: dense
    z = x Wᵀ + b

    x  0  1     W           0       1     b  0      1
       1  2     unit 0  1.099       0        0  1.099
                unit 1  1.099  -1.099

    z      0  1
       1.099  0

dense_1: sigmoid
    y = 1 / (1 + e^-z)

    z      0  1
       1.099  0

    y     0     1
       0.75  0.50

"""


def test_text_shows_formulas_and_arrays_side_by_side(two_two_one):
    assert explain_step(two_two_one(), [[1.0, 2.0]], [[1.0]]).to_text().startswith(TEXT)


def test_text_is_what_print_shows(two_two_one):
    explanation = explain_step(two_two_one(), [[1.0, 2.0]], [[1.0]])

    assert str(explanation) == explanation.to_text() == explanation.to_text(precision=4)
    assert "1.0986" in explanation.to_text(precision=5)
    assert repr(explanation) == (
        "<Explanation: One training step on 1 row (float64), 15 steps, loss 0.25>"
    )


@pytest.mark.parametrize("precision", [1, 4, 17])
def test_text_is_at_most_80_columns_wide(wide, precision):
    text = wide.to_text(precision)

    assert max(map(width, text.splitlines())) <= 80


def test_wide_matrix_is_broken_between_columns(wide):
    explanation = wide
    lines = str(explanation).splitlines()
    start = lines.index("dense_1: dense")
    x = explanation[0].arrays["x"]

    heads = [line.split() for line in lines[start : start + 60] if line.startswith("    x ")]
    numbers = [line.split()[2:] for line in lines[start : start + 60] if " row 1 " in line]

    assert [int(n) for head in heads for n in head[1:]] == list(range(54))
    shown = [float(n) for row in numbers[: len(heads)] for n in row]
    np.testing.assert_allclose(shown, x[1], atol=1e-4)


def test_arrays_in_text_are_aligned(wide):
    for line in str(wide).splitlines():
        match = re.fullmatch(r"    row \d((?:\s+\S+)+)", line)
        if match and "row" not in match[1]:
            ends = [m.end() for m in re.finditer(r"\S+", match[1])]
            gaps = {b - a for a, b in pairwise(ends)}
            assert all(gap >= 3 for gap in gaps)


def test_hat_takes_no_column():
    model = ffnn.Sequential([LayerNorm()], 3, "float64")
    model.compile("sgd", "mse")
    lines = str(explain_step(model, X, X)).splitlines()

    start = next(i for i, line in enumerate(lines) if line.startswith("    x̂  "))
    parts = [re.split(" {5}(?=y|row)", line) for line in lines[start : start + 2]]
    assert len({width(part[0]) for part in parts}) == 1


def test_names_of_columns_are_told(two_two_one):
    model = two_two_one()
    model.feature_names, model.class_names = ["length", "new\nline\x1b[1m"], ["no", "yes"]

    text = str(explain_step(model, [[1.0, 2.0]], [[1.0]]))

    assert "inputs: 0 length, 1 new line [1m\n" in text
    assert "outputs:" not in text  # two classes of one output


def displays(markdown):
    return re.findall(r"\$\$\n(.*?)\n\$\$", markdown, flags=re.DOTALL)


TRICKY = r"$a_b$ `c` <i>\x</i> 50% #1 & {~^|}"


@pytest.fixture
def tricky(scale_shift):
    """Return an explanation with names that are markup."""
    tricky = type(TRICKY, (scale_shift,), {})
    model = ffnn.Sequential([Dense(2), tricky(), Dense(2, "softmax")], 3, seed=0)
    model.compile("adamw", "cce")
    model.feature_names = ["x_1", "`tick`", r"\end{document} $ <script>"]
    return explain_step(model, X, [0, 1], [1.0, 2.0])


def test_markdown_shows_formulas_and_matrices(two_two_one):
    explanation = explain_step(two_two_one(), [[1.0, 2.0]], [[1.0]])
    markdown = explanation.to_markdown()

    assert markdown.startswith("## One training step on 1 row (float64), loss 0.25\n")
    assert "\n### Backward\n" in markdown
    assert "\n#### `dense_1: sigmoid`\n" in markdown
    shown = displays(markdown)
    assert r"\begin{aligned} z &= x W^\top + b \end{aligned}" in shown
    matrix = r"W = \left[\begin{array}{rr} 1.099 & 0 \cr 1.099 & -1.099 \end{array}\right]"
    assert any(matrix in line for line in shown)
    assert any(r"\frac{\partial L}{\partial b} = \left[" in line for line in shown)
    assert explanation._repr_markdown_() == markdown


@pytest.mark.parametrize("name", ["wide", "tricky"])
def test_mathematics_in_markdown_says_the_same_before_and_after_markdown(name, request):
    for line in displays(request.getfixturevalue(name).to_markdown()):
        assert not re.search(r"\\[^a-zA-Z]", line), line  # Markdown takes such backslashes away
        assert not re.search("[*`<$]", line), line
        assert not re.search(r"(?<![a-zA-Z0-9)])_", line), line  # which could begin emphasis


def test_names_in_markdown_are_code(tricky):
    markdown = tricky.to_markdown()

    assert rf"#### `` {TRICKY}_1: {TRICKY} ``" in markdown
    assert r"inputs: `0 x_1`, `` 1 `tick` ``, `2 \end{document} $ <script>`" in markdown
    assert "\\text{a＿b＄}" in markdown


def test_latex_is_balanced_and_names_are_escaped(tricky):
    latex = tricky.to_latex()

    escaped = (
        r"\$a\_b\$ `c` \textless{}i\textgreater{}\textbackslash{}x\textless{}/i\textgreater{} "
        r"50\% \#1 \& \{\textasciitilde{}\textasciicircum{}\textbar{}\}"
    )
    assert rf"\subsubsection*{{\texttt{{{escaped}\_1}}: {escaped}}}" in latex
    assert r"2 \textbackslash{}end\{document\} \$ \textless{}script\textgreater{}" in latex
    assert r"\text{a\_b\$}" in latex
    assert_balanced(latex)


def assert_balanced(latex):
    open_environments = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", latex):
        if kind == "begin":
            open_environments.append(name)
        else:
            assert open_environments.pop() == name
    assert not open_environments
    assert latex.count("\\[\n") == latex.count("\n\\]")
    assert latex.count(r"\left[") == latex.count(r"\right]")
    assert latex.count(r"\left(") == latex.count(r"\right)")
    bare = re.sub(r"\\[{}]", "", latex)
    assert bare.count("{") == bare.count("}")
    assert latex.isascii() or set(latex) - {chr(i) for i in range(128)} <= {"…"}


@pytest.mark.parametrize("name", ACTIVATIONS.classes)
def test_latex_needs_no_more_than_ascii(name):
    norms = [RMSNorm(), LayerNorm(), BatchNorm(), Dropout(0.5), Normalization().adapt(X[:, :2])]
    layers = [Rescaling(0.5), Dense(2, name), *norms, Dense(2)]
    model = ffnn.Sequential(layers, 3, "float64", seed=0)
    model.compile(Adam(clipnorm=1.0), "mse")

    latex = explain_step(model, X, X[:, :2]).to_latex()

    assert latex.isascii()
    assert_balanced(latex)


def test_wide_matrices_are_broken_in_latex(wide):
    latex = wide.to_latex()

    parts = re.findall(r"\bx \\text\{ \(columns (\d+) to (\d+)\)\} = ", latex)
    shown = [n for first, last in parts for n in range(int(first), int(last) + 1)]
    assert shown == 2 * list(range(54))  # forward and backward
    columns = [len(format_) for format_ in re.findall(r"\\begin\{array\}\{(r+)\}", latex)]
    assert max(columns) <= 8
