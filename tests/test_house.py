"""The package stays readable: short functions, modules and files of tests."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = sorted((ROOT / "ffnn").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def lines_of(path):
    return path.read_text(encoding="utf-8").splitlines()


def long_functions(path):
    """Yield name and length of each function that has not under 40 lines of code."""
    lines = lines_of(path)
    for node in ast.walk(ast.parse("\n".join(lines))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = sum(is_code(line) for line in lines_without_docstring(node, lines))
            if length >= 40:
                yield node.name, length


def lines_without_docstring(function, lines):
    if ast.get_docstring(function) is None:
        return lines[function.lineno - 1 : function.end_lineno]
    text = function.body[0]
    return (
        lines[function.lineno - 1 : text.lineno - 1] + lines[text.end_lineno : function.end_lineno]
    )


def is_code(line):
    return bool(line.strip()) and not line.lstrip().startswith("#")


def names(paths):
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.mark.parametrize("path", PACKAGE, ids=names(PACKAGE))
def test_functions_have_under_40_lines_of_code(path):
    assert list(long_functions(path)) == []


@pytest.mark.parametrize("path", PACKAGE, ids=names(PACKAGE))
def test_modules_have_under_350_lines(path):
    assert len(lines_of(path)) < 350


@pytest.mark.parametrize("path", TESTS, ids=names(TESTS))
def test_files_of_tests_have_at_most_700_lines(path):
    assert len(lines_of(path)) <= 700


@pytest.mark.parametrize(("statements", "expected"), [(38, []), (39, [("f", 40)])])
def test_a_long_function_is_noticed(statements, expected, tmp_path):
    path = tmp_path / "long.py"
    body = '    """Say.\n\n    More.\n    """\n    # why\n\n' + "    pass\n" * statements
    path.write_text(f"def f():\n{body}", encoding="utf-8")

    assert list(long_functions(path)) == expected
