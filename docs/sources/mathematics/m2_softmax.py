r"""
Why softmax and cross-entropy are one
=====================================

Computed together they are exact and cheap. Computed one after the other they fail where a network
is most wrong.

The softmax turns a row of logits :math:`z` into probabilities; the cross-entropy is the negative
logarithm of the probability of the right class :math:`c`:

.. math:: p_j = \frac{e^{z_j}}{\sum_k e^{z_k}}, \qquad L = -\log p_c.
"""

import matplotlib.pyplot as plt
import numpy as np

from ffnn.activations import Softmax
from ffnn.losses import CategoricalCrossentropy, SoftmaxCrossentropy

# %%
# The derivation
# --------------
# The slope of the softmax is :math:`\frac{\partial p_j}{\partial z_k} = p_j ([j = k] - p_k)`. A
# row of :math:`u` classes has :math:`u^2` of them. With the target :math:`y`, 1 at the right class
# and 0 elsewhere, the loss is :math:`-\sum_j y_j \log p_j`, and
#
# .. math::
#    \frac{\partial L}{\partial z_k} = \sum_j -\frac{y_j}{p_j} p_j ([j = k] - p_k)
#    = -y_k + p_k \sum_j y_j = p_k - y_k.
#
# The probabilities cancel, and the targets sum to 1. All that is left is :math:`p - y`.

z, y = np.array([[2.0, -1.0, 0.5]]), np.array([[0.0, 1.0, 0.0]])

softmax, apart, together = (
    Softmax(),
    CategoricalCrossentropy(),
    SoftmaxCrossentropy(),
)
value = apart.forward(softmax.forward(z, training=True), y)
gradient = softmax.backward(apart.backward())
assert np.isclose(together.forward(z.copy(), y), value)
assert np.allclose(together.backward(), gradient)
print(gradient)

# %%
# What goes wrong otherwise
# -------------------------
# Let the right class be behind by a gap: logits :math:`(g, 0)`, and the second is right. In float32
# its probability rounds, and its logarithm has to be clipped somewhere, or it is infinite. What is
# clipped has no slope, and the network learns nothing from its worst mistakes. On the logits the
# gradient tends to 1, as it should.

gaps = np.linspace(0, 60, 121, dtype=np.float32)
target = np.array([[0.0, 1.0]], np.float32)
fused, clipped = [], []
for gap in gaps:
    logits = np.array([[gap, 0.0]], np.float32)
    together.forward(logits.copy(), target)
    fused.append(float(-together.backward()[0, 1]))
    p = Softmax().forward(logits, training=True)
    is_clipped = p[0, 1] < 1e-7  # as many textbooks clip the logarithm
    clipped.append(0.0 if is_clipped else float(1 - p[0, 1]))

fig, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
axes.plot(gaps, fused, label="on logits")
axes.plot(gaps, clipped, "--", label="softmax, then a clipped logarithm")
axes.set(xlabel="gap of the logits", ylabel="size of the gradient")
axes.legend(frameon=False)
axes.grid(alpha=0.3)
assert fused[-1] == 1.0
assert clipped[-1] == 0.0

# %%
# So ``compile`` asks the loss whether it takes the last activation's place. The same holds for a
# sigmoid and ``binary_crossentropy``: there, too, the gradient of the logits is :math:`p - y`.
