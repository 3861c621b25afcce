"""
A layer of your own
===================

With a parameter, its gradient proved, trained, saved and loaded.

A layer says which parameters it has and where they start; it computes y in ``forward``, and in
``backward`` it fills ``grads`` and returns the gradient of its input. Here each unit has a
power of its own: :math:`y = \\mathrm{sign}(x) |x|^a`. Then
:math:`\\frac{\\partial y}{\\partial a} = y \\log |x|` and
:math:`\\frac{\\partial y}{\\partial x} = a |x|^{a - 1}`.

A layer with arguments calls ``super().__init__()`` in its constructor and keeps each argument under
its own name, as in ``self.start = start``: so files know it.
"""

import tempfile
from pathlib import Path

import numpy as np

import ffnn
from ffnn.initializers import Ones
from ffnn.layers import Dense, Layer


class Power(Layer):
    """y = sign(x) |x|^a, with one exponent a for each unit."""

    def parameter_shapes(self, input_dim):
        return {"a": (input_dim,)}

    def initializers(self):
        return {"a": Ones()}

    def forward(self, x, training=False):
        self.x, self.size = x, np.abs(x) + 1e-6
        self.y = np.sign(x) * self.size ** self.params["a"]
        return self.y

    def backward(self, grad):
        a = self.params["a"]
        slopes = grad * self.y * np.log(self.size)
        slopes.sum(
            axis=0, out=self.grads["a"]
        )  # written into the array, never rebound
        return grad * a * self.size ** (a - 1)


# %%
# The gradient is proved by finite differences:

rng = np.random.default_rng(0)
x = rng.uniform(-2, 2, (300, 3))
y = np.sign(x[:, 0]) * np.abs(x[:, 0]) ** 2.5 + x[:, 1]

model = ffnn.Sequential([Dense(4), Power(), Dense(1)], input_dim=3, seed=0)
model.compile(ffnn.optimizers.Adam(0.01), "mean_squared_error")
model.layers[1].params["a"][:] = 1.5  # at 1, an a that was forgotten would not show
report = ffnn.gradient_check(model, x[:8], y[:8])
print(report)
assert report.max_error < 1e-6

# %%
# Then it trains like any other:

model.fit(x, y, epochs=100, verbose=0)
print(
    f"loss {model.evaluate(x, y):.4f}; exponents {model.layers[1].params['a'].round(2)}"
)

# %%
# A file holds no code, so whoever loads it says which class is meant.

path = Path(tempfile.mkdtemp()) / "power.h5"
model.save(path)
loaded = ffnn.load_model(path, custom_objects={"Power": Power})
assert np.array_equal(loaded.predict(x), model.predict(x))

# %%
# It stands in the pictures, too:

figure = model.plot_graph()
