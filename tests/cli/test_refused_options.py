"""Options that name columns need data with columns, and class names run nowhere."""

import pytest

from ffnn.cli.commands import _quoted


@pytest.mark.parametrize("option", ["--target", "--exclude"])
def test_columns_are_named_in_tables_only(run, option, assert_one_line):
    code, out, err = run("train", "digits", option, "name")

    assert (code, out) == (2, "")
    assert_one_line(err, option, "CSV", "digits")


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1+cmd", "-a", "@SUM(A1)", "\t=1"])
def test_a_class_name_like_a_formula_is_quoted(name):
    assert _quoted(name) == f"'{name}"


@pytest.mark.parametrize("name", ["tall", "-1", "+2.5", "a=b", ""])
def test_other_class_names_stay(name):
    assert _quoted(name) == name
