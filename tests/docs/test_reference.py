"""The site's reference has a page for every public name."""

import importlib
import inspect
import sys
from pathlib import Path

import pytest

import ffnn

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def pages():
    sys.path.insert(0, str(DOCS / "_extensions"))
    try:
        yield importlib.import_module("reference_pages")
    finally:
        sys.path.remove(str(DOCS / "_extensions"))


def test_every_public_module_has_a_page(pages):
    modules = {f"ffnn.{name}" for name in ffnn.__all__ if inspect.ismodule(getattr(ffnn, name))}
    assert modules <= pages.MODULES.keys()


def test_every_public_name_has_one_page(pages):
    texts = pages.all_pages()
    documented = [
        getattr(importlib.import_module(path.removeprefix("names/").rpartition(".")[0]), name)
        for path in texts
        if path.startswith("names/")
        for name in [path.rpartition(".")[2]]
    ]
    for name in pages.MODULES:
        module = importlib.import_module(name)
        for each in getattr(module, "__all__", ()):
            value = getattr(module, each)
            if inspect.isclass(value) or inspect.isroutine(value):
                assert documented.count(value) == 1, f"{name}.{each}"


def test_every_document_is_in_the_contents():
    contents = (DOCS / "index.md").read_text(encoding="utf-8")
    contents += (DOCS / "using.md").read_text(encoding="utf-8")
    for path in DOCS.glob("*.md"):
        if path.name != "index.md":
            assert f"\n{path.stem}\n" in contents, f"docs/using.md: no {path.stem} in the toctree"


def test_every_command_is_on_the_page_of_commands(pages):
    page = pages.all_pages()["command-line"]
    for command in ("train", "predict", "evaluate", "gradcheck", "export", "report", "explain"):
        assert f"\nffnn {command}\n---" in page
