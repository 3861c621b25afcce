"""PReLU: its formula and the gradient of its slopes, by hand and beside PyTorch."""

import numpy as np
import pytest

import ffnn
from ffnn.layers import Dense, PReLU
from ffnn.optimizers import SGD

X = np.array([[-2.0, 3.0, -1.0], [4.0, -5.0, 0.0]])
GRAD = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def built(layer, slopes, dtype="float64"):
    layer.build(3, dtype=dtype)
    layer.params["alpha"][...] = slopes
    return layer


def test_each_unit_has_its_slope():
    layer = built(PReLU(), [0.5, -1.0, 2.0])
    np.testing.assert_array_equal(layer.forward(X), [[-1.0, 3.0, -2.0], [4.0, 5.0, 0.0]])
    dx = layer.backward(GRAD.copy())
    np.testing.assert_array_equal(dx, [[0.5, 2.0, 6.0], [4.0, -5.0, 12.0]])
    np.testing.assert_array_equal(layer.grads["alpha"], [-2.0, -25.0, -3.0])
    layer.backward(GRAD.copy())  # again, as nothing that it needs was used up
    np.testing.assert_array_equal(layer.grads["alpha"], [-2.0, -25.0, -3.0])


def test_all_units_share_one():
    layer = built(PReLU(shared=True), [0.5])
    np.testing.assert_array_equal(layer.forward(X), [[-1.0, 3.0, -0.5], [4.0, -2.5, 0.0]])
    dx = layer.backward(GRAD.copy())
    np.testing.assert_array_equal(dx, [[0.5, 2.0, 1.5], [4.0, 2.5, 3.0]])
    np.testing.assert_array_equal(layer.grads["alpha"], [-30.0])


def test_slopes_begin_at_a_quarter_or_as_was_said():
    assert PReLU().build(3).params["alpha"].tolist() == [0.25] * 3
    assert PReLU(True, -0.5).build(3).params["alpha"].tolist() == [-0.5]


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_largest_numbers_give_their_product(shared, dtype):
    largest = np.finfo(dtype).max
    layer = built(PReLU(shared), 0.5, dtype)
    x = np.array([[-largest, largest, 0.0]], dtype)
    with np.errstate(over="raise", invalid="raise"):
        np.testing.assert_array_equal(layer.forward(x), [[-0.5 * largest, largest, 0.0]])
        np.testing.assert_array_equal(layer.backward(np.ones_like(x)), [[0.5, 1.0, 0.5]])


@pytest.mark.parametrize("shared", [False, True])
def test_pytorch_learns_the_same_slopes(shared):
    torch = pytest.importorskip("torch", reason="torch is an extra")
    x, y = np.random.default_rng(0).normal(size=(2, 20, 4))
    model = ffnn.Sequential([Dense(5), PReLU(shared), Dense(4)], 4, "float64", seed=0)
    model.compile(SGD(0.1), "mse")
    module = ffnn.exchange.to_torch(model).train()
    rule = torch.optim.SGD(module.parameters(), 0.1)
    for _ in range(10):
        model.train_on_batch(x, y)
        rule.zero_grad()
        torch.nn.functional.mse_loss(module(torch.tensor(x)), torch.tensor(y)).backward()
        rule.step()

    slopes = model.layers[1].params["alpha"]
    assert (slopes != 0.25).any()
    np.testing.assert_allclose(slopes, module[1].weight.detach().numpy(), rtol=1e-10)


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: PReLU("yes"), TypeError, "PReLU: shared must be"),
        (lambda: PReLU(initial_slope=np.inf), ValueError, "PReLU: initial_slope must be"),
        (lambda: PReLU(initial_slope=None), TypeError, "PReLU: initial_slope must be a number"),
    ],
)
def test_wrong_arguments_are_refused(build, error, message):
    with pytest.raises(error, match=message):
        build()
