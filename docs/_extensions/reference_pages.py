"""Pages of the reference: every public name by its module, and the help texts of the program."""

import importlib
import inspect
import re
from pathlib import Path

from pages import heading, write_all

from ffnn.cli.parser import build_parser

MODULES = {
    "ffnn": "The model, checks and errors",
    "ffnn.layers": "Layers",
    "ffnn.activations": "Activations",
    "ffnn.losses": "Losses",
    "ffnn.optimizers": "Optimizers",
    "ffnn.schedules": "Schedules",
    "ffnn.initializers": "Initializers",
    "ffnn.regularizers": "Regularizers",
    "ffnn.metrics": "Metrics",
    "ffnn.callbacks": "Callbacks",
    "ffnn.datasets": "Data sets",
    "ffnn.data": "Rows on disk",
    "ffnn.tables": "Tables",
    "ffnn.estimators": "Estimators for scikit-learn",
    "ffnn.visualization": "Pictures",
    "ffnn.exchange": "Exchange with other programs",
    "ffnn.diagnostics": "What diagnose returns",
    "ffnn.explanation": "What explain_step returns",
    "ffnn.reports": "What report returns",
}

WHOLE = (  # whose methods come from classes that are not pages themselves
    "FFNNClassifier",
    "FFNNRegressor",
    "Sequential",
    "TableEncoder",
    "TabularClassifier",
    "TabularRegressor",
)

FOREIGN = ("BaseEstimator", "ClassifierMixin", "RegressorMixin")  # which scikit-learn documents
GENERATED = (  # by scikit-learn, into each class of estimators
    "get_metadata_routing",
    "set_fit_request",
    "set_partial_fit_request",
    "set_predict_request",
    "set_score_request",
)


def public_names(module):
    """Return the classes, functions and exceptions that a module has for users.

    One that only passes through, on its way from another of these modules, is left out.
    """
    known = getattr(module, "__all__", None) or [
        name for name, value in vars(module).items() if name[0] != "_" and is_of(module, value)
    ]
    values = {name: getattr(module, name) for name in known}
    others = [each for each in MODULES if each not in ("ffnn", module.__name__)]
    return [
        name
        for name, value in values.items()
        if inspect.isclass(value) or inspect.isroutine(value)
        if is_of(module, value) or not any(has(other, name, value) for other in others)
    ]


def is_of(module, value):
    """Tell whether a module, or one inside it, defines a value."""
    home = getattr(value, "__module__", None) or ""
    return home == module.__name__ or home.startswith(f"{module.__name__}.")


def has(module_name, name, value):
    """Tell whether a value is public in the module, which defines it."""
    module = importlib.import_module(module_name)
    return name in getattr(module, "__all__", ()) and is_of(module, value)


def module_page(module, title):
    """Return the page of a module: its docstring and a table of its names."""
    names = public_names(module)
    table = "\n".join(f"   {name}" for name in names)
    pages = "\n".join(f"   names/{module.__name__}.{name}" for name in names)
    return (
        f"{heading(title)}\n.. module:: {module.__name__}\n\n{inspect.getdoc(module)}\n\n"
        f".. autosummary::\n\n{table}\n\n.. toctree::\n   :hidden:\n\n{pages}\n"
    )


def name_page(module, name):
    """Return the page of a class or a function."""
    value = getattr(module, name)
    if not inspect.isclass(value):
        kind, options = "autofunction", ""
    elif issubclass(value, Exception):
        kind, options = "autoexception", ""
    else:
        kind, options = "autoclass", "   :members:\n   :show-inheritance:\n"
        if name in WHOLE:
            options += f"   :inherited-members: {', '.join(FOREIGN)}\n"
            options += f"   :exclude-members: {', '.join(GENERATED)}\n"
    return f"{heading(name)}\n.. currentmodule:: {module.__name__}\n\n.. {kind}:: {name}\n{options}"


def command_page():
    """Return the page of the program: what each command says when asked for help."""
    parser = build_parser()
    (commands,) = (a.choices for a in parser._actions if isinstance(a.choices, dict))
    code = ".. code-block:: text\n\n"
    pieces = [heading("The command line"), code + indent(parser)]
    for name, command in commands.items():
        pieces += [heading(f"ffnn {name}", "-"), code + indent(command)]
    return "\n".join(pieces)


def indent(parser):
    """Return a help text, indented as code."""
    return re.sub(r"^(?=.)", "   ", parser.format_help(), flags=re.MULTILINE)


def all_pages():
    """Return path → text of all pages of the reference."""
    pages = {"command-line": command_page()}
    for name, title in MODULES.items():
        module = importlib.import_module(name)
        pages[name] = module_page(module, title)
        for each in public_names(module):
            pages[f"names/{name}.{each}"] = name_page(module, each)
    names = "\n".join(f"   {name}" for name in [*MODULES, "command-line"])
    intro = "Every public name, with its arguments, what it raises, and an example."
    pages["index"] = (
        f"{heading('Reference')}\n{intro}\n\n.. toctree::\n   :maxdepth: 1\n\n{names}\n"
    )
    return pages


def write_pages(app):
    """Write the reference into the sources, where git does not keep it."""
    write_all(Path(app.srcdir) / "reference", all_pages())


def escape_bars(app, what, name, obj, options, lines):
    """Have a bar in a docstring be one: there, ``|x|`` is an absolute value."""
    is_code = False
    for index, line in enumerate(lines):
        is_code = line.lstrip().startswith(">>>") or (is_code and bool(line.strip()))
        if not is_code:
            parts = re.split(r"(``.*?``)", line)
            parts[::2] = [part.replace("|", r"\|") for part in parts[::2]]
            lines[index] = "".join(parts)


def setup(app):
    """Write the pages before autosummary reads them, and read docstrings before numpydoc does."""
    app.connect("builder-inited", write_pages, priority=100)
    app.connect("autodoc-process-docstring", escape_bars, priority=100)
    return {"parallel_read_safe": True}
