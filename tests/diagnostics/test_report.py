"""Findings and diagnoses as text and HTML."""

import pickle

from diagnosis import X, Y, only, regressor

from ffnn.diagnostics import Diagnosis, Finding, diagnose
from ffnn.layers import Dense
from ffnn.optimizers import SGD


def finding(severity="warning", message="It is so.", layer="dense_1"):
    return Finding("some-kind", severity, layer, message, {"number": 1}, "Do this.", (0, 2))


def test_findings_come_with_the_most_severe_first():
    found = [finding(severity) for severity in ("note", "problem", "warning", "problem")]
    diagnosis = Diagnosis(found, 7, ["inputs"], {})

    assert [f.severity for f in diagnosis] == ["problem", "problem", "warning", "note"]
    assert repr(diagnosis) == "<Diagnosis: 2 problems, 1 warning, 1 note>"
    assert str(diagnosis).startswith(
        "Diagnosis based on 7 rows: 2 problems, 1 warning, 1 note.\n\n"
    )


def test_a_finding_is_printed_with_its_layer_and_remedy():
    assert str(finding()) == "WARNING: some-kind in dense_1\n  It is so.\n  Remedy: Do this."
    assert finding(layer=None).title == "some-kind"


def test_nothing_found_is_said_with_what_was_checked():
    model = regressor()
    model.build(5)
    diagnosis = diagnose(model, X, Y)

    assert isinstance(diagnosis, list)
    assert diagnosis == []
    assert str(diagnosis) == (
        "Diagnosis based on 400 rows: nothing found.\n\n"
        "Checked: inputs, finite weights and outputs, activations between layers,\n"
        "batches, symmetric units, dead ReLUs, saturated units, targets, gradients,\n"
        "learning rate."
    )


def test_the_account_fits_into_80_columns():
    model = regressor(Dense(8, "relu", weight_initializer="zeros"), optimizer=SGD(1e6))
    model.feature_names = ["a" * 200, *"bcde"]
    text = str(diagnose(model, X * 1e4, Y - 1e4))

    assert text.count("PROBLEM") > 1
    assert max(map(len, text.splitlines())) <= 80


def test_names_are_text_and_not_markup_in_notebooks():
    model = regressor()
    model.feature_names = ["<script>alert(1)</script>", *"bcde"]
    diagnosis = diagnose(model, X * [1e4, 1, 1, 1, 1], Y)
    html = diagnosis._repr_html_()

    assert "<script>" in only(diagnosis, "unscaled-inputs").message
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "Remedy" in html


def test_a_diagnosis_can_be_pickled():
    diagnosis = diagnose(regressor(), X * 100, Y)
    again = pickle.loads(pickle.dumps(diagnosis))

    assert list(again) == list(diagnosis)
    assert str(again) == str(diagnosis)
