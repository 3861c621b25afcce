"""A command or an option that there is not is answered with ours."""

import pytest

from ffnn.cli import hints
from ffnn.cli.parser import build_parser

(_SUBPARSERS,) = build_parser()._subparsers._group_actions
COMMANDS = _SUBPARSERS.choices


@pytest.mark.parametrize(("name", "ours"), hints.COMMANDS.items())
def test_a_command_of_another_program_is_answered_with_ours(name, ours, run, assert_one_line):
    code, out, err = run(name, "digits")

    assert (code, out) == (2, "")
    assert_one_line(err, f"unknown command '{name}': use {ours}; known: train")
    assert ours in COMMANDS or ours == "--version"
    assert name not in COMMANDS


@pytest.mark.parametrize(("name", "ours"), hints.OPTIONS.items())
def test_an_option_of_another_program_is_answered_with_ours(name, ours, run, assert_one_line):
    option = ours.partition(" ")[0].rstrip(",")
    code, out, err = run("train", "digits", f"--{name}", "1")

    assert (code, out) == (2, "")
    assert_one_line(err, f"unknown option --{name}: use {ours}")
    assert option in COMMANDS["train"]._option_string_actions
    assert f"--{name}" not in COMMANDS["train"]._option_string_actions


def test_no_option_is_named_that_the_command_has_not(run):
    assert "--hidden" not in run("predict", "m.h5", "digits", "--units", 1)[2]
    assert "unknown option --units" in run("predict", "m.h5", "digits", "--units", 1)[2]


@pytest.mark.parametrize(("typed", "ours"), [("--epoch", "--epochs"), ("--lr", "--learning-rate")])
def test_the_names_that_the_library_answers_are_answered_too(typed, ours, run):
    assert f"unknown option {typed}: use {ours}" in run("train", "digits", typed, 1)[2]
