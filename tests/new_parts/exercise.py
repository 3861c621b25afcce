"""What a part must do: be trained, checked, saved, loaded, resumed and explained.

Run as a program, this does it with the package's own classes whose names are given as
``FAMILY.CLASS``, and prints what came of it as JSON.
"""

import importlib
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

import ffnn
from ffnn.layers import Dense
from ffnn.optimizers import SGD

X = np.sin(np.arange(36.0)).reshape(12, 3)
Y = np.cos(np.arange(24.0)).reshape(12, 2)


def make_model(family, part):
    parts = {"activations": "tanh", "losses": "mse", "schedules": 0.05} | {family: part}
    first = Dense(
        4,
        parts["activations"],
        weight_initializer=parts.get("initializers", "glorot_uniform"),
        weight_regularizer=parts.get("regularizers"),
    )
    between = [parts["layers"]] if "layers" in parts else []
    model = ffnn.Sequential([first, *between, Dense(2)], input_dim=3, seed=1)
    optimizer = parts.get("optimizers") or SGD(parts["schedules"], momentum=0.5)
    metrics = [parts["metrics"]] if "metrics" in parts else []
    model.compile(optimizer, parts["losses"], metrics)
    return model


def exercise(family, cls, custom_objects=None):
    """Return what a part of a class does, in plain data."""
    model = make_model(family, cls())
    callbacks = [cls()] if family == "callbacks" else []
    options = {"batch_size": 5, "verbose": 0}
    model.fit(X, Y, epochs=2, callbacks=callbacks, **options)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.h5")
        model.save(path)
        loaded = ffnn.load_model(path, custom_objects)
        predictions = loaded.predict(X)
        resuming = [type(each)() for each in callbacks]
        loaded.fit(X, Y, epochs=4, callbacks=resuming, resume_from=path, **options)
    result = {
        "loss": model.history.history["loss"],
        "metrics": list(model.history.history),
        "error": ffnn.gradient_check(model, X, Y).max_error,
        "predicts alike": np.array_equal(predictions, model.predict(X)),
        "explanation": str(loaded.explain_step(X[:2], Y[:2])),
        "counts": [each.count for each in resuming],
    }
    model.fit(X, Y, initial_epoch=2, epochs=4, callbacks=callbacks, **options)
    return result | {"resumes alike": np.array_equal(loaded.parameters, model.parameters)}


if __name__ == "__main__":
    results = {}
    for argument in sys.argv[1:]:
        family, name = argument.split(".")
        cls = getattr(importlib.import_module(f"ffnn.{family}"), name)
        results[family] = exercise(family, cls)
    print(json.dumps(results))
