"""When trainings run compiled loops, and what happens where these cannot be compiled."""

import os
import pickle
import subprocess
import sys
import threading
import types

import numpy as np
import pytest

import ffnn
from ffnn.kernels import compiler
from ffnn.kernels.compiler import find_problem
from ffnn.layers import Dense, Dropout, Layer, ParametricActivation
from ffnn.models import compiling
from ffnn.models.compiling import estimate_saved
from ffnn.optimizers import SGD, Adam, AdamW, RMSprop

needs_numba = pytest.mark.skipif(bool(find_problem()), reason=find_problem() or "numba is there")

X = np.random.default_rng(0).standard_normal((100, 6)).astype(np.float32)
Y = np.arange(100) % 3


def make(jit_compile, optimizer=None, dtype="float32"):
    layers = [Dense(8, "relu"), Dropout(0.2), Dense(3, "softmax")]
    model = ffnn.Sequential(layers, seed=1, dtype=dtype)
    model.compile(optimizer or Adam(), "sparse_categorical_crossentropy", jit_compile=jit_compile)
    return model


def trained(jit_compile, *args, epochs=4, **options):
    model = make(jit_compile, *args)
    model.fit(X, Y, epochs=epochs, verbose=0, **options)
    return model


@pytest.fixture
def calls(monkeypatch):
    """Return the list of the optimizers whose twins were made."""
    from ffnn.kernels import twins

    made, twin_of = [], twins.twin_of

    def noting(part, dtype):
        twin = twin_of(part, dtype)
        return twin if twin is None else made.append(type(part).__name__) or twin

    monkeypatch.setattr(twins, "twin_of", noting)
    return made


@pytest.fixture
def no_numba(monkeypatch):
    monkeypatch.setattr(compiler, "find_problem", lambda: compiler.MISSING)


@pytest.fixture(autouse=True)
def untold(monkeypatch):
    monkeypatch.setattr(compiling, "_told", set())


@needs_numba
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: SGD(0.1),
        lambda: SGD(0.1, momentum=0.9),
        lambda: SGD(0.1, momentum=0.9, nesterov=True, clipnorm=0.1),
        lambda: Adam(0.01, clipvalue=1e-3),
        lambda: AdamW(0.01, 0.1, decay_exclude=["bias"], learning_rate_factors={"bias": 0.1}),
        lambda: RMSprop(0.01),
    ],
)
def test_trainings_end_in_the_same_bits(optimizer, dtype, calls):
    weights = [trained(jit, optimizer(), dtype).parameters for jit in (True, False)]

    assert weights[0].tobytes() == weights[1].tobytes()
    assert type(optimizer()).__name__ in calls


@needs_numba
def test_a_layer_of_the_users_own_goes_its_own_way(calls):
    class Own(Layer):
        def forward(self, x, training=False):
            return np.ascontiguousarray(x) * np.float32(2.0)

        def backward(self, grad):
            return np.ascontiguousarray(grad) * np.float32(2.0)

    weights = []
    for jit_compile in (True, False):
        layers = [Dense(8, "relu"), Own(), Dropout(0.2), Own(), Dense(3, "softmax")]
        model = ffnn.Sequential(layers, seed=1)
        model.compile("adam", "sparse_categorical_crossentropy", jit_compile=jit_compile)
        model.fit(X, Y, epochs=2, verbose=0)
        weights.append(model.parameters.tobytes())

    assert weights[0] == weights[1]
    assert "Adam" in calls


@needs_numba
def test_auto_compiles_for_long_trainings_alone(calls, monkeypatch):
    trained("auto")
    assert calls == []

    monkeypatch.setattr(compiling, "LEAST_SAVED", 1e-9)
    trained("auto")
    assert "Adam" in calls
    del calls[:]

    trained(False)
    assert calls == []


def test_the_estimate_is_what_the_parts_save_for_each_number():
    layers = [Dense(100), Dropout(0.1), ParametricActivation("mish"), Dense(1)]
    model = ffnn.Sequential(layers, seed=0)
    model.compile(Adam())
    model.build(1000)
    # 10⁵ + 100 + 100 + 101 parameters by 1 ns, and of 64 · 100 entries 0.9 ns and 4 ns.
    seconds = 1e4 * (100_301 + 6400 * 4.9) * 1e-9

    assert estimate_saved(model.step, 10_000, 64) == pytest.approx(seconds)
    assert estimate_saved(model.step, 1, 64) == 0.0


def test_a_short_training_does_not_even_load_the_compiler():
    code = (
        "import sys, numpy, ffnn\n"
        "model = ffnn.Sequential([ffnn.layers.Dense(1)])\n"
        "model.compile()\n"
        "model.fit(numpy.ones((4, 2)), numpy.ones(4), verbose=0)\n"
        "print([name for name in sys.modules if name.startswith(('numba', 'ffnn.kernels'))])"
    )

    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert result.stdout.strip() == "[]"


def test_without_numba_a_training_runs_as_always(no_numba, monkeypatch):
    monkeypatch.setattr(compiling, "LEAST_SAVED", 0.0)

    assert trained("auto").parameters.tobytes() == trained(False).parameters.tobytes()


def test_true_without_numba_is_refused_with_the_line_to_install(no_numba):
    model = make(False)
    optimizer = model.optimizer

    with pytest.raises(ImportError, match=r"jit_compile=True, but numba is not installed: pip"):
        model.compile(Adam(), "sparse_categorical_crossentropy", jit_compile=True)

    assert model.optimizer is optimizer
    assert model.jit_compile is False


@pytest.mark.parametrize(
    ("version", "problem"),
    [
        ("0.60.2", "numba 0.60.2 is older than 0.61: pip install -U 'ffnn[fast]'"),
        ("0.61.0", ""),
        ("1.0", ""),
    ],
)
def test_an_old_numba_is_of_no_use(version, problem, monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", numba_like(version))

    assert compiler.find_problem.__wrapped__() == problem


def test_a_numba_that_is_switched_off_is_of_no_use(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", numba_like("1.0", is_off=1))

    assert "switched off by NUMBA_DISABLE_JIT" in compiler.find_problem.__wrapped__()


def numba_like(version, is_off=0):
    config = types.SimpleNamespace(DISABLE_JIT=is_off)
    return types.SimpleNamespace(__version__=version, config=config)


def test_a_numba_that_is_not_there_or_cannot_be_loaded_is_of_no_use(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    assert compiler.find_problem.__wrapped__() == compiler.MISSING

    def fail(name):
        raise ImportError("Numba needs NumPy 2.3 or less")

    monkeypatch.setattr(compiler.importlib, "import_module", fail)
    assert "cannot be loaded: Numba needs NumPy" in compiler.find_problem.__wrapped__()


def test_a_numba_of_no_use_is_told_once(monkeypatch):
    monkeypatch.setattr(compiler, "find_problem", lambda: "numba 0.50 is older than 0.61")
    monkeypatch.setattr(compiling, "LEAST_SAVED", 0.0)

    with pytest.warns(UserWarning, match=r"same results, only slower: numba 0.50 is older"):
        first = trained("auto")

    assert trained("auto").parameters.tobytes() == first.parameters.tobytes()


@needs_numba
def test_a_loop_that_fails_to_compile_is_told_once(monkeypatch):
    def fail(self, dtype):
        raise TypeError("LLVM is broken")

    monkeypatch.setattr(compiler.Loop, "compiled", fail)

    with pytest.warns(UserWarning, match="numba failed: LLVM is broken"):
        first = trained(True)

    assert trained(True).parameters.tobytes() == first.parameters.tobytes()
    assert first.parameters.tobytes() == trained(False).parameters.tobytes()


@pytest.mark.parametrize("wrong", ["yes", 1, None, 1.0])
def test_a_wrong_choice_is_refused(wrong):
    with pytest.raises(ValueError, match="jit_compile must be True, False or 'auto', got"):
        make(wrong)


def test_the_choice_cannot_be_set_past_compile():
    with pytest.raises(AttributeError, match="jit_compile cannot be set; call compile"):
        make("auto").jit_compile = True


@pytest.mark.parametrize("choice", [True, False, "auto"])
def test_the_choice_is_kept_in_files_and_pickles(choice, tmp_path, monkeypatch):
    model = make(False)
    model.build(6)
    model.take_jit_compile(choice)
    model.save(tmp_path / "model.h5")
    # The file may come to a machine without numba.
    monkeypatch.setattr(compiler, "find_problem", lambda: compiler.MISSING)

    loaded = ffnn.load_model(tmp_path / "model.h5")
    copied = pickle.loads(pickle.dumps(model))

    assert loaded.jit_compile is choice or loaded.jit_compile == choice
    assert type(loaded.jit_compile) is type(copied.jit_compile) is type(choice)


def test_a_file_with_another_choice_is_refused():
    model = make(False)
    model.build(6)
    config, arrays = model.capture()
    config["compile"]["jit_compile"] = "never"

    with pytest.raises(ValueError, match="/config/compile/jit_compile: expected a bool or 'auto'"):
        ffnn.Sequential.restore(config, arrays)


@needs_numba
def test_a_training_is_resumed_with_and_without(tmp_path):
    whole = trained(False, epochs=4)
    first = trained(True, epochs=2)
    first.save(tmp_path / "half.h5")

    second = make(False)
    second.fit(X, Y, epochs=4, verbose=0, resume_from=tmp_path / "half.h5")

    assert second.parameters.tobytes() == whole.parameters.tobytes()


@needs_numba
def test_a_model_that_was_trained_compiled_can_be_pickled_and_copied():
    model = trained(True)

    copied = pickle.loads(pickle.dumps(model))
    copied.fit(X, Y, epochs=1, verbose=0)
    model.fit(X, Y, epochs=1, verbose=0)

    assert copied.parameters.tobytes() == model.parameters.tobytes()


@needs_numba
def test_threads_train_compiled_at_the_same_time():
    expected = trained(False).parameters.tobytes()
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(trained(True).parameters.tobytes()))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [expected] * 4


@needs_numba
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_trains_compiled():
    expected = trained(True).parameters.tobytes()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, bytes([trained(True).parameters.tobytes() == expected]))
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(reading, 1) == b"\x01"


@needs_numba
def test_a_loop_is_compiled_where_no_cache_can_be_written():
    code = (
        "from numba.core import caching\n"
        "import numpy as np\n"
        "caching.CacheImpl._locator_classes = []\n"
        "from ffnn.kernels.optimizers import descend\n"
        "w, g = np.ones((2, 3), np.float32)\n"
        "descend.compiled(w.dtype)(w, g, np.float32(-0.5))\n"
        "print(w.tolist())"
    )

    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert result.stdout.strip() == "[0.5, 0.5, 0.5]"
