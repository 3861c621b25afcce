"""The estimators, alone and in pipelines, converted by skl2onnx and computed by onnxruntime."""

import subprocess
import sys

import numpy as np
import pytest

from ffnn.estimators import FFNNClassifier, FFNNRegressor

skl2onnx = pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")
runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
pipeline = pytest.importorskip("sklearn.pipeline")
preprocessing = pytest.importorskip("sklearn.preprocessing")

X = np.random.default_rng(0).normal(size=(100, 4))
TARGETS = {
    "text": np.where(X[:, 0] > 0.0, "yes", "no"),
    "numbers": np.digitize(X[:, 0], [-0.5, 0.5]) + 3,
    "one": X[:, 0],
    "two": X[:, :2],
}


def run(made, x):
    session = runtime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"X": x})


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("target", TARGETS)
def test_a_pipeline_is_converted(target, dtype):
    x, is_classes = X.astype(dtype), target in ("text", "numbers")
    kind = FFNNClassifier if is_classes else FFNNRegressor
    estimator = kind(
        hidden_layer_sizes=(8,), max_iter=300, tol=1e-2, random_state=0, solver="lbfgs"
    )
    model = pipeline.make_pipeline(preprocessing.StandardScaler(), estimator)
    model.fit(x, TARGETS[target])
    options = {id(model): {"zipmap": False}} if is_classes else None
    found = run(skl2onnx.to_onnx(model, x[:1], options=options), x)
    if is_classes:
        np.testing.assert_array_equal(found[0], model.predict(x))
        np.testing.assert_allclose(found[1], model.predict_proba(x), atol=2e-6)
    else:
        expected = model.predict(x).reshape(len(x), -1)
        np.testing.assert_allclose(found[0], expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("order", ["skl2onnx, ffnn.estimators", "ffnn.estimators, skl2onnx"])
def test_whichever_is_imported_first(order):
    code = (
        f"import {order}\nfrom skl2onnx._supported_operators import sklearn_operator_name_map\n"
        "print(sorted(k.__name__ for k in sklearn_operator_name_map if 'FFNN' in k.__name__))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['FFNNClassifier', 'FFNNRegressor']"
