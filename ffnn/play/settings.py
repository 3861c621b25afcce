"""All that the controls of the page set, as plain data that is checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from ffnn.activations import ACTIVATIONS
from ffnn.core.checks import check_choice, check_int, check_items, check_number, nearest
from ffnn.datasets.toys import TOYS
from ffnn.layers.base import LAYERS, Layer
from ffnn.losses import LOSSES
from ffnn.optimizers import OPTIMIZERS
from ffnn.regularizers import REGULARIZERS

DIGITS, OWN = "digits", "own"  # besides the toys
NONE = "none"
MOST_LAYERS, MOST_UNITS = 6, 128


@dataclass(frozen=True)
class Settings:
    """Data, network and training, as the controls of the page have them.

    Parameters
    ----------
    data : str, default "circles"
        One of `ffnn.datasets.make_toy`, "digits", or "own" for rows that were given.
    noise : float, default 0.1
        Of `make_toy`, from 0 to 1.
    test_share : float, default 0.3
        The share of the rows that are held out, from 0.1 to 0.9.
    hidden : sequence of (int, str), default ((4, "tanh"), (3, "tanh"))
        Units and activation of each hidden layer; at most 6 of at most 128 units.
    normalization, dropout : str, float, default "none", 0.0
        The layer before the activation of each hidden layer, and the share of its outputs that a
        training step drops.
    loss, optimizer : str, default "auto", "adam"
        By name; "auto" is crossentropy for classes, the mean squared error for numbers.
    learning_rate : float, default 0.01
        Above 0.
    batch_size : int, default 10
        From 1 to 1,000.
    penalty, strength : str, float, default "none", 0.001
        A regularizer of all weights, and how strong it is.
    seed : int, default 0
        Of the rows, the initial weights, the order of the rows and dropout.

    Raises
    ------
    TypeError, ValueError
        A setting is none of the known ones, or out of range.
    """

    data: str = "circles"
    noise: float = 0.1
    test_share: float = 0.3
    hidden: tuple[tuple[int, str], ...] = ((4, "tanh"), (3, "tanh"))
    normalization: str = NONE
    dropout: float = 0.0
    loss: str = "auto"
    optimizer: str = "adam"
    learning_rate: float = 0.01
    batch_size: int = 10
    penalty: str = NONE
    strength: float = 0.001
    seed: int = 0

    def __post_init__(self) -> None:
        name = "settings"
        number, integer = check_number, check_int
        checked = {
            "data": check_choice(name, "data", self.data, (*TOYS, DIGITS, OWN)),
            "noise": number(name, "noise", self.noise, low=0.0, high=1.0),
            "test_share": number(name, "test_share", self.test_share, low=0.1, high=0.9),
            "hidden": _check_hidden(self.hidden),
            "normalization": check_choice(name, "normalization", self.normalization, norms()),
            "dropout": number(name, "dropout", self.dropout, low=0.0, high=0.9),
            "loss": check_choice(name, "loss", self.loss, ("auto", *LOSSES.classes)),
            "optimizer": check_choice(name, "optimizer", self.optimizer, OPTIMIZERS.classes),
            "learning_rate": number(
                name, "learning_rate", self.learning_rate, low=0.0, high=100.0, low_open=True
            ),
            "batch_size": integer(name, "batch_size", self.batch_size, low=1, high=1000),
            "penalty": check_choice(name, "penalty", self.penalty, penalties()),
            "strength": number(name, "strength", self.strength, low=0.0, high=10.0),
            "seed": integer(name, "seed", self.seed, low=0, high=2**31 - 1),
        }
        vars(self).update(checked)

    def change(self, values: Mapping[str, Any]) -> Settings:
        """Return these settings with some of them changed; ValueError names one not known."""
        known = [field.name for field in fields(self)]
        for name in values:
            if name not in known:
                raise ValueError(
                    f"settings: unknown setting {name!r}{nearest(str(name), known)}; known: "
                    f"{', '.join(known)}"
                )
        return replace(self, **values)

    def to_json(self) -> str:
        """Return them as a text that `from_json` reads."""
        return json.dumps({"ffnn play": asdict(self)}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """Return the settings of a text that `to_json` wrote; ValueError if it is none."""
        try:
            values = json.loads(text)["ffnn play"]
            assert isinstance(values, dict)
        except (ValueError, KeyError, TypeError, AssertionError, RecursionError):
            raise ValueError(
                "settings: expected a file that the page of ffnn play has saved"
            ) from None
        return cls().change(values)


def norms() -> dict[str, type[Layer] | None]:
    """Return the layers that normalise by name, such as ``"batch"``, and none of them."""
    found = LAYERS.classes.items()
    named = {name.removesuffix("_norm"): cls for name, cls in found if name.endswith("_norm")}
    return {NONE: None, **named}


def penalties() -> list[str]:
    """Return the names of the regularizers of one strength, and that of none."""
    return [NONE, *(names[0] for names in REGULARIZERS.names() if names[0] != "l1l2")]


def _check_hidden(hidden: Any) -> tuple[tuple[int, str], ...]:
    layers = check_items("settings", "hidden", hidden)
    if len(layers) > MOST_LAYERS:
        raise ValueError(f"settings: at most {MOST_LAYERS} hidden layers, got {len(layers)}")
    checked = []
    for layer in layers:
        pair = check_items("settings", "a hidden layer", layer)
        if len(pair) != 2:
            raise ValueError(f"settings: a hidden layer is (units, activation), got {layer!r}")
        units = check_int("settings", "units", pair[0], low=1, high=MOST_UNITS)
        checked.append((units, check_choice("settings", "activation", pair[1], activations())))
    return tuple(checked)


def activations() -> list[str]:
    """Return the names of the activations that a hidden layer may have."""
    return [names[0] for names in ACTIVATIONS.names()]
