"""The chain of stages that a batch passes: forward from the first to the last, then back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ffnn._types import Array
from ffnn.core.registry import family_of
from ffnn.errors import LayerError
from ffnn.layers.base import Layer, Stage


def name_layers(layers: Iterable[Layer]) -> list[str]:
    """Return the names of the layers of a chain: the kind and a number, such as ``"dense_1"``."""
    counts, names = dict[str, int](), list[str]()
    for layer in layers:
        kind = family_of(layer).name_of(layer)
        counts[kind] = counts.get(kind, 0) + 1
        names.append(f"{kind}_{counts[kind]}")
    return names


def run_forward(stages: Iterable[Stage], x: Array, training: bool) -> Array:
    """Send a batch through `stages` and return what comes out; a LayerError names what failed."""
    for stage in stages:
        try:
            x = stage.forward(x, training)
        except Exception as error:
            raise _failure(stage, "forward", error) from error
    return x


def run_backward(stages: Iterable[Stage], grad: Array) -> Array | None:
    """Send ∂L/∂output back through `stages`, given last to first, and return what comes out."""
    flowing: Any = grad
    for stage in stages:
        try:
            flowing = stage.backward(flowing)
        except Exception as error:
            raise _failure(stage, "backward", error) from error
    result: Array | None = flowing
    return result


def _failure(stage: Stage, direction: str, error: Exception) -> LayerError:
    return LayerError(f"{stage.layer.title} failed in {direction}: {error}")


def tap(
    stages: Iterable[Stage],
    before: Callable[[Stage, str, Array], None] = lambda *_: None,
    after: Callable[[Stage, str, Array], None] = lambda *_: None,
) -> list[Stage]:
    """Return stages that tell what passes through them; this is how a batch is watched.

    `before` and `after` are called with the stage, ``"forward"`` or ``"backward"``, and the array
    that goes in or comes out: x and y forward, ∂L/∂y and ∂L/∂x backward. It is live working memory,
    to be read before the next stage runs. `after` is not called where `backward` returns None.
    """

    def watched(stage: Stage) -> Stage:
        def forward(x: Array, training: bool) -> Array:
            before(stage, "forward", x)
            y = stage.forward(x, training)
            after(stage, "forward", y)
            return y

        def backward(grad: Array) -> Array | None:
            before(stage, "backward", grad)
            dx = stage.backward(grad)
            if dx is not None:
                after(stage, "backward", dx)
            return dx

        return stage._replace(forward=forward, backward=backward)

    return [watched(stage) for stage in stages]


def release(stages: Iterable[Stage]) -> None:
    """Release the last batch, which may be the caller's own memory, from all layers."""
    for stage in stages:
        stage.layer.release()


def all_layers(layers: Iterable[Any]) -> Iterator[Layer]:
    """Yield the layers among `layers`, and those that they consist of, such as activations."""
    for layer in layers:
        if isinstance(layer, Layer):
            yield layer
            yield from all_layers(vars(layer).values())
        elif isinstance(layer, tuple):
            yield from all_layers(layer)
