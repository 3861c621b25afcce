from ffnn.core.formulas import Formulas
from ffnn.initializers import Zeros
from ffnn.layers.base import LAYERS, Layer


@LAYERS.register("mean_norm")
class MeanNorm(Layer):
    formulas = Formulas(
        forward=("y = x - mean_units(x) + β",),
        backward=("∂L/∂β = Σ_rows ∂L/∂y", "∂L/∂x = ∂L/∂y - mean_units(∂L/∂y)"),
        where={"β": "params.beta"},
    )

    def parameter_shapes(self, input_dim):
        return {"beta": (input_dim,)}

    def initializers(self):
        return {"beta": Zeros()}

    def forward(self, x, training=False):
        return x - x.mean(axis=1, keepdims=True) + self.params["beta"]

    def backward(self, grad):
        grad.sum(axis=0, out=self.grads["beta"])
        return grad - grad.mean(axis=1, keepdims=True)
