"""Pages of formulas: each part's own, from its class, with pictures of the curves.

The tests of `explain_step` evaluate every formula of every part, and compare it with what the part
itself computes; so what stands on these pages is what runs.
"""

import importlib
import inspect
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from pages import heading, write_all

from ffnn.core.formulas import Formula, Formulas
from ffnn.core.registry import Family
from ffnn.explanation.steps import SYMBOLS
from ffnn.layers import Dense
from ffnn.losses import Loss

INPUTS, UNITS = 7, 11  # which stand for any numbers, and are written as words
SECTIONS = {"forward": "Forward", "backward": "Backward", "update": "Update"}
# The room of a family, the title of its page, and what stands at its head.
FAMILIES = {
    "layer": (
        "ffnn.layers",
        "Layers",
        "x is a batch of shape (rows, inputs), y what becomes of it, L the loss. On the way back "
        "a layer is given ∂L/∂y and returns ∂L/∂x; the gradients of its parameters have the shapes "
        "of the parameters.",
    ),
    "activation": (
        "ffnn.activations",
        "Activations",
        "x and y have the shape (rows, units). Each formula is meant entry by entry; softmax "
        "mixes the units of a row, as its sums say.",
    ),
    "loss": (
        "ffnn.losses",
        "Losses",
        "p is what the network answers and y the target, both of shape (n, u), for n rows of u "
        "units; w are the weights of the rows, 1 if there are none. A loss with an activation's "
        "name before its own takes that activation's input z, where it can be computed exactly.",
    ),
    "optimizer": (
        "ffnn.optimizers",
        "Optimizers",
        "w are all parameters as one vector and g is its gradient; η is the learning rate, and t "
        "counts the updates from 1. What an optimizer remembers starts at 0.",
    ),
    "schedule": (
        "ffnn.schedules",
        "Schedules",
        "η is the learning rate after t updates, from η₀ at the beginning.",
    ),
    "initializer": (
        "ffnn.initializers",
        "Initializers",
        "U(a, b) is uniform between a and b; N(μ, v) is normal with mean μ and variance v.",
    ),
    "regularizer": (
        "ffnn.regularizers",
        "Regularizers",
        "R is added to the loss, and ∂R/∂w to the gradient of the parameter w.",
    ),
    "metric": (
        "ffnn.metrics",
        "Metrics",
        "p is what the network answers and y the target, of shape (rows, units).",
    ),
}
ARGUMENTS = {  # of parts that need some; the formulas do not depend on their values
    "Activation": ("tanh",),
    "Average": ([[Dense(UNITS)], [Dense(UNITS)]],),
    "Clamp": (0.0, 1.0),
    "CosineDecay": (0.1, 100),
    "CosineLog": (0.1, 100),
    "Dense": (UNITS,),
    "Dropout": (0.5,),
    "Embedding": ([3, 2],),
    "ExponentialDecay": (0.1, 100, 0.5),
    "FlatCosine": (0.1, 100),
    "InverseTimeDecay": (0.1, 100, 0.5),
    "ParametricActivation": ("mish",),
    "PiecewiseConstantDecay": ([30, 60], [0.1, 0.01, 0.001]),
    "Rescaling": (0.5,),
}
VARIANTS = {  # of arguments that change the formulas
    "BinaryCrossentropy": {"label_smoothing=0.1": {"label_smoothing": 0.1}},
    "CosineDecay": {"warmup_steps=10": {"warmup_steps": 10}},
    "ExponentialDecay": {"staircase=True": {"staircase": True}},
    "GELU": {'approximate="tanh"': {"approximate": "tanh"}},
    "InverseTimeDecay": {"staircase=True": {"staircase": True}},
    "SGD": {
        "momentum=0.9": {"momentum": 0.9},
        "momentum=0.9, nesterov=True": {"momentum": 0.9, "nesterov": True},
    },
}


def parts_of(kind):
    """Return the classes of a family, and the losses that stand in for others, each once."""
    module = importlib.import_module(FAMILIES[kind][0])
    classes = list(dict.fromkeys(Family.by_kind[kind].classes.values()))
    if kind == "loss":
        public = (getattr(module, name) for name in module.__all__)
        classes += [each for each in public if inspect.isclass(each) and is_fused(each)]
    return [cls for cls in classes if cls.__name__ in dir_of(module) and formulas_of(cls)]


def dir_of(module):
    """Return the names that a module has for users."""
    return getattr(module, "__all__", None) or vars(module)


def is_fused(cls):
    """Tell whether a class of losses only replaces others."""
    return issubclass(cls, Loss) and bool(cls.instead)


def made(cls, options):
    """Return a part of a class, whose formulas may depend on the options."""
    return cls(*ARGUMENTS.get(cls.__name__, ()), **options)


def formulas_of(cls, options=()):
    """Return the formulas of a class, None if it has no own ones."""
    own = next((vars(each)["formulas"] for each in cls.__mro__ if "formulas" in vars(each)), None)
    base = next(f.base for f in Family.by_kind.values() if issubclass(cls, f.base))
    if own is vars(base).get("formulas") or own is None:
        return None
    return own if isinstance(own, Formulas) else made(cls, dict(options)).formulas


def block_of(formulas):
    """Return the blocks of mathematics of a part, pass by pass."""
    pieces = []
    for name, title in SECTIONS.items():
        texts = getattr(formulas, name)
        if texts:
            if formulas.backward or formulas.update:
                pieces.append(f"{title}:\n")
            pieces += [math_block(text) for text in texts]
    return "\n".join(pieces)


def math_block(text):
    """Return a formula as mathematics of its own."""
    return f".. math::\n\n   {Formula(text).latex}\n"


def inline(symbol):
    """Return a symbol as mathematics in a line."""
    latex = Formula(f"{symbol} = 0").latex.rpartition(" = ")[0]
    return f":math:`{latex}`"


def symbols_of(part, formulas):
    """Return the lines of a table: each symbol of a part, what it is, and its shape."""
    lines = []
    if hasattr(part, "parameter_shapes"):
        shapes = part.parameter_shapes(INPUTS).items()
        for name, shape in ((n, s) for n, s in shapes if "." not in n):
            words = ", ".join({INPUTS: "inputs", UNITS: "units"}.get(n, str(n)) for n in shape)
            comma = "," if len(shape) == 1 else ""
            sign = SYMBOLS.get(name, name)
            lines.append(f"{inline(sign)}, ``params[{name!r}]`` of shape ({words}{comma})")
    parameters = part.get_config()
    for symbol, path in formulas.where.items():
        value = parameters.get(path)
        is_number = isinstance(value, float | int) and not isinstance(value, bool)
        default = f", here {value:g}" if is_number and path not in ("seed",) else ""
        lines.append(f"{inline(symbol)}, ``{path}``{default}")
    return lines


def section(cls, module):
    """Return the section of one part."""
    part = made(cls, {})
    formulas = formulas_of(cls)
    doc = inspect.getdoc(cls) or ""
    pieces = [heading(cls.__name__, "-"), f":class:`{module}.{cls.__name__}`\n"]
    pieces.append(block_of(formulas))
    for title, options in VARIANTS.get(cls.__name__, {}).items():
        pieces += [f"With ``{title}``:\n", block_of(formulas_of(cls, options))]
    if formulas.note:
        pieces.append(
            f"{formulas.note[0].upper()}{formulas.note[1:].replace('|', chr(92) + '|')}.\n"
        )
    lines = symbols_of(part, formulas)
    if lines:
        pieces.append("\n".join(f"- {line}" for line in lines) + "\n")
    derivation = Path(__file__).parents[1] / "derivations" / f"{cls.__name__}.rst"
    if derivation.exists():
        pieces.append(f".. include:: ../derivations/{derivation.name}\n")
    if match := re.search(r"References\n-+\n(.*?)(?:\n\n\w+\n---|\Z)", doc, re.DOTALL):
        pieces.append(f"*Source:* {match[1].strip()}\n")
    return "\n".join(pieces)


def page_of(kind):
    """Return the page of a family."""
    module, title, intro = FAMILIES[kind]
    pieces = [heading(title), f"{intro}\n"]
    if kind == "activation":
        pieces.append(figure("activations", "Each activation and its derivative from -4 to 4"))
    if kind == "loss":
        pieces.append(figure("losses", "What one entry costs, by its residual or its probability"))
    if kind == "schedule":
        pieces.append(figure("schedules", "The learning rate over 100 updates, by each schedule"))
    return "\n".join([*pieces, *(section(cls, module) for cls in parts_of(kind))])


def figure(name, text):
    """Return the directive of a picture."""
    return f".. image:: pictures/{name}.png\n   :alt: {text}\n"


# -- pictures ----------------------------------------------------------------------------------


def panels(count, columns=4):
    """Return a figure, and as many panels side by side as are needed."""
    rows = -(-count // columns)
    fig, axes = plt.subplots(rows, columns, figsize=(10, 2.3 * rows), layout="constrained")
    for panel in axes.flat[count:]:
        panel.remove()
    return fig, axes.flat


def draw_activations():
    """Draw y and y' of each activation."""
    classes = [cls for cls in parts_of("activation") if cls.__name__ != "Softmax"]
    x = np.linspace(-4, 4, 401)[:, None]
    fig, axes = panels(len(classes))
    for cls, panel in zip(classes, axes, strict=False):
        part = made(cls, {})
        y = part.forward(x, training=True).copy()
        slope = part.backward(np.ones_like(x))
        panel.plot(x, y, color="#0b6e8a", label="y")
        panel.plot(x, slope, color="#c2410c", linestyle="--", label="y'")
        panel.set(title=cls.__name__, ylim=(-1.5, 4.0), xlim=(-4, 4))
        panel.grid(alpha=0.3)
    axes[0].legend(frameon=False)
    return fig


def draw_losses():
    """Draw ℓ of a residual, and of a probability of the right answer."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
    residual = np.linspace(-3, 3, 301)
    names = ("MeanSquaredError", "MeanAbsoluteError", "Huber", "Quantile")
    losses = importlib.import_module("ffnn.losses")
    styles = ("-", "--", "-.", ":")
    for name, style in zip(names, styles, strict=True):
        loss = getattr(losses, name)()
        values = [loss.forward(np.array([[r]]), np.array([[0.0]])) for r in residual]
        left.plot(residual, values, style, label=name)
    left.set(xlabel="residual p - y", ylabel="loss", ylim=(0, 4))
    p = np.linspace(0.01, 0.99, 99)
    for name, style in (("BinaryCrossentropy", "-"), ("BinaryFocalCrossentropy", "--")):
        loss = getattr(losses, name)()
        values = [loss.forward(np.array([[q]]), np.array([[1.0]])) for q in p]
        right.plot(p, values, style, label=name)
    right.set(xlabel="probability of the right answer", ylabel="loss", ylim=(0, 4))
    for panel in (left, right):
        panel.legend(frameon=False)
        panel.grid(alpha=0.3)
    return fig


def draw_schedules():
    """Draw η of each schedule over 100 updates."""
    classes = parts_of("schedule")
    fig, axes = panels(len(classes), 3)
    for cls, panel in zip(classes, axes, strict=False):
        rule = made(cls, {})
        panel.plot([rule(t) for t in range(101)], color="#0b6e8a")
        panel.set(title=cls.__name__, xlabel="updates", ylim=(0, 0.105))
        panel.grid(alpha=0.3)
    return fig


PICTURES = {
    "activations": draw_activations,
    "losses": draw_losses,
    "schedules": draw_schedules,
}


def all_pages():
    """Return path → text of all pages."""
    intro = (
        "Each part of the library has its formulas on its class. From there they come onto these "
        "pages, into `explain_step` and into the graph of a model; the tests evaluate every one of "
        "them and compare it with what the part computes. A ∘ is the product entry by entry, "
        "[x > 0] is 1 where the condition holds, else 0."
    )
    names = "\n".join(f"   {kind}" for kind in FAMILIES)
    index = f"{heading('All formulas')}\n{intro}\n\n.. toctree::\n   :maxdepth: 2\n\n{names}\n"
    return {"index": index, **{kind: page_of(kind) for kind in FAMILIES}}


def write_pages(app):
    """Write the pages and pictures into the sources, where git does not keep them."""
    folder = Path(app.srcdir) / "formulas"
    write_all(folder, all_pages())
    (folder / "pictures").mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        fig = draw()
        fig.savefig(folder / "pictures" / f"{name}.png", dpi=110)
        plt.close(fig)


def setup(app):
    """Write the pages before Sphinx looks for sources."""
    app.connect("builder-inited", write_pages, priority=100)
    return {"parallel_read_safe": True}
