"""JAX's sides of the training benchmark: jitted steps with SGD and Adam written out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from common import ADAM
from side import Side

if TYPE_CHECKING:
    from common import Weights


def mean_cross_entropy(params: Any, x: Any, y: Any) -> Any:
    """Return the network's loss on a batch."""
    for number, (weight, bias) in enumerate(params):
        x = (jnp.maximum(x, 0.0) if number else x) @ weight.T + bias
    if x.shape[1] == 1:
        return (jnp.logaddexp(0.0, x[:, 0]) - y * x[:, 0]).mean()
    log_p = jax.nn.log_softmax(x)
    return -jnp.take_along_axis(log_p, y[:, None], axis=1).mean()


def sgd(rate: float, state: Any, x: Any, y: Any) -> Any:
    """Return the state, which is the parameters, after one step."""
    grads = jax.grad(mean_cross_entropy)(state, x, y)
    return jax.tree.map(lambda w, g: w - rate * g, state, grads)


def adam(rate: float, state: Any, x: Any, y: Any) -> Any:
    """Return the state (parameters, m, v, t) after one step."""
    b1, b2 = ADAM["beta_1"], ADAM["beta_2"]
    params, m, v, t = state
    t = t + 1.0
    grads = jax.grad(mean_cross_entropy)(params, x, y)
    m = jax.tree.map(lambda m, g: b1 * m + (1.0 - b1) * g, m, grads)
    v = jax.tree.map(lambda v, g: b2 * v + (1.0 - b2) * g * g, v, grads)
    step = rate * jnp.sqrt(1.0 - b2**t) / (1.0 - b1**t)
    params = jax.tree.map(
        lambda w, m, v: w - step * m / (jnp.sqrt(v) + ADAM["epsilon"]), params, m, v
    )
    return params, m, v, t


class JAX(Side):
    """A jitted step with a donated state, its rows gathered inside, which is the faster way."""

    def build(self) -> None:
        """Put the data in place and make the step."""
        jax.config.update("jax_enable_x64", self.work.dtype == "float64")
        rule = sgd if self.work.optimizer == "sgd" else adam
        self.update = partial(rule, self.work.learning_rate)
        self.xj, self.yj = jnp.asarray(self.x), jnp.asarray(self.y.astype(np.int32))
        self.rng = np.random.default_rng(0)
        self.compile()

    def compile(self) -> None:
        """Wrap the step; it is compiled at the first, untimed fit."""

        @partial(jax.jit, donate_argnums=0)
        def step(state: Any, x: Any, y: Any, chosen: Any) -> Any:
            return self.update(state, x[chosen], y[chosen])

        self.step = step

    def reset(self) -> None:
        """Set the weights, with zeros for the optimizer's memory."""
        params = [(jnp.array(weight), jnp.array(bias)) for weight, bias in self.initial]
        if self.work.optimizer == "sgd":
            self.state: Any = params
        else:
            zeros = partial(jax.tree.map, jnp.zeros_like, params)
            self.state = params, zeros(), zeros(), jnp.zeros((), self.work.dtype)
        jax.block_until_ready(self.state)

    def order(self) -> Any:
        """Return an epoch's order of the rows."""
        return self.rng.permutation(self.work.rows).astype(np.int32)

    def fit(self) -> None:
        """Run the training loop and wait for its end."""
        step, state, x, y, batch = self.step, self.state, self.xj, self.yj, self.work.batch
        for _ in range(self.work.epochs):
            order = self.order()
            for start in range(0, len(order), batch):
                state = step(state, x, y, order[start : start + batch])
        self.state = jax.block_until_ready(state)

    def weights(self) -> Weights:
        """Return the parameters."""
        params = self.state if self.work.optimizer == "sgd" else self.state[0]
        return [(np.asarray(weight), np.asarray(bias)) for weight, bias in params]


class JAXBatches(JAX):
    """The same step handed its batch by NumPy, as JAX's own examples do it."""

    def compile(self) -> None:
        """Wrap the step; it is compiled at the first, untimed fit."""
        step = jax.jit(self.update, donate_argnums=0)
        labels = self.y.astype(np.int32)
        self.step = lambda state, x, y, chosen: step(state, self.x[chosen], labels[chosen])


class JAXScan(JAX):
    """A whole epoch in one compiled call, by `lax.scan`: no Python between steps."""

    def compile(self) -> None:
        """Wrap an epoch of steps; it is compiled at the first, untimed fit."""

        @partial(jax.jit, donate_argnums=0)
        def epoch(state: Any, x: Any, y: Any, order: Any) -> Any:
            def step(state: Any, chosen: Any) -> Any:
                return self.update(state, x[chosen], y[chosen]), None

            return jax.lax.scan(step, state, order.reshape(-1, self.work.batch))[0]

        self.step = epoch

    def fit(self) -> None:
        """Run the epochs and wait for their end."""
        state = self.state
        for _ in range(self.work.epochs):
            state = self.step(state, self.xj, self.yj, self.order())
        self.state = jax.block_until_ready(state)
