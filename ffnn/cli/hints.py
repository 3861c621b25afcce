"""What to write instead of a command or an option that there is not, such as another library's."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

COMMANDS = {
    "check": "gradcheck",
    "describe": "summary",
    "draw": "graph",
    "convert": "export",
    "eval": "evaluate",
    "fit": "train",
    "infer": "predict",
    "interpret": "explain",
    "inspect": "summary",
    "learn": "train",
    "run": "train",
    "score": "evaluate",
    "show": "summary",
    "test": "evaluate",
    "version": "--version",
    "view": "graph",
    "visualize": "graph",
    "why": "explain",
}
# The first is looked for among the options of the command.
OPTIONS = {
    "decay": "--l2, a penalty on the weights; the learning rate stays the same",
    "drop": "--exclude",
    "early-stopping": "--patience EPOCHS",
    "hidden-layer-sizes": "--hidden",
    "hidden-layers": "--hidden",
    "hidden-units": "--hidden",
    "ignore": "--exclude",
    "label": "--target",
    "layers": "--hidden",
    "model": "--out",
    "momentum-decay": "--momentum",
    "neurons": "--hidden",
    "output": "--out",
    "rate": "--learning-rate",
    "save": "--out",
    "sep": "--delimiter",
    "units": "--hidden",
    "weight-decay": "--l2",
}


def hint_at_command(name: str, known: Collection[str]) -> str:
    """Return what to write instead of a command."""
    from ffnn.core.checks import nearest

    ours = COMMANDS.get(name.lower())
    return nearest(name, known) if ours is None else f": use {ours}"


def hint_at_option(option: str, known: Collection[str]) -> str:
    """Return what to write instead of an option of a command that has those that are known."""
    from ffnn.core.checks import nearest
    from ffnn.core.hints import HINTS

    name = option.strip("-").lower().replace("_", "-")
    renamed = f"--{HINTS.get(name.replace('-', '_'), '').replace('_', '-')}"
    for ours in (OPTIONS.get(name, ""), renamed):
        if ours.partition(" ")[0].rstrip(",") in known:
            return f": use {ours}"
    return nearest(option, known)
