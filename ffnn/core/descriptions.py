"""Parts as plain data: write a part down, and build it again, also one of the user's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ffnn.core.registry import Configurable, Family, family_of
from ffnn.core.text import shorten, shown

# Before the name of a class that is not registered; no registered name begins with it.
CUSTOM = "custom:"


def describe(value: Any) -> Any:
    """Turn a value of a config into plain data: numbers, strings, lists and dicts.

    A part becomes ``{"kind": ..., "name": ..., "config": {...}}`` with its `kept_values` as further
    keys, a mapping in its config a list of pairs.
    The name of a class of the user's is marked, so that it is never taken for one of the library's.
    """
    if isinstance(value, (list, tuple)):
        return [describe(item) for item in value]
    if not isinstance(value, Configurable):
        return value
    family = family_of(value)
    config = dict(value.get_config())
    for name, item in config.items():
        config[name] = describe([*item.items()] if isinstance(item, Mapping) else item)
    mark = "" if family.is_registered(type(value)) else CUSTOM
    name = mark + family.name_of(value)
    return {"kind": family.kind, "name": name, "config": config, **value.kept_values()}


def rebuild(description: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Build again what `describe` wrote down; `custom_objects` are the user's, by name.

    ValueError or TypeError says that a name is unknown, or that arguments do not fit their class.
    """
    if isinstance(description, list):
        return [rebuild(item, custom_objects) for item in description]
    if not isinstance(description, dict):
        return description
    family = Family.by_kind.get(description["kind"])
    if family is None:
        raise ValueError(f"unknown kind of part {shown(description['kind'], 60)}")
    make = _maker_of(family, description["name"], custom_objects or {})
    config = {**getattr(make, "in_older_files", {}), **description["config"]}
    part = make(**{key: rebuild(value, custom_objects) for key, value in config.items()})
    for key in description.keys() - {"kind", "name", "config"}:
        if key not in part.kept:
            raise ValueError(f"{type(part).__name__} is described by nothing like {shown(key, 60)}")
        setattr(part, key, description[key])
    return part


def _maker_of(
    family: Family[Any], name: str, custom_objects: Mapping[str, Any]
) -> Callable[..., Configurable]:
    """Return the class, or what takes its place, of a part that was saved under `name`.

    Registered names are in lower case and found as they are. Files that were written before custom
    classes were marked have the name of such a class alone, ``"Softplus"`` and not ``"softplus"``.
    """
    if name in family.classes:
        return family.classes[name]
    name = name.removeprefix(CUSTOM)
    custom = custom_objects.get(name)
    if custom is None:
        shown = shorten(repr(name), 60)
        raise ValueError(
            f"unknown {family.kind} {shown}: it is not part of ffnn; if it is a class or a "
            f"function of yours, pass it in custom_objects={{{shown}: ...}}"
        )
    make = family.maker_of(custom)
    if make is None:
        raise TypeError(f"custom object {name!r} must be a subclass of {family.base.__name__}")
    return make


def custom_objects(value: Any) -> dict[str, Any]:
    """Return the classes and functions of which `value`, a part or a list of parts, is made.

    They are those that are not the library's. ValueError is raised if two of them have one name, by
    which they could not be told apart.
    """
    found: dict[str, Any] = {}
    for part in _parts_in(value):
        family = family_of(part)
        if family.is_registered(type(part)):
            continue
        name, custom = family.name_of(part), part.custom_object
        if found.setdefault(name, custom) is not custom:
            kind = "classes" if isinstance(custom, type) else "functions"
            raise ValueError(f"there are two custom {kind} named {name!r}; rename one of them")
    return found


def _parts_in(value: Any) -> Iterator[Configurable]:
    """Yield the parts in a config's value, and the parts that these consist of."""
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _parts_in(item)
    elif isinstance(value, Configurable):
        yield value
        yield from _parts_in(list(value.get_config().values()))
