"""
What keeps it from learning
===========================

A training that fails, what ``diagnose`` says, and the remedy.
"""

import ffnn
from ffnn.layers import Dense

(x, y), _ = ffnn.datasets.load_digits()
model = ffnn.Sequential(
    [Dense(32, "sigmoid"), Dense(10, "softmax")], input_dim=64, seed=0
)
model.compile(ffnn.optimizers.SGD(5.0), "categorical_crossentropy")
print(model.diagnose(x * 100, y))

# %%
# The rates that it tried:

curve = ffnn.find_learning_rate(model, x * 100, y)
figure = curve.plot()
