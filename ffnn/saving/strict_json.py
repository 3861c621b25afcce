"""JSON that has one meaning only and takes no more than its share of memory."""

from __future__ import annotations

import json
import math
from typing import Any

from ffnn.errors import ModelFileError

_MAX_CONTAINERS = 200_000  # an empty list takes 3 bytes of text and some 60 of memory
_MAX_DIGITS = 1000  # reading a number takes time in the square of its digits


def parse(text: bytes) -> dict[str, Any]:
    """Return the object that `text`, JSON in UTF-8, describes, or raise ModelFileError.

    Besides what JSON forbids, these are refused: a key that comes twice, NaN and infinities,
    numbers beyond all floats, integers of more than 1,000 digits, more than 200,000 lists and
    objects.
    """
    if text.count(b"[") + text.count(b"{") > _MAX_CONTAINERS:
        raise ModelFileError(f"/config: more than {_MAX_CONTAINERS} lists and objects")
    try:
        value = json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_float,
            parse_int=_int,
        )
    except ModelFileError as error:
        raise ModelFileError(f"/config: {error}") from None
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"/config: not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise ModelFileError(f"/config: expected an object, got {type(value).__name__}")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ModelFileError(f"a key comes twice among {', '.join(result)[:80]}")
    return result


def _no_constant(name: str) -> float:
    raise ModelFileError(f"{name} is not a number")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ModelFileError("a number is too large for a float")
    return value


def _int(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ModelFileError(f"an integer has more than {_MAX_DIGITS} digits")
    return int(text)
