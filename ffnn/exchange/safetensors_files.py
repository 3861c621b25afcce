"""Parameters as safetensors files."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ffnn._types import Array, FilePath
from ffnn.core.files import read_whole, replace_whole
from ffnn.core.text import listed, shown
from ffnn.errors import ModelFileError
from ffnn.exchange.extras import require
from ffnn.models.network import Network


def to_safetensors(model: Network, path: FilePath) -> None:
    """Write the parameters and states of a network, by names such as ``dense_1.weight``.

    Parameters
    ----------
    model : Sequential
        A built network.
    path : str or path
        Where to write.

    Raises
    ------
    ImportError
        safetensors is not installed.
    RuntimeError
        The model is not built.

    Examples
    --------
    >>> import ffnn
    >>> model = ffnn.Sequential.from_sizes([2, 3, 2], ["tanh", "softmax"], seed=0)
    >>> ffnn.exchange.to_safetensors(model, "model.safetensors")
    """
    safetensors = require("safetensors.numpy", "a safetensors file")
    # An array that is not contiguous would be written with wrong values.
    arrays = {name: np.ascontiguousarray(array) for name, array in _arrays(model).items()}
    replace_whole(path, safetensors.save(arrays, {"format": "np"}))


def from_safetensors(path: FilePath, model: Network) -> Network:
    """Read what `to_safetensors` wrote into a built network of the same layers.

    Parameters
    ----------
    path : str or path
        The file.
    model : Sequential
        A built network. If the file does not fit, it stays as it is.

    Returns
    -------
    Sequential
        `model` itself.

    Raises
    ------
    ImportError
        safetensors is not installed.
    ModelFileError
        The file is missing or damaged, or has other names or shapes than the network.
    RuntimeError
        The model is not built.

    Examples
    --------
    >>> import ffnn
    >>> model = ffnn.Sequential.from_sizes([2, 3, 2], ["tanh", "softmax"], seed=0)
    >>> ffnn.exchange.to_safetensors(model, "model.safetensors")
    >>> model = ffnn.exchange.from_safetensors("model.safetensors", model)
    """
    safetensors = require("safetensors.numpy", "a safetensors file")
    own = _arrays(model)
    try:
        content = bytes(read_whole(path, 0, lambda start, size: None))
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from error
    try:
        found: Mapping[str, Array] = safetensors.load(content)
    except Exception as error:
        raise ModelFileError(f"{path}: this is no safetensors file: {error}") from error
    wrong = [
        f"{shown(name, 60)} {_described(found.get(name))}, expected {_described(own.get(name))}"
        for name in sorted({*own, *found})
        if _described(found.get(name)) != _described(own.get(name))
    ]
    if wrong:
        raise ModelFileError(f"{path}: it is of another network: {listed(wrong, 5)}")
    for layer in model.layers:
        states = {name: found[f"{layer.name}.{name}"] for name in layer.state}
        try:
            layer.check_state(states)
        except ValueError as error:
            raise ModelFileError(f"{path}: {layer.name}: {error}") from error
    for layer in model.layers:
        for name, array in layer.params.items():
            array[...] = found[f"{layer.name}.{name}"]
        layer.load_state({name: found[f"{layer.name}.{name}"] for name in layer.state})
    return model


def _arrays(model: Network) -> dict[str, Array]:
    model.require_built()
    return {
        f"{layer.name}.{name}": array
        for layer in model.layers
        for name, array in {**layer.params, **layer.state}.items()
    }


def _described(array: Array | None) -> str:
    return "is missing" if array is None else f"{array.dtype} of shape {array.shape}"
