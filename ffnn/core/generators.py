"""Random generators for the places in a model."""

from __future__ import annotations

from typing import Any

import numpy as np


def generator(entropy: Any, *place: int) -> np.random.Generator:
    """Return a generator that no other place in the model gets from the same entropy."""
    return np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=place))
