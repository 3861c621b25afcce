"""One network on one split: it learns, and its best epoch comes back."""

import numpy as np
import pytest
from table_problem import problem

import ffnn
from ffnn.layers import Dense
from ffnn.tabular.training import BestAverage, train


class Numbers(ffnn.callbacks.Callback):
    """Puts numbers of a test in the place of an epoch's, and notes the weight after each epoch."""

    def __init__(self, numbers):
        self.numbers, self.seen, self.trained = numbers, [], []

    def on_epoch_end(self, epoch, logs):
        self.seen.append(float(self.model.parameters[0]))
        logs["val_loss"] = self.numbers[epoch]

    def on_epoch_begin(self, epoch, logs):
        self.trained.append(float(self.model.parameters[0]))


def watch(numbers, waves=(), beta=0.75, **options):
    """Train one weight by steps of its own, and return it with what was noted."""
    model = ffnn.Sequential([Dense(1, use_bias=False)], input_dim=1, seed=0)
    model.compile(ffnn.optimizers.SGD(0.1), "mse")
    noted, best, x = Numbers(numbers), BestAverage("val_loss", waves, beta), np.ones((4, 1))
    data = {"epochs": len(numbers), "verbose": 0, "validation_data": (x, x)}
    model.fit(x, x, callbacks=[noted, best], **data | options)
    return model, noted, best


@pytest.mark.parametrize("beta", [0.75, 0.1])
def test_validation_sees_the_average_and_training_goes_on_with_the_weights(beta):
    model, noted, best = watch([3.0, 2.0, 1.0, 4.0], beta=beta)
    w = [noted.trained[0]]
    for _ in range(4):
        w.append(w[-1] + 0.2 * (1.0 - w[-1]))  # by hand: the gradient is 2 (w - 1)
    np.testing.assert_allclose(noted.trained, w[:-1], rtol=1e-6)
    average = [w[1]]
    for each in w[2:]:
        average.append(beta * average[-1] + (1.0 - beta) * each)
    np.testing.assert_allclose(noted.seen, average, rtol=1e-6)
    assert best.best_epoch == 2
    assert float(model.parameters[0]) == noted.seen[2]


@pytest.mark.parametrize(
    ("numbers", "epochs"),
    [
        ([2, 1, 3, 3, 3, 3, 3], 4),  # the second wave brings nothing
        ([2, 3, 3, 1, 3, 3, 3, 3], 8),  # the third one neither, and the training ends anyway
        ([2, 3, 3, 2, 3, 3, 3, 3], 4),  # equally good is not better
    ],
)
def test_training_ends_with_a_long_wave_that_brings_no_better_epoch(numbers, epochs, monkeypatch):
    monkeypatch.setattr(BestAverage, "fewest_updates", 4)  # one an epoch
    waves = [2, 4, 8]
    assert len(watch(numbers, waves)[1].seen) == len(numbers)  # too short to tell
    monkeypatch.setattr(BestAverage, "least_wave", 2)
    assert len(watch(numbers, waves)[1].seen) == min(epochs, len(numbers))


def test_few_updates_do_not_end_a_training(monkeypatch):
    monkeypatch.setattr(BestAverage, "least_wave", 2)
    assert BestAverage.fewest_updates == 300
    assert len(watch([2, 1, 3, 3, 3, 3, 3, 3], waves=[2, 4, 8])[1].seen) == 8


def test_a_resumed_training_continues_the_average(tmp_path):
    numbers = [5.0, 4.0, 3.0, 2.0, 1.0, 6.0]
    whole, noted, _ = watch(numbers)
    half, _, _ = watch(numbers[:3])
    half.save(tmp_path / "half.h5")
    resumed, later, best = watch(numbers, resume_from=tmp_path / "half.h5")
    assert later.seen == noted.seen[3:]
    assert best.best_epoch == 4
    np.testing.assert_array_equal(resumed.parameters, whole.parameters)


def test_averages_of_another_model_are_refused():
    model, _, best = watch([1.0, 2.0])
    state = best.get_state()
    for wrong in (np.zeros(2, np.float32), np.array([np.nan], np.float32), np.zeros(1)):
        with pytest.raises(ValueError, match="average"):
            best.check_state(state | {"average": wrong}, model)


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_a_network_learns_whatever_the_unit_of_its_target(task):
    recipe, make, rows, held_out = problem(task)
    model = make()
    train(model, recipe.lasting(120), rows, held_out, np.random.default_rng(0))
    predicted = model.predict(held_out.x)
    if task == "classification":
        assert model.loss.label_smoothing == 0.1
        assert (predicted.argmax(axis=1) == held_out.y).mean() > 0.8
    else:
        assert np.mean((predicted[:, 0] - held_out.y) ** 2) < 0.4 * held_out.y.var()


def test_the_epoch_that_is_best_on_other_rows_comes_back():
    recipe, make, rows, held_out = problem()
    model = make()
    train(model, recipe.lasting(30), rows, held_out, np.random.default_rng(0))
    best = min(model.history.history["val_loss"])  # of an average
    found = (
        np.mean((model.predict(held_out.x)[:, 0] - held_out.y) ** 2) / model.layers[-2].scale ** 2
    )
    assert found == pytest.approx(best, rel=1e-3)
