"""The sides of the training benchmark, each as a skilled user of its library writes it for speed.

    python benchmarks/sides.py SIDE WORK CORE

This is what a child process of `bench_training.py` runs. It sets up, trains once untimed, and
answers on its standard output with one line of JSON for each line that it reads.

All sides start from the same weights and train on the same float32 rows, reshuffled every epoch.
Work that a library need not do is left out: PyTorch and JAX keep no epoch losses here, while ffnn,
scikit-learn and Keras do, as their fits always do.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
import warnings
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from common import ADAM, WORKS, mean_loss, pin_to, threads_in_force
from side import Side

if TYPE_CHECKING:
    from common import Weights, Work
    from numpy.typing import NDArray


class FFNN(Side):
    """`Sequential.fit`, without compiled loops."""

    jit_compile = False

    def build(self) -> None:
        """Make the model."""
        import ffnn

        self.is_binary = self.work.sizes[-1] == 1
        last = "sigmoid" if self.is_binary else "softmax"
        activations = ["relu"] * (len(self.work.sizes) - 2) + [last]
        self.model = ffnn.Sequential.from_sizes(
            self.work.sizes, activations, seed=0, dtype=self.work.dtype
        )

    def reset(self) -> None:
        """Set the weights and compile anew."""
        from ffnn import optimizers

        rate = self.work.learning_rate
        adam = self.work.optimizer == "adam"
        rule = optimizers.Adam(rate, **ADAM) if adam else optimizers.SGD(rate)
        loss = "binary_crossentropy" if self.is_binary else "categorical_crossentropy"
        self.model.compile(optimizer=rule, loss=loss, jit_compile=self.jit_compile)
        for layer, (weight, bias) in zip(self.model.layers, self.initial, strict=True):
            layer.params["weight"][...] = weight
            layer.params["bias"][...] = bias

    def fit(self) -> None:
        """Train."""
        self.model.fit(
            self.x, self.y, batch_size=self.work.batch, epochs=self.work.epochs, verbose=0
        )

    def weights(self) -> Weights:
        """Return the layers' arrays."""
        return [(layer.params["weight"], layer.params["bias"]) for layer in self.model.layers]


class Compiled(FFNN):
    """The same, with compiled loops."""

    jit_compile = True


class ThreadsChosen(Compiled):
    """The same, with as many threads as ``set_num_threads("auto")`` chooses."""

    def build(self) -> None:
        """Have the first, untimed fit measure how many these are, and make the model."""
        import ffnn

        ffnn.set_num_threads("auto")
        super().build()


class Floor(Side):
    """The matrix products of the steps and nothing else: what no NumPy step can do without.

    Forward W xᵀ for every layer, δᵀ x for every weight, Wᵀ δᵀ for every layer but the first, on
    arrays of the shapes and layout that a step of ffnn has: what belongs to a batch lies column by
    column, which is the quicker way too. Each step has other rows of x.
    """

    def build(self) -> None:
        """Make the arrays of a step, all on cache lines of their own."""
        work, rng = self.work, np.random.default_rng(3)
        x = aligned(self.x)
        zeros = partial(np.zeros, dtype=work.dtype)
        self.batches = [x[start : start + work.batch] for start in range(0, work.rows, work.batch)]
        self.w = [aligned(weight) for weight, _ in self.initial]
        self.grads = [aligned(weight) for weight in self.w]
        self.z_t = [aligned(zeros((n, work.batch))) for n in work.sizes[1:]]
        self.dz_t = [
            aligned((rng.standard_normal(z.shape) / work.batch).astype(work.dtype))
            for z in self.z_t
        ]

    def fit(self) -> None:
        """Multiply, as often as the steps do."""
        matmul, layers = np.matmul, range(1, len(self.w))
        forward = [(self.w[i], self.z_t[i - 1], self.z_t[i]) for i in layers]
        backward = [
            (self.dz_t[i], self.z_t[i - 1].T, self.grads[i], self.w[i].T, self.dz_t[i - 1])
            for i in reversed(layers)
        ]
        for _ in range(self.work.epochs):
            for x in self.batches:
                matmul(self.w[0], x.T, out=self.z_t[0])
                for w, a_t, z_t in forward:
                    matmul(w, a_t, out=z_t)
                for dz_t, a, grad, w_t, da_t in backward:
                    matmul(dz_t, a, out=grad)
                    matmul(w_t, dz_t, out=da_t)
                matmul(self.dz_t[0], x, out=self.grads[0])


def aligned(values: NDArray[Any]) -> NDArray[Any]:
    """Return a copy that begins at a cache line."""
    raw = np.empty(values.size + 16, values.dtype)
    start = -(raw.ctypes.data % 64 // raw.itemsize) % (64 // raw.itemsize)
    result = raw[start : start + values.size].reshape(values.shape)
    result[...] = values
    return result


class Sklearn(Side):
    """`MLPClassifier.fit`, from given weights by way of `warm_start`.

    For two classes it takes one logistic output. Where two units are trained, one-hot targets and
    the softmax that it has for more classes give it the network of all others.
    """

    def build(self) -> None:
        """Make the classifier, with one fit that makes its attributes."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier

        warnings.simplefilter("ignore", ConvergenceWarning)
        work = self.work
        self.model = MLPClassifier(
            work.sizes[1:-1], solver=work.optimizer, batch_size=work.batch, alpha=0.0,
            learning_rate_init=work.learning_rate, momentum=0.0, nesterovs_momentum=False,
            early_stopping=False, n_iter_no_change=10**9, tol=0.0, max_iter=work.epochs,
            shuffle=True, warm_start=True, random_state=0, **ADAM,
        )  # fmt: skip
        is_pair = work.sizes[-1] == 2
        self.target = np.eye(2, dtype=np.int64)[self.y] if is_pair else self.y
        self.model.fit(self.x, self.target)
        if is_pair:
            self.model.out_activation_ = "softmax"

    def reset(self) -> None:
        """Set the weights; each fit makes its own optimizer."""
        self.model.coefs_ = [weight.T.copy() for weight, _ in self.initial]
        self.model.intercepts_ = [bias.copy() for _, bias in self.initial]

    def fit(self) -> None:
        """Train."""
        self.model.fit(self.x, self.target)

    def weights(self) -> Weights:
        """Return the coefficients, transposed."""
        assert self.model.n_iter_ == self.work.epochs
        pairs = zip(self.model.coefs_, self.model.intercepts_, strict=True)
        return [(weight.T, bias) for weight, bias in pairs]


class Torch(Side):
    """PyTorch, eager: one permutation an epoch, `index_select`, fused Adam."""

    def build(self) -> None:
        """Make the module and the tensors."""
        import torch

        if os.environ.get("OMP_NUM_THREADS") == "1":
            torch.set_num_threads(1)
        layers: list[Any] = []
        for inputs, units in pairwise(self.work.sizes):
            layers += [torch.nn.Linear(inputs, units), torch.nn.ReLU()]
        self.torch = torch
        self.model = torch.nn.Sequential(*layers[:-1]).to(getattr(torch, self.work.dtype))
        self.xt, self.yt = torch.from_numpy(self.x), torch.from_numpy(self.y)
        self.loss: Any = torch.nn.CrossEntropyLoss()
        if self.work.sizes[-1] == 1:
            self.loss, self.yt = torch.nn.BCEWithLogitsLoss(), self.yt[:, None].to(self.xt.dtype)

    def reset(self) -> None:
        """Set the weights and make a new optimizer."""
        torch, rate = self.torch, self.work.learning_rate
        with torch.no_grad():
            for layer, (weight, bias) in zip(self.model[::2], self.initial, strict=True):
                layer.weight.copy_(torch.from_numpy(weight))
                layer.bias.copy_(torch.from_numpy(bias))
        if self.work.optimizer == "sgd":
            self.optimizer = torch.optim.SGD(self.model.parameters(), lr=rate)
        else:
            betas = ADAM["beta_1"], ADAM["beta_2"]
            self.optimizer = torch.optim.Adam(
                self.model.parameters(), lr=rate, betas=betas, eps=ADAM["epsilon"], fused=True
            )

    def fit(self) -> None:
        """Run the training loop."""
        model, loss, optimizer, x, y = self.model, self.loss, self.optimizer, self.xt, self.yt
        for _ in range(self.work.epochs):
            for chosen in self.torch.randperm(len(x)).split(self.work.batch):
                optimizer.zero_grad(set_to_none=True)
                loss(model(x.index_select(0, chosen)), y.index_select(0, chosen)).backward()
                optimizer.step()

    def weights(self) -> Weights:
        """Return the linear modules' arrays."""
        return [
            (layer.weight.detach().numpy(), layer.bias.detach().numpy())
            for layer in self.model[::2]
        ]


class Keras(Side):
    """`keras.Sequential.fit` on JAX, from logits."""

    steps_per_execution = 1

    def build(self) -> None:
        """Make and compile the model."""
        import jax
        import keras

        jax.config.update("jax_enable_x64", self.work.dtype == "float64")
        keras.config.set_floatx(self.work.dtype)
        *hidden, classes = self.work.sizes[1:]
        layers = [keras.layers.Dense(units, activation="relu") for units in hidden]
        self.model = keras.Sequential(
            [keras.Input((self.work.sizes[0],)), *layers, keras.layers.Dense(classes)]
        )
        rate = self.work.learning_rate
        adam = self.work.optimizer == "adam"
        self.model.compile(
            optimizer=keras.optimizers.Adam(rate, **ADAM) if adam else keras.optimizers.SGD(rate),
            loss=(
                keras.losses.BinaryCrossentropy(from_logits=True)
                if classes == 1
                else keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            ),
            steps_per_execution=self.steps_per_execution,
        )
        self.model.optimizer.build(self.model.trainable_variables)
        variables = self.model.optimizer.variables
        self.fresh = [keras.ops.convert_to_numpy(variable) for variable in variables]

    def reset(self) -> None:
        """Set the weights, and the optimizer's variables to their initial values."""
        self.model.set_weights([a for w, bias in self.initial for a in (w.T, bias)])
        for variable, value in zip(self.model.optimizer.variables, self.fresh, strict=True):
            variable.assign(value)

    def fit(self) -> None:
        """Train."""
        work = self.work
        self.model.fit(
            self.x, self.y, batch_size=work.batch, epochs=work.epochs, shuffle=True, verbose=0
        )

    def weights(self) -> Weights:
        """Return the layers' arrays, transposed."""
        arrays = self.model.get_weights()
        return [(w.T, bias) for w, bias in zip(arrays[::2], arrays[1::2], strict=True)]


class KerasSteps(Keras):
    """Keras with ten steps to a call of the compiled function."""

    steps_per_execution = 10


SIDES: dict[str, type[Side]] = {
    "ffnn": FFNN,
    "compiled": Compiled,
    "auto": ThreadsChosen,
    "floor": Floor,
    "sklearn": Sklearn,
    "torch": Torch,
    "keras": Keras,
    "keras-steps": KerasSteps,
}


def make_side(name: str, work: Work) -> Side:
    """Return a side by its name, ready to train."""
    if name.startswith("jax"):
        from sides_jax import JAX, JAXBatches, JAXScan  # imports JAX

        return {"jax": JAX, "jax-batches": JAXBatches, "jax-scan": JAXScan}[name](work)
    return SIDES[name](work)


def one_fit(side: Side) -> dict[str, Any]:
    """Train from the initial weights and return the seconds and the loss reached."""
    side.reset()
    gc.collect()
    start = time.perf_counter()
    side.fit()
    seconds = time.perf_counter() - start
    weights = side.weights()
    loss = None if weights is None else mean_loss(weights, side.x, side.y)
    return {"seconds": seconds, "loss": loss}


def serve(name: str, work: Work) -> None:
    """Set up, then train once for each line read.

    Whatever the libraries print goes to stderr; stdout is for answers.
    """
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        side = make_side(name, work)
        first = mean_loss(side.initial, side.x, side.y)
        one_fit(side)
        answer = {"first_loss": first, **threads_in_force()}
        print(json.dumps(answer), file=answers, flush=True)
        for _ in sys.stdin:
            print(json.dumps(one_fit(side)), file=answers, flush=True)


if __name__ == "__main__":
    pin_to(sys.argv[3])
    serve(sys.argv[1], next(work for work in WORKS if work.name == sys.argv[2]))
