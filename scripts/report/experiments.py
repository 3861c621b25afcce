"""The one table of experiments: settings beside the accuracies that the report gives.

What the report leaves open and is chosen here is stated in `Experiment.setup`.
"""

from __future__ import annotations

import itertools
from typing import Any

from ffnn.core.checks import nearest
from ffnn.initializers import HeNormal, RandomNormal, RandomUniform, Zeros
from report.settings import Claim, Experiment, Row, SklearnTraining, Training


def _compare_in_order(*names: str, ours: bool = False) -> tuple[Claim, ...]:
    """Return the claims that each name is more accurate than the one before it."""
    return tuple(Claim(higher, lower, ours=ours) for lower, higher in itertools.pairwise(names))


def _network(**settings: Any) -> Training:
    """Return a training of the network that goes beyond the report."""
    return Training(hidden=(512, 256), epochs=30, **settings)


def _activation(name: str) -> Training:
    return Training(hidden=(128, 64), epochs=10, activation=name)


WIDTH = Experiment(
    "width",
    "1a. Width",
    "Two hidden layers with ReLU, 20 epochs. The report names no initialisation here; where it "
    "names none, ours is Xavier's (uniform).",
    "All widths get 20 epochs at one rate and still improve at the end: a difference may be one of "
    "speed.",
    (
        Row("64-32", Training(hidden=(64, 32)), 95.69),
        Row("128-64", Training(hidden=(128, 64)), 96.15),
        Row("256-128", Training(hidden=(256, 128)), 96.47),
    ),
    _compare_in_order("64-32", "128-64", "256-128"),
)

DEPTH = Experiment(
    "depth",
    "1b. Depth",
    "One to three hidden layers with ReLU, 20 epochs. The report gives 128-64, which is also in "
    "1a, two accuracies.",
    "A deeper network here also has more parameters. Still deeper ones were not tried.",
    (
        Row("128", Training(hidden=(128,)), 95.01),
        Row("128-64", Training(hidden=(128, 64)), 96.20),
        Row("128-64-32", Training(hidden=(128, 64, 32)), 96.48),
    ),
    _compare_in_order("128", "128-64", "128-64-32"),
)

ACTIVATION = Experiment(
    "activation",
    "2. Activation of the hidden layers",
    "784-128-64-10, 10 epochs, all from the same initial weights.",
    "Ten epochs at one rate tell how fast an activation learns, not how good it can become.",
    (
        Row("relu", _activation("relu"), 94.91),
        Row("leaky_relu", _activation("leaky_relu"), 95.05),
        Row("linear", _activation("linear"), 91.91),
        Row("tanh", _activation("tanh"), 94.09),
        Row("sigmoid", _activation("sigmoid"), 86.02, tolerance=1.0),
        Row("swish", _activation("swish"), 94.23),
    ),
    _compare_in_order("sigmoid", "linear", "tanh", "swish", "relu", "leaky_relu"),
)

LEARNING_RATE = Experiment(
    "learning-rate",
    "3. Learning rate",
    "784-128-32-10 with ReLU, 20 epochs.",
    "A smaller rate with more epochs, and rates above 0.1, were not tried.",
    (
        Row("rate 0.001", Training(learning_rate=0.001), 91.01, tolerance=1.0),
        Row("rate 0.01", Training(learning_rate=0.01), 96.16),
        Row("rate 0.1", Training(learning_rate=0.1), 97.58),
    ),
    _compare_in_order("rate 0.001", "rate 0.01", "rate 0.1"),
)

INITIALIZATION = Experiment(
    "init",
    "4. Initialisation",
    "784-128-32-10 with ReLU, 20 epochs (the report gives neither); biases start at 0. The report "
    "does not give the bounds of its uniform and normal draws: U(−1, 1) and N(0, 1), too wide for "
    "784 inputs, stand beside two narrow ones.",
    "The narrow draws may merely be slower. That zeros learn nothing is no accident: every hidden "
    "ReLU stays 0, so only the output's biases are trained, and every row gets the most frequent "
    "digit.",
    (
        Row("zeros", Training(weights=Zeros()), 11.43, tolerance=1.0),
        Row("He normal", Training(weights=HeNormal()), 96.08),
        Row("Xavier uniform", Training(weights="glorot_uniform"), 96.11),
        Row("U(−1, 1)", Training(weights=RandomUniform(-1.0, 1.0))),
        Row("N(0, 1)", Training(weights=RandomNormal(0.0, 1.0))),
        Row("U(−0.05, 0.05)", Training(weights=RandomUniform(-0.05, 0.05))),
        Row("N(0, 0.05²)", Training(weights=RandomNormal(0.0, 0.05**2))),
    ),
    (
        Claim("He normal", "zeros"),
        Claim("Xavier uniform", "He normal"),
        Claim("He normal", "U(−1, 1)", ours=True),
        Claim("U(−1, 1)", "N(0, 1)", ours=True),
        Claim("He normal", "U(−0.05, 0.05)", ours=True),
        Claim("He normal", "N(0, 0.05²)", ours=True),
    ),
)

RMSNORM = Experiment(
    "rmsnorm",
    "5. RMSNorm",
    "784-128-32-10 with ReLU and He's initialisation, 20 epochs (not in the report). RMSNorm is in "
    "both hidden layers. The report's took the root mean square for a constant and never trained "
    "its gain γ; ours differentiates both.",
    "A normalised network may want another learning rate; none was tried.",
    (
        Row("without RMSNorm", Training(weights=HeNormal()), 96.29),
        Row("with RMSNorm", Training(weights=HeNormal(), norm="rms_norm"), 96.61),
    ),
    (Claim("with RMSNorm", "without RMSNorm"),),
)

L1, L2 = 2e-4, 1e-3
REGULARIZATION = Experiment(
    "regularization",
    "6. L1 and L2",
    "784-128-32-10 with leaky ReLU, 20 epochs. The report gives neither the epochs nor λ; here the "
    f"penalty is λ1 Σ|w| + λ2 Σw² with λ1 = {L1:g} and λ2 = {L2:g}, on the weights of all layers. "
    "The losses in the table leave it out. The report's code never set λ.",
    "Which of L1 and L2 costs more depends on λ. After 20 epochs the network without a penalty "
    "hardly overfits, so a penalty has little to cure.",
    (
        Row("no penalty", Training(activation="leaky_relu"), 96.13),
        Row("L1", Training(activation="leaky_relu", l1=L1), 95.84),
        Row("L2", Training(activation="leaky_relu", l2=L2), 95.68),
        Row("L1+L2", Training(activation="leaky_relu", l1=L1, l2=L2), 95.34),
    ),
    _compare_in_order("L1+L2", "L2", "L1", "no penalty"),
)

SKLEARN = Experiment(
    "sklearn",
    "7. Against scikit-learn",
    "784-128-32-10, 20 epochs. As reported: ffnn with leaky ReLU and plain SGD against "
    "`MLPClassifier` at its defaults (ReLU, Adam, batches of 200, an L2 penalty) in float64. "
    "Matched: ReLU, plain SGD, batches of 64, no penalty, float32, for both. Two differences "
    "remain: scikit-learn draws its initial biases at random, and ffnn also computes a validation "
    "loss each epoch.",
    "As reported, the two differ in optimizer, batch, activation and penalty: that says nothing "
    "about the libraries. The times come from one busy machine; the benchmarks have better ones.",
    (
        Row("ffnn as reported", Training(activation="leaky_relu"), 95.94),
        Row("scikit-learn as reported", SklearnTraining(), 97.83),
        Row("ffnn matched", Training()),
        Row(
            "scikit-learn matched",
            SklearnTraining(
                dtype="float32",
                options={
                    "activation": "relu",
                    "solver": "sgd",
                    "momentum": 0.0,
                    "alpha": 0.0,
                    "batch_size": 64,
                    "learning_rate_init": 0.01,
                    "n_iter_no_change": 20,  # never ends early
                },
            ),
        ),
    ),
    (
        Claim("scikit-learn as reported", "ffnn as reported"),
        Claim("ffnn matched", "scikit-learn matched", margin=0.2, ours=True),
    ),
    races=(
        ("ffnn as reported", "scikit-learn as reported"),
        ("ffnn matched", "scikit-learn matched"),
    ),
)

BEST = Experiment(
    "best",
    "Beyond the report: 784-512-256-10",
    "ReLU, at most 30 epochs. The first rows build on each other: SGD; momentum 0.9; Adam (rate "
    "0.001) instead; dropout of 0.3 of the hidden units. The row best has AdamW (rate 0.001 "
    "falling to 0 along half a cosine, decay 0.01), BatchNorm before each ReLU, dropout of 0.1 of "
    "the pixels and 0.3 of the hidden units, He's initialisation and batches of 128. No "
    "augmentation.",
    "The row best is the better of two settings tried with one seed, by validation accuracy; the "
    "rates of the other rows were not tuned. The order is that of these settings, not of the "
    "methods.",
    (
        Row("SGD", _network()),
        Row("momentum", _network(options=(("momentum", 0.9),))),
        Row("Adam", _network(optimizer="adam", learning_rate=0.001)),
        Row("Adam + dropout", _network(optimizer="adam", learning_rate=0.001, dropout=0.3)),
        Row(
            "best",
            _network(
                weights="he_normal",
                norm="batch_norm",
                optimizer="adamw",
                options=(("weight_decay", 0.01),),
                learning_rate=0.001,
                cosine=True,
                batch_size=128,
                input_dropout=0.1,
                dropout=0.3,
            ),
        ),
    ),
    _compare_in_order("SGD", "momentum", "Adam", "Adam + dropout", "best", ours=True),
)

EXPERIMENTS = (
    WIDTH,
    DEPTH,
    ACTIVATION,
    LEARNING_RATE,
    INITIALIZATION,
    RMSNORM,
    REGULARIZATION,
    SKLEARN,
    BEST,
)


def find_experiments(names: str) -> tuple[Experiment, ...]:
    """Return the experiments of a list such as ``"width,depth"``, in the table's order.

    Raises
    ------
    ValueError
        A name is unknown, or the list is empty.
    """
    known = [experiment.name for experiment in EXPERIMENTS]
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if name not in known:
            raise ValueError(
                f"there is no experiment {name!r}{nearest(name, known)}; known: {', '.join(known)}"
            )
    if not wanted:
        raise ValueError(f"no experiment is named; known: {', '.join(known)}")
    return tuple(experiment for experiment in EXPERIMENTS if experiment.name in wanted)
