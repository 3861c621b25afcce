"""Losses: a loss is a last layer whose output is one number.

In all formulas p is the network's output and y the target, both (batch, units); n is the batch's
number of rows and u the number of units; w_i is the weight of row i, 1 if none is given. A
weighted loss is Σ_i w_i · loss_i divided by the number of rows.

**Pairing.** `CategoricalCrossentropy` after a softmax, `BinaryCrossentropy` after a sigmoid or a
softmax, and `Poisson` after an exponential or a softplus are computed from the activation's input
(the logits z, or log p), in which all are exact: see `Loss.fuse`. So are the focal forms of the
first two, after a softmax and a sigmoid. The network then leaves its last
activation to the loss. A float32 sigmoid is exactly 1 from z ≈ 17 on, so the probability alone no
longer tells how wrong an answer is; the logit does. The crossentropies refuse the library's other
activations; after one of your own that gives probabilities they are computed from these.

Read `base` first; then there is one loss a file, with the loss that replaces it on logits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ffnn.core.registry import load_class
from ffnn.losses.base import LOSSES, ElementwiseLoss, Loss

if TYPE_CHECKING:
    from ffnn.losses.binary_crossentropy import BinaryCrossentropy, SigmoidCrossentropy
    from ffnn.losses.binary_focal_crossentropy import (
        BinaryFocalCrossentropy,
        SigmoidFocalCrossentropy,
    )
    from ffnn.losses.categorical_crossentropy import (
        CategoricalCrossentropy,
        SoftmaxCrossentropy,
        SparseCategoricalCrossentropy,
    )
    from ffnn.losses.categorical_focal_crossentropy import (
        CategoricalFocalCrossentropy,
        SoftmaxFocalCrossentropy,
    )
    from ffnn.losses.huber import Huber
    from ffnn.losses.mean_absolute_error import MeanAbsoluteError
    from ffnn.losses.mean_squared_error import MeanSquaredError
    from ffnn.losses.poisson import LogRatePoisson, Poisson, SoftplusPoisson
    from ffnn.losses.quantile import Quantile
    from ffnn.losses.softmax_binary_crossentropy import SoftmaxBinaryCrossentropy
else:

    def __getattr__(name):
        return load_class(__name__, name)


__all__ = [
    "LOSSES",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "ElementwiseLoss",
    "Huber",
    "LogRatePoisson",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Poisson",
    "Quantile",
    "SigmoidCrossentropy",
    "SigmoidFocalCrossentropy",
    "SoftmaxBinaryCrossentropy",
    "SoftmaxCrossentropy",
    "SoftmaxFocalCrossentropy",
    "SoftplusPoisson",
    "SparseCategoricalCrossentropy",
]
