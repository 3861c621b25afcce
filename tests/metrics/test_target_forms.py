"""What metrics mean for each form of targets and each ending of a network, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

import ffnn
from ffnn.layers import Dense
from ffnn.metrics import F1, METRICS, Accuracy, Metric, Precision, Recall, TopKAccuracy

rng = np.random.default_rng(12)
X = rng.normal(size=(300, 5))
BITS = (rng.uniform(size=(300, 4)) < 0.4).astype(float)
LABELS = rng.integers(0, 4, 300)
ONE_HOT = np.eye(4)[LABELS]
BINARY = rng.integers(0, 2, 300).astype(float)
NUMBERS = X @ rng.normal(size=(5, 4))
WEIGHT = rng.integers(0, 3, 300) * 0.75

DECISIONS = ["accuracy", "precision", "recall", "f1"]
RESIDUALS = ["mean_squared_error", "mean_absolute_error", "r2"]
OF_CLASSES = ["confusion_matrix", "top_2_accuracy"]
ALL = [*DECISIONS, "auc", *OF_CLASSES, "binary_accuracy", *RESIDUALS]


def network(units, activation, loss, metrics):
    model = ffnn.Sequential([Dense(units, activation)], seed=3)
    model.compile("sgd", loss, metrics)
    return model


def made(name):
    return TopKAccuracy(2) if name == "top_2_accuracy" else METRICS.get(name)


# form → the network's end, its loss, its targets
FORMS = {
    "yes or no": (1, "sigmoid", "bce", BINARY),
    "yes or no as numbers": (1, None, "mse", BINARY),
    "share of yes": (1, "sigmoid", "bce", rng.uniform(size=300)),
    "class numbers": (4, "softmax", "cce", LABELS),
    "one-hot rows": (4, "softmax", "cce", ONE_HOT),
    "soft rows": (4, "softmax", "cce", rng.dirichlet(np.ones(4), 300)),
    "one-hot rows as numbers": (4, "tanh", "mse", ONE_HOT),
    "softmax with a loss on numbers": (4, "softmax", "mse", ONE_HOT),
    "several labels": (4, "sigmoid", "bce", BITS),
    "several labels, one each": (4, "sigmoid", "bce", ONE_HOT),
    "one number": (1, None, "mse", NUMBERS[:, 0]),
    "several numbers": (4, None, "mse", NUMBERS),
    "plus and minus one": (1, "tanh", "mse", 2 * BINARY - 1),
    "rows of plus and minus one": (4, "tanh", "mse", 2 * ONE_HOT - 1),
    "several labels as numbers": (4, "tanh", "mse", BITS),
    "counts": (1, "exponential", "poisson", rng.poisson(2.0, 300)),
}
NO_CLASSES = {
    "one number": "0 and 1",
    "several numbers": "0 and 1",
    "plus and minus one": "0 and 1",
    "rows of plus and minus one": "0 and 1",
    "several labels as numbers": "sum to 1.*several labels.*binary_crossentropy.*task='labels'",
    "counts": "0 and 1",
}
ONE_UNIT = ("yes or no", "yes or no as numbers", "share of yes")
REFUSED = {
    (name, form): text
    for form, text in NO_CLASSES.items()
    for name in [*DECISIONS, "auc", *OF_CLASSES]
}
REFUSED |= {(name, "several labels"): "sum to 1.*everal labels" for name in OF_CLASSES}
REFUSED |= {(name, "several labels as numbers"): "sum to 1.*everal labels" for name in OF_CLASSES}
REFUSED |= {("top_2_accuracy", form): "a unit for each class.*'accuracy'" for form in ONE_UNIT}
REFUSED |= {("binary_accuracy", form): "0 and 1" for form in NO_CLASSES if "labels" not in form}
REFUSED |= {(name, "class numbers"): "one-hot" for name in ["binary_accuracy", *RESIDUALS]}


def rows(values):
    return values[:, None] if np.ndim(values) == 1 else values


def reference(name, form, target, output, weight=None):
    """Return the metric by scikit-learn."""
    m = pytest.importorskip("sklearn.metrics", reason="scikit-learn is an extra")
    given = {"sample_weight": weight}
    if name in RESIDUALS:
        return getattr(m, name + ("_score" if name == "r2" else ""))(target, output, **given)
    if name == "binary_accuracy":
        right = (rows(target) > 0.5) == (output > 0.5)
        return np.average(right.mean(axis=1), weights=weight)
    if name == "auc":
        return areas(form, target, output, weight)
    options = {} if name == "accuracy" else {"average": "macro", "zero_division": 0}
    if output.shape[1] == 1:
        target, output = np.ravel(target) > 0.5, output.ravel() > 0.5
        options = options and {"zero_division": 0}
    elif form.startswith("several labels") and name not in OF_CLASSES:
        target, output = target > 0.5, output > 0.5  # scikit-learn takes rows of labels as they are
    else:
        target = target.argmax(axis=1) if np.ndim(target) == 2 else target
        if name == "top_2_accuracy":
            return m.top_k_accuracy_score(target, output, k=2, labels=range(4), **given)
        output = output.argmax(axis=1)
        options = options and {**options, "labels": range(4)}
    if name == "confusion_matrix":
        return m.confusion_matrix(target, output, **given)
    return getattr(m, f"{name}_score")(target, output, **options, **given)


def areas(form, target, output, weight):
    """Return the area under the ROC curve, of one column or the mean over several."""
    m = pytest.importorskip("sklearn.metrics", reason="scikit-learn is an extra")
    truth = np.eye(4)[target] if form == "class numbers" else rows(target)
    if output.shape[1] > 1 and not form.startswith("several labels"):
        truth = np.eye(4)[truth.argmax(axis=1)]
    return m.roc_auc_score(truth > 0.5, output, average="macro", sample_weight=weight)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ALL)
def test_each_metric_of_each_form_is_right_or_refused(name, form):
    units, activation, loss, target = FORMS[form]
    model = network(units, activation, loss, [made(name)])
    if (name, form) in REFUSED:
        for run in (model.evaluate, model.fit, model.train_on_batch):
            with pytest.raises(ffnn.DataError, match=f"metric '{name}'.*{REFUSED[name, form]}"):
                run(X, target)
        assert model.input_dim is None  # nothing was built
        assert model.history is None
        return
    value = model.evaluate(X, target, batch_size=64, return_dict=True)[name]
    assert value == pytest.approx(reference(name, form, target, model.predict(X)), rel=1e-5)
    fitted = model.fit(X, target, epochs=1, validation_split=0.2, verbose=0).history
    if name == "confusion_matrix":
        assert list(fitted) == ["loss", "val_loss"]
        return
    last = model.evaluate(X[240:], target[240:], return_dict=True)[name]
    assert fitted[f"val_{name}"][-1] == pytest.approx(last, rel=1e-6)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ALL)
def test_each_weighted_metric_of_each_form_is_right_or_refused(name, form):
    units, activation, loss, target = FORMS[form]
    model = network(units, activation, loss, None)
    model.compile("sgd", loss, weighted_metrics=[made(name)])
    if (name, form) in REFUSED:
        with pytest.raises(ffnn.DataError, match=f"metric '{name}'.*{REFUSED[name, form]}"):
            model.fit(X, target, sample_weight=WEIGHT)
        return
    options = {"batch_size": 7, "return_dict": True}
    value = model.evaluate(X, target, sample_weight=WEIGHT, **options)[name]
    expected = reference(name, form, target, model.predict(X), WEIGHT)
    assert value == pytest.approx(expected, rel=1e-5)
    plain = model.evaluate(X, target, **options)[name]
    assert plain == pytest.approx(reference(name, form, target, model.predict(X)), rel=1e-5)


@pytest.mark.parametrize("name", DECISIONS)
def test_the_meaning_does_not_change_with_the_rows_at_hand(name):
    # Of rows that have one label each by chance, the labels are measured all the same.
    model = network(4, "sigmoid", "bce", [name])
    model.fit(X, BITS, epochs=1, verbose=0)
    single = BITS.sum(axis=1) == 1
    value = model.evaluate(X[single], BITS[single], return_dict=True)[name]
    expected = reference(name, "several labels", BITS[single], model.predict(X[single]))
    assert value == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("metric", [Accuracy, Precision, Recall, F1])
def test_a_task_that_is_given_counts(metric):
    as_classes = network(4, "sigmoid", "bce", [metric(task="classes")])
    value = as_classes.evaluate(X, ONE_HOT)[1]
    output = as_classes.predict(X)
    expected = reference(metric.name, "one-hot rows", ONE_HOT, output)
    assert value == pytest.approx(expected, rel=1e-6)
    with pytest.raises(ffnn.DataError, match="sum to 1"):
        as_classes.evaluate(X, BITS)
    as_labels = network(4, "tanh", "mse", [metric(task="labels")])
    value = as_labels.evaluate(X, BITS)[1]
    expected = reference(metric.name, "several labels", BITS, as_labels.predict(X))
    assert value == pytest.approx(expected, rel=1e-6)
    with pytest.raises(ffnn.DataError, match="column for each label"):
        network(4, "softmax", "cce", [metric(task="labels")]).evaluate(X, LABELS)
    with pytest.raises(ValueError, match="task must be one of"):
        metric(task="label")


def test_where_nothing_is_measured_nothing_is_refused():
    model = network(1, None, "mse", ["accuracy"])
    assert model.compute_gradients(X, NUMBERS[:, 0]) > 0.0
    ffnn.gradient_check(model, X[:5], NUMBERS[:5, 0])


def test_several_labels_by_hand():
    target = np.array([[1, 0, 1], [0, 0, 1], [1, 1, 1.0]])
    output = np.array([[0.9, 0.2, 0.8], [0.6, 0.4, 0.7], [0.3, 0.9, 0.8]])
    # label 0: predicted 2, actual 2, hits 1; label 1: 1, 1, 1; label 2: 3, 3, 3
    expected = {Accuracy: 1 / 3, Precision: 2.5 / 3, Recall: 2.5 / 3, F1: 2.5 / 3}
    for metric, value in expected.items():
        alone = metric()
        alone.reset()
        alone.update(target, output)
        assert alone.result() == pytest.approx(value)


def test_by_itself_a_metric_does_not_change_its_mind():
    metric = Accuracy()
    metric.reset()
    metric.update(np.array([[1.0, 0.0]]), np.array([[0.9, 0.8]]))
    with pytest.raises(ffnn.DataError, match=r"Accuracy\(task='labels'\)"):
        metric.update(np.array([[1.0, 1.0]]), np.array([[0.9, 0.8]]))
    metric.reset()
    metric.update(np.array([[1.0, 1.0]]), np.array([[0.9, 0.8]]))
    metric.update(np.array([[1.0, 0.0]]), np.array([[0.9, 0.8]]))
    assert metric.result() == 0.5


def test_the_task_is_saved(tmp_path):
    model = network(4, "sigmoid", "bce", [F1(task="classes")])
    value = model.evaluate(X, ONE_HOT)
    model.save(tmp_path / "model.h5")
    loaded = ffnn.Sequential.load(tmp_path / "model.h5")
    assert loaded.metrics[0].task == "classes"
    assert loaded.evaluate(X, ONE_HOT) == value


class Named(Metric):
    """A metric with a name of its own."""

    def __init__(self, name="named"):
        self.name = name

    def reset(self):
        pass

    def update(self, target, output):
        pass

    def result(self):
        return 0.0


@pytest.mark.parametrize(
    "metrics",
    [
        ["accuracy", "accuracy"],
        ["acc", "accuracy"],
        [F1(), "f1_score"],
        [Accuracy(), Accuracy(task="classes")],
        ["mse", "mae", "mean_squared_error"],
        [Named("loss")],
        [Named("val_loss")],
        ["accuracy", Named("val_accuracy")],
        [Named("val_f1"), "f1"],
    ],
    ids=repr,
)
def test_two_numbers_of_one_name_are_refused(metrics):
    model = network(1, "sigmoid", "bce", ["accuracy"])
    before = model.optimizer, model.loss, model.metrics
    with pytest.raises(ValueError, match=r"two numbers would be called .*give each metric once"):
        model.compile("adam", "mse", metrics)
    assert (model.optimizer, model.loss, model.metrics) == before


@pytest.mark.parametrize("name", [None, "", 3, ["f1"]])
def test_a_metric_without_a_name_is_refused(name):
    with pytest.raises(TypeError, match="metric Named needs a name"):
        network(1, "sigmoid", "bce", [Named(name)])


def test_every_metric_of_the_library_is_tried():
    own = [cls.name for cls in METRICS if cls.__module__.startswith("ffnn.")]
    assert {made(name).name for name in own} == {made(name).name for name in ALL} ^ {
        "top_2_accuracy",
        "top_k_accuracy",
    }


class Renamed(F1):
    """A metric with a name of its class's own."""

    name = "f1_b"


def renamed(metric, name):
    metric.name = name
    return metric


@pytest.mark.parametrize("cls", [F1, Accuracy, Renamed, ffnn.metrics.R2])
def test_a_metric_that_was_renamed_is_refused_as_its_copies_would_not_be(cls):
    message = rf"metric {cls.__name__} was given the name 'b', .* copies .* {cls().name!r}"
    with pytest.raises(ValueError, match=message):
        network(4, "softmax", "cce", [cls(), renamed(cls(), "b")])


@pytest.mark.parametrize("name", ["loss", "f1", "b", "", None])
def test_a_metric_that_is_renamed_after_compile_is_refused_before_training(name):
    model = network(4, "softmax", "cce", [Accuracy()])
    model.build(5)
    before = model.get_weights()
    model.metrics[0].name = name
    with pytest.raises((TypeError, ValueError), match="compile: "):
        model.fit(X, ONE_HOT, verbose=0)
    assert model.history is None
    np.testing.assert_equal(model.get_weights(), before)


def test_metrics_of_one_class_under_two_names_are_told_apart(tmp_path):
    model = network(4, "softmax", "cce", [F1(), Renamed(), Named("one"), Named("two")])
    logs = model.fit(X, ONE_HOT, validation_split=0.5, verbose=0).history
    own = ["f1", "f1_b", "one", "two"]
    assert list(logs) == ["loss", *own, "val_loss", *(f"val_{name}" for name in own)]
    assert list(model.evaluate(X, ONE_HOT, return_dict=True)) == ["loss", *own]
    model.save(tmp_path / "model.h5")
    custom = {"Renamed": Renamed, "Named": Named}
    loaded = ffnn.Sequential.load(tmp_path / "model.h5", custom)
    assert loaded.evaluate(X, ONE_HOT) == model.evaluate(X, ONE_HOT)


@pytest.mark.parametrize("better", ["yes", 1, 0.0, np.True_])
def test_a_metric_says_by_a_bool_or_none_whether_higher_is_better(better):
    metric = Named()
    metric.higher_is_better = better
    with pytest.raises(TypeError, match="'named': higher_is_better must be True, False or None"):
        network(4, "softmax", "cce", [metric])
