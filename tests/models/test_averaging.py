"""Networks that were trained apart become one, and the networks in it are found again."""

import numpy as np
import pytest

import ffnn
from ffnn.layers import BatchNorm, Dense, Normalization
from ffnn.models.averaging import join, members_of

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(30, 3)), RNG.integers(0, 2, 30)


@pytest.fixture
def models():
    def train(seed):
        layers = [Normalization().adapt(X * seed), BatchNorm(), Dense(2, "softmax")]
        model = ffnn.Sequential(layers, seed=seed)
        rule = ffnn.optimizers.AdamW(0.01, 0.1, decay_exclude=["bias"])
        rule.learning_rate_factors = {"bias": 0.5}
        model.compile(rule, "sparse_categorical_crossentropy", ["accuracy"])
        model.class_names = ["no", "yes"]
        model.fit(X, Y, epochs=seed, verbose=0)
        return model

    return [train(seed) for seed in (1, 2, 3)]


def test_the_whole_predicts_the_mean_and_is_compiled_alike(models, tmp_path):
    whole = join(models, seed=7)
    mean = np.mean([each.predict(X) for each in models], axis=0)
    np.testing.assert_allclose(whole.predict(X), mean, rtol=1e-5)
    assert whole.evaluate(X, Y, return_dict=True).keys() == {"loss", "accuracy"}
    assert (whole.seed, whole.class_names) == (7, ["no", "yes"])
    whole.save(tmp_path / "m.h5")
    np.testing.assert_array_equal(ffnn.load_model(tmp_path / "m.h5").predict(X), whole.predict(X))
    before = [each.parameters.copy() for each in models]
    whole.fit(X, Y, epochs=1, verbose=0)  # its own values
    for each, values in zip(models, before, strict=True):
        np.testing.assert_array_equal(each.parameters, values)


def test_numbers_of_parameters_by_name_reach_those_of_the_members(models):
    whole = join(models)
    assert whole.optimizer.learning_rate_factors == {"bias": 0.5}
    for name, number in (("member_2.dense_1.bias", 0.5), ("member_2.dense_1.weight", 1.0)):
        assert whole.optimizer.own_numbers(name)["f"] == number
    assert whole.optimizer.own_numbers("member_1.dense_1.bias")["d"] == 0.0


def test_the_members_are_found_again(models):
    found = members_of(join(models))
    for model, member in zip(models, found, strict=True):
        np.testing.assert_array_equal(member.predict(X), model.predict(X))
        assert member.class_names == ["no", "yes"]
        assert [layer.name for layer in member.layers] == [layer.name for layer in model.layers]
    assert members_of(models[0]) == []


def test_the_history_is_the_mean_of_the_epochs_that_all_made(models, tmp_path):
    first = [each.history.history["loss"][0] for each in models]
    whole = join(models)
    whole.save(tmp_path / "m.h5")
    for history in (whole.history, ffnn.load_model(tmp_path / "m.h5").history):
        assert history.epoch == [0]
        assert history.history["loss"] == [pytest.approx(sum(first) / 3.0)]
        assert history.higher_is_better == ["accuracy"]
    models[1].history = None
    assert join(models).history is None
