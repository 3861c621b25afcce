"""What plain data must look like, written as plain data, and a check against it."""

from __future__ import annotations

from typing import Any

from ffnn.core.text import shorten


def check_form(value: Any, form: Any, place: str) -> None:
    """Raise ValueError, with the place, what was expected and what came, if `value` is not so.

    A type as the form stands for its values (and ``int`` for no booleans), None for itself,
    ``[form]`` for a list of any length, ``{key: form}`` for a dict with just these keys, and a
    tuple of forms for any of them.

    Examples
    --------
    >>> check_form({"epoch": [0, 1]}, {"epoch": [int]}, "history")
    """
    if isinstance(form, tuple):
        if not any(_is_of_kind(value, option) for option in form):
            raise ValueError(f"{place}: expected {_name(form)}, got {shorten(repr(value), 60)}")
        form = next(option for option in form if _is_of_kind(value, option))
    if not _is_of_kind(value, form):
        raise ValueError(f"{place}: expected {_name(form)}, got {shorten(repr(value), 60)}")
    if isinstance(form, list):
        for index, item in enumerate(value):
            check_form(item, form[0], f"{place}/{index}")
    elif isinstance(form, dict):
        if value.keys() != form.keys():
            differing = ", ".join(sorted(map(str, value.keys() ^ form.keys()))[:5])
            raise ValueError(f"{place}: missing or unknown: {differing}")
        for key, inner in form.items():
            check_form(value[key], inner, f"{place}/{key}")


def _is_of_kind(value: Any, form: Any) -> bool:
    kind = form if isinstance(form, type) else type(form)
    return type(value) is kind


def _name(form: Any) -> str:
    if isinstance(form, tuple):
        return " or ".join(_name(option) for option in form)
    return (
        form.__name__ if isinstance(form, type) else type(form).__name__.replace("NoneType", "None")
    )
