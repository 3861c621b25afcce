"""Networks out of modules of PyTorch."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ffnn import activations, layers
from ffnn._types import Array
from ffnn.exchange.extras import require
from ffnn.exchange.found import Found, model_of
from ffnn.exchange.torch_runtime import expressed_class
from ffnn.layers.base import Layer
from ffnn.sequential import Sequential


def from_torch(module: Any) -> Sequential:
    """Return the network of a PyTorch module that is a chain of layers.

    Such a chain is a ``torch.nn.Sequential``, also one inside another, of ``Linear``, activations,
    ``BatchNorm1d``, ``LayerNorm``, ``RMSNorm``, ``Dropout``, ``Flatten`` and ``Identity``, or what
    `to_torch` returned. Parameters are copied; a layer whose parameters require no gradient is
    frozen.

    Parameters
    ----------
    module : torch.nn.Module
        The chain.

    Returns
    -------
    Sequential
        A built network, not compiled.

    Raises
    ------
    ImportError
        torch is not installed.
    ValueError
        A module is none of these, has settings that no layer has, or requires the gradients of some
        of its parameters only; it is named with its place.

    Examples
    --------
    >>> import ffnn
    >>> from torch import nn
    >>> module = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    >>> [type(layer).__name__ for layer in ffnn.exchange.from_torch(module).layers]
    ['Dense', 'Dense']
    """
    torch = require("torch", "a module of PyTorch")
    found = list(_read_chain(torch, module, ""))
    if not found:
        raise ValueError("from_torch: the module has no layers")
    width = next((each.width for each in found if each.width is not None), None)
    if width is None:
        raise ValueError("from_torch: no module says how many inputs there are")
    dtype = next(array.dtype.name for each in found for array in each.values.values())
    return model_of(found, width, dtype)


def _read_chain(torch: Any, module: Any, place: str) -> Iterator[Found]:
    """Yield the layers of a module."""
    if isinstance(module, torch.nn.Sequential):
        for name, each in module.named_children():
            yield from _read_chain(torch, each, f"{place}.{name}" if place else name)
        return
    title = f"module {place or 'at the top'} ({type(module).__name__})"
    if isinstance(module, expressed_class(torch)):
        clone = module.layer.clone()
        clone.freeze([n for n in module.layer.params if not module.needs_gradient(n)])
        if module.layer.state:
            clone.load_state(module.layer.state)
        yield Found(clone, module.values(), module.layer.input_dim)
        return
    reader = _readers(torch).get(type(module))
    if reader is None:
        raise ValueError(
            f"from_torch: {title} is none of a chain of layers that ffnn has: "
            f"{', '.join(sorted(kind.__name__ for kind in _readers(torch)))}"
        )
    try:
        found = reader(module)
        if found is not None:
            found.layer.trainable = _is_trainable(module)
    except (ValueError, TypeError) as error:
        raise ValueError(f"from_torch: {title}: {error}") from error
    if found is not None:
        yield found


def _is_trainable(module: Any) -> bool:
    """Tell whether training changes the parameters of a module; ValueError if it does some."""
    needed = {name: p.requires_grad for name, p in module.named_parameters()}
    if len(set(needed.values())) > 1:
        still = ", ".join(name for name, is_needed in needed.items() if not is_needed)
        raise ValueError(
            f"{still} requires no gradient, and the others do; here a layer is frozen as a whole: "
            f"set requires_grad of all its parameters alike"
        )
    return all(needed.values())


def _readers(torch: Any) -> dict[type, Callable[[Any], Found | None]]:
    nn = torch.nn
    plain: dict[type, Callable[[Any], Layer | None]] = {
        nn.ReLU: lambda m: activations.ReLU(),
        nn.Tanh: lambda m: activations.Tanh(),
        nn.Sigmoid: lambda m: activations.Sigmoid(),
        nn.SiLU: lambda m: activations.Swish(),
        nn.Mish: lambda m: activations.Mish(),
        nn.SELU: lambda m: activations.SELU(),
        nn.ELU: lambda m: activations.ELU(m.alpha),
        nn.LeakyReLU: lambda m: activations.LeakyReLU(m.negative_slope),
        nn.Hardtanh: lambda m: layers.Clamp(m.min_val, m.max_val),
        nn.Dropout: lambda m: layers.Dropout(m.p),
        nn.Softmax: _read_softmax,
        nn.Softplus: _read_softplus,
        nn.GELU: lambda m: activations.GELU(m.approximate),
        nn.Identity: lambda m: None,
        nn.Flatten: lambda m: None,
    }
    readers: dict[type, Callable[[Any], Found | None]] = {
        kind: functools.partial(_without_parameters, make) for kind, make in plain.items()
    }
    readers |= {
        nn.Linear: _read_linear,
        nn.BatchNorm1d: _read_batch_norm,
        nn.LayerNorm: _read_layer_norm,
        nn.RMSNorm: _read_rms_norm,
        nn.PReLU: _read_prelu,
    }
    return readers


def _without_parameters(make: Callable[[Any], Layer | None], module: Any) -> Found | None:
    layer = make(module)
    return None if layer is None else Found(layer, {})


def _read_softmax(module: Any) -> Layer:
    if module.dim not in (1, -1):
        raise ValueError(f"expected dim 1, got {module.dim}")
    return activations.Softmax()


def _read_softplus(module: Any) -> Layer:
    if module.beta != 1:
        raise ValueError(f"expected a beta of 1, got {module.beta}")
    return activations.Softplus()


def _arrays(**tensors: Any) -> dict[str, Array]:
    return {n: t.detach().cpu().numpy().copy() for n, t in tensors.items() if t is not None}


def _read_linear(module: Any) -> Found:
    values = _arrays(weight=module.weight, bias=module.bias)
    layer = layers.Dense(module.out_features, use_bias="bias" in values)
    return Found(layer, values, module.in_features)


def _read_batch_norm(module: Any) -> Found:
    if not module.affine or not module.track_running_stats:
        raise ValueError("expected affine=True and track_running_stats=True")
    if module.momentum is None:
        raise ValueError("expected a momentum, got None, a cumulative average")
    values = _arrays(
        gamma=module.weight,
        beta=module.bias,
        moving_mean=module.running_mean,
        moving_variance=module.running_var,
    )
    return Found(layers.BatchNorm(1.0 - module.momentum, module.eps), values, module.num_features)


def _read_layer_norm(module: Any) -> Found:
    if len(module.normalized_shape) != 1 or module.weight is None:
        raise ValueError("expected one axis and elementwise_affine=True")
    values = _arrays(gamma=module.weight, beta=module.bias)
    return Found(layers.LayerNorm(module.eps), values, module.normalized_shape[0])


def _read_prelu(module: Any) -> Found:
    shared = module.num_parameters == 1
    width = None if shared else module.num_parameters
    return Found(layers.PReLU(shared), _arrays(alpha=module.weight), width)


def _read_rms_norm(module: Any) -> Found:
    if len(module.normalized_shape) != 1 or module.weight is None:
        raise ValueError("expected one axis and elementwise_affine=True")
    values = _arrays(gamma=module.weight)
    epsilon = module.eps
    if epsilon is None:
        epsilon = float(np.finfo(values["gamma"].dtype).eps)
    return Found(layers.RMSNorm(epsilon), values, module.normalized_shape[0])
