"""The programs that `bench_commands.py` times, each as a skilled user of its library writes it.

A program ends its clock by `done()`, which tells its largest memory too, and prints what it has
reached: ``loss=`` over all training rows, by plain NumPy in float64, or the mean of the last epoch
where all libraries keep it, or ``test accuracy:``.
"""

from __future__ import annotations

BEGIN = """
    import os, resource, sys, time, warnings
    import numpy as np
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    started = float(os.environ["STARTED"])

    def done():
        seconds, unit = time.time() - started, 1 if sys.platform == "darwin" else 1024
        peak = unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"seconds={seconds}\\nmegabytes={peak}")

    def reached(weights, x, y):
        from common import mean_loss
        print(f"loss={mean_loss(weights, x, y)}")

    def of_pairs(arrays):
        return [(w.T, b) for w, b in zip(arrays[::2], arrays[1::2])]
"""
DATA = """
    y = rng.integers(10, size=6400)
    x = rng.standard_normal((10, 784))[y] * 0.05 + 0.5 * rng.standard_normal((6400, 784))
    x = x.astype(np.float32)
"""
COLD = {
    "ffnn": """
        import ffnn
        model = ffnn.Sequential.from_sizes([784, 128, 64, 10], ["relu", "relu", "softmax"], seed=0)
        model.compile(ffnn.optimizers.SGD(0.05), "sparse_categorical_crossentropy")
        model.fit(x, y, batch_size=64, epochs=1, verbose=0)
        done()
        reached([(l.params["weight"], l.params["bias"]) for l in model.layers], x, y)
    """,
    "sklearn": """
        from sklearn.neural_network import MLPClassifier
        model = MLPClassifier((128, 64), solver="sgd", batch_size=64, alpha=0.0, max_iter=1,
                              learning_rate_init=0.05, momentum=0.0, random_state=0).fit(x, y)
        done()
        reached([(w.T, b) for w, b in zip(model.coefs_, model.intercepts_)], x, y)
    """,
    "torch": """
        import torch
        if os.environ.get("OMP_NUM_THREADS") == "1":
            torch.set_num_threads(1)
        model = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(),
                                    torch.nn.Linear(128, 64), torch.nn.ReLU(),
                                    torch.nn.Linear(64, 10))
        for layer in model[::2]:
            torch.nn.init.xavier_uniform_(layer.weight)
            torch.nn.init.zeros_(layer.bias)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        loss = torch.nn.CrossEntropyLoss()
        xt, yt = torch.from_numpy(x), torch.from_numpy(y)
        for chosen in torch.randperm(len(x)).split(64):
            optimizer.zero_grad(set_to_none=True)
            loss(model(xt[chosen]), yt[chosen]).backward()
            optimizer.step()
        done()
        reached([(l.weight.detach().numpy(), l.bias.detach().numpy()) for l in model[::2]], x, y)
    """,
    "keras": """
        import keras
        model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(128, "relu"),
                                  keras.layers.Dense(64, "relu"), keras.layers.Dense(10)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(0.05), loss)
        model.fit(x, y, batch_size=64, epochs=1, verbose=0)
        done()
        reached(of_pairs(model.get_weights()), x, y)
    """,
    "jax": """
        from functools import partial
        import jax, jax.numpy as jnp
        from sides_jax import sgd
        sizes = [784, 128, 64, 10]
        state = [(jnp.array(rng.uniform(-1, 1, (n, m)) * np.sqrt(6 / (n + m)), "float32"),
                  jnp.zeros(n)) for m, n in zip(sizes, sizes[1:])]
        step = jax.jit(partial(sgd, 0.05), donate_argnums=0)
        order = rng.permutation(len(x))
        labels = y.astype(np.int32)
        for start in range(0, len(order), 64):
            chosen = order[start : start + 64]
            state = step(state, x[chosen], labels[chosen])
        jax.block_until_ready(state)
        done()
        reached([(np.asarray(w), np.asarray(b)) for w, b in state], x, y)
    """,
}
VALIDATION = {
    "ffnn": """
        import ffnn
        from ffnn.callbacks import EarlyStopping
        model = ffnn.Sequential.from_sizes([784, 128, 64, 10], ["relu", "relu", "softmax"], seed=0)
        model.compile(ffnn.optimizers.Adam(0.0003), "sparse_categorical_crossentropy",
                      metrics=["accuracy"])
        stop = EarlyStopping("val_loss", patience=30, restore_best_weights=False)
        started = time.time()
        found = model.fit(x, y, batch_size=64, epochs=10, validation_split=0.1, callbacks=[stop],
                          verbose=0)
        done()
        print(f"loss={found.history['loss'][-1]}")
    """,
    "sklearn": """
        from sklearn.neural_network import MLPClassifier
        model = MLPClassifier((128, 64), batch_size=64, alpha=0.0, learning_rate_init=0.0003,
                              early_stopping=True, validation_fraction=0.1, n_iter_no_change=30,
                              max_iter=10, random_state=0)
        started = time.time()
        model.fit(x, y)
        done()
        print(f"loss={model.loss_}")
    """,
    "keras": """
        import keras
        model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(128, "relu"),
                                  keras.layers.Dense(64, "relu"), keras.layers.Dense(10)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(0.0003), loss, metrics=["accuracy"])
        stop = keras.callbacks.EarlyStopping("val_loss", patience=30)
        started = time.time()
        found = model.fit(x, y, batch_size=64, epochs=10, validation_split=0.1, callbacks=[stop],
                          verbose=0)
        done()
        print(f"loss={found.history['loss'][-1]}")
    """,
}
SPARSE_DATA = """
    import scipy.sparse
    y = rng.integers(2, size=12800)
    columns = rng.integers(5000, size=(12800, 25))
    columns[:, :3] = rng.integers(200, size=(12800, 3)) + 200 * y[:, None]
    values = np.ones(columns.size, np.float32)
    x = scipy.sparse.csr_matrix((values, columns.ravel(), np.arange(12801) * 25), (12800, 5000))
    x.sum_duplicates()
"""
SPARSE = {
    "ffnn": """
        import ffnn
        model = ffnn.Sequential.from_sizes([5000, 64, 1], ["relu", "sigmoid"], seed=0)
        model.compile(ffnn.optimizers.Adam(0.001), "binary_crossentropy")
        started = time.time()
        model.fit(x, y, batch_size=64, epochs=2, verbose=0)
        done()
        reached([(l.params["weight"], l.params["bias"]) for l in model.layers], x.toarray(), y)
    """,
    "sklearn": """
        from sklearn.neural_network import MLPClassifier
        model = MLPClassifier((64,), batch_size=64, alpha=0.0, max_iter=2, random_state=0)
        started = time.time()
        model.fit(x, y)
        done()
        reached([(w.T, b) for w, b in zip(model.coefs_, model.intercepts_)], x.toarray(), y)
    """,
    "torch": """
        import torch
        if os.environ.get("OMP_NUM_THREADS") == "1":
            torch.set_num_threads(1)
        model = torch.nn.Sequential(torch.nn.Linear(5000, 64), torch.nn.ReLU(),
                                    torch.nn.Linear(64, 1))
        for layer in model[::2]:
            torch.nn.init.xavier_uniform_(layer.weight)
            torch.nn.init.zeros_(layer.bias)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.001, fused=True)
        loss = torch.nn.BCEWithLogitsLoss()
        yt = torch.from_numpy(y.astype(np.float32))[:, None]
        started = time.time()
        for _ in range(2):
            for chosen in torch.randperm(len(y)).split(64):
                optimizer.zero_grad(set_to_none=True)
                batch = torch.from_numpy(x[chosen.numpy()].toarray())
                loss(model(batch), yt[chosen]).backward()
                optimizer.step()
        done()
        weights = [(l.weight.detach().numpy(), l.bias.detach().numpy()) for l in model[::2]]
        reached(weights, x.toarray(), y)
    """,
}
COMMAND = """
    import sys, warnings
    import pandas
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import StandardScaler
    warnings.simplefilter("ignore")
    table = pandas.read_csv(sys.argv[1])
    y = table.pop("target")
    x, x_test, y, y_test = train_test_split(table.to_numpy("float32"), y, test_size=0.1)
    scaler = StandardScaler().fit(x)
    model = MLPClassifier((64, 32), batch_size=256, max_iter=5).fit(scaler.transform(x), y)
    print("test accuracy:", model.score(scaler.transform(x_test), y_test))
"""
TRAIN = (
    *("--preset", "plain", "--target", "target", "--hidden", "64,32", "--batch-size", "256"),
    *("--epochs", "5", "--learning-rate", "0.001", "--test-split", "0.1", "--quiet"),
)
