"""
ROC and precision-recall curves
===============================

How many answers are found, and at what price, as the threshold moves.
"""

import matplotlib.pyplot as plt

import ffnn
from ffnn.metrics import area_under_roc, precision_recall_curve, roc_curve

x, y = ffnn.datasets.make_toy("moons", rows=600, noise=0.4)
model = ffnn.Sequential.from_sizes([2, 16, 1], ["tanh", "sigmoid"], seed=0)
model.compile("adam", "binary_crossentropy")
model.fit(x[:400], y[:400], epochs=30, verbose=0)
scores = model.predict(x[400:])[:, 0]

curve = roc_curve(y[400:], scores)
other = precision_recall_curve(y[400:], scores)

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
left.plot(curve.false_positive_rate, curve.true_positive_rate)
left.plot([0, 1], [0, 1], ":", color="grey")
left.set(xlabel="false positive rate", ylabel="true positive rate")
left.set_title(f"area {area_under_roc(y[400:], scores):.3f}")
right.plot(other.recall, other.precision)
right.set(xlabel="recall", ylabel="precision", ylim=(0, 1.05))
