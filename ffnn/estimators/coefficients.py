"""A network's weights in scikit-learn's terms: `coefs_` and `intercepts_`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ffnn.estimators import networks
from ffnn.estimators.parameters import Estimator
from ffnn.layers import Dense


class Coefficients(Estimator):
    """An estimator's weights and biases, which are live arrays of its network."""

    def _dense_layers(self, wanted: str) -> list[Dense]:
        if "model_" not in vars(self):
            raise AttributeError(f"{type(self).__name__} has no {wanted} before it is fitted")
        return networks.dense_layers(self.model_)

    @property
    def coefs_(self) -> networks.LiveArrays:
        """Weights of each layer, (inputs, units); values written into them take effect.

        Those of ``Dense(parametrization="ntk")`` are without the factor 1 / √inputs.
        """
        layers = self._dense_layers("coefs_")
        return networks.LiveArrays(layer.params["weight"].T for layer in layers)

    @coefs_.setter
    def coefs_(self, values: Any) -> None:
        self.coefs_[:] = values

    @property
    def intercepts_(self) -> networks.LiveArrays:
        """Biases of each layer, (units,); values written into them take effect."""
        return networks.LiveArrays(
            layer.params["bias"] if layer.use_bias else np.broadcast_to(0.0, layer.units)
            for layer in self._dense_layers("intercepts_")
        )

    @intercepts_.setter
    def intercepts_(self, values: Any) -> None:
        self.intercepts_[:] = values
