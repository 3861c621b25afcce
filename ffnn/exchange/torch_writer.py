"""Networks as modules of PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ffnn import activations, layers
from ffnn._types import Array
from ffnn.activations import ActivationFunction
from ffnn.exchange.extras import require
from ffnn.exchange.torch_runtime import expressed_class, own_name
from ffnn.layers.base import Layer
from ffnn.models.network import Network

# From here on log(1 + e^x) is x in float64, and e^x is finite in float32.
_SOFTPLUS_THRESHOLD = 40.0


def to_torch(model: Network) -> Any:
    """Return a network as a module of PyTorch, which can be trained on there.

    It is a ``torch.nn.Sequential``, with an activation as a module of its own behind its linear
    part, so that the names of ``state_dict`` are such as ``0.weight`` and ``1.running_mean``. The
    parameters are copies, in the same order; those of frozen layers do not require a gradient. In
    eval mode it computes what `predict` does; in train
    mode gradients are those of a training here. It is returned in eval mode.

    The layers of an `Average` compute there what they do outside training, in train mode, too. Two
    things differ in training on: PyTorch's BatchNorm moves its variance towards the unbiased
    one of the batch, n / (n - 1) times ours, and Dropout draws other masks. Its momentum is 1 minus
    ours, and is converted. Of a frozen BatchNorm, PyTorch keeps gain and shift, but in train mode
    it goes by the batch, and its averages move, unless that module's ``eval()`` is called.

    Parameters
    ----------
    model : Sequential
        A built network. Of a model with an encoder, the module takes the encoded columns.

    Returns
    -------
    torch.nn.Sequential
        The module, in the model's dtype.

    Raises
    ------
    ImportError
        torch is not installed.
    NotImplementedError
        A layer of the user's does not say what it computes.
    RuntimeError
        The model is not built.

    Examples
    --------
    >>> import numpy as np
    >>> import ffnn
    >>> model = ffnn.Sequential.from_sizes([2, 3, 2], ["tanh", "softmax"], seed=0)
    >>> x = np.array([[1.0, 2.0]], np.float32)
    >>> import torch
    >>> module = ffnn.exchange.to_torch(model)
    >>> module(torch.from_numpy(x)).shape
    torch.Size([1, 2])
    """
    torch = require("torch", "a module of PyTorch")
    model.require_built()
    modules = []
    for layer in model.layers:
        for made in _modules(torch, layer):
            for name in layer.frozen if isinstance(made, expressed_class(torch)) else ():
                made.get_parameter(own_name(name)).requires_grad = False
            modules.append(made if layer.trainable else made.requires_grad_(False))
    whole = torch.nn.Sequential(*modules).to(getattr(torch, model.dtype.name))
    return whole.eval()


def _modules(torch: Any, layer: Layer) -> Iterator[Any]:
    """Yield the modules that compute what a layer does."""
    if isinstance(layer, layers.Dense) and layer.weight_factor == 1.0:
        made = torch.nn.Linear(layer.input_dim, layer.units, bias=layer.use_bias)
        yield _filled(torch, made, weight=layer.params["weight"], bias=layer.params.get("bias"))
        if layer.activation is not None:
            yield _activation(torch, layer.activation)
    elif isinstance(layer, layers.Activation):
        yield _activation(torch, layer.activation)
    elif isinstance(layer, ActivationFunction):
        yield _activation(torch, layer)
    else:
        yield _layer(torch, layer)


def _activation(torch: Any, activation: ActivationFunction) -> Any:
    """Return the module of an activation."""
    nn = torch.nn
    makers: dict[type, Callable[[Any], Any]] = {
        activations.ELU: lambda f: nn.ELU(f.alpha),
        activations.GELU: lambda f: nn.GELU(approximate=f.approximate),
        activations.LeakyReLU: lambda f: nn.LeakyReLU(f.negative_slope),
        activations.Linear: lambda f: nn.Identity(),
        activations.Mish: lambda f: nn.Mish(),
        activations.ReLU: lambda f: nn.ReLU(),
        activations.SELU: lambda f: nn.SELU(),
        activations.Sigmoid: lambda f: nn.Sigmoid(),
        activations.Softmax: lambda f: nn.Softmax(dim=1),
        activations.Softplus: lambda f: nn.Softplus(threshold=_SOFTPLUS_THRESHOLD),
        activations.Swish: lambda f: nn.SiLU(),
        activations.Tanh: lambda f: nn.Tanh(),
    }
    maker = makers.get(type(activation))
    return expressed_class(torch)(activation) if maker is None else maker(activation)


def _layer(torch: Any, layer: Layer) -> Any:
    """Return the module of any other layer."""
    nn, columns = torch.nn, layer.input_dim
    if isinstance(layer, layers.BatchNorm):
        made = nn.BatchNorm1d(columns, eps=layer.epsilon, momentum=1.0 - layer.momentum)
        return _filled(
            torch,
            made,
            weight=layer.params["gamma"],
            bias=layer.params["beta"],
            running_mean=layer.moving_mean,
            running_var=layer.moving_variance,
        )
    if isinstance(layer, layers.LayerNorm):
        made = nn.LayerNorm(columns, eps=layer.epsilon)
        return _filled(torch, made, weight=layer.params["gamma"], bias=layer.params["beta"])
    if isinstance(layer, layers.RMSNorm):
        made = nn.RMSNorm(columns, eps=layer.epsilon)
        return _filled(torch, made, weight=layer.params["gamma"])
    if isinstance(layer, layers.PReLU):
        alpha = layer.params["alpha"]
        return _filled(torch, nn.PReLU(alpha.size), weight=alpha)
    if isinstance(layer, layers.Dropout):
        return nn.Dropout(layer.current_rate)
    return expressed_class(torch)(layer)


def _filled(torch: Any, module: Any, **arrays: Array | None) -> Any:
    """Return a module with values in its parameters and buffers."""
    for name, array in arrays.items():
        if array is not None:
            tensor = torch.tensor(np.array(array))
            if name in dict(module.named_parameters(recurse=False)):
                tensor = torch.nn.Parameter(tensor)
            setattr(module, name, tensor)
    return module
