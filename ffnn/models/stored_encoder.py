"""The encoder of a model's tables as plain data in a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ffnn.core.text import shown
from ffnn.saving.schema import check_form

if TYPE_CHECKING:
    from ffnn.tables import TableEncoder

ENCODER = {
    "columns": [dict],
    "left_out": [[str]],
    "target": ({"name": str, "class_names": ([str], None), "are_numbers": bool}, None),
    "reading": dict,
    "one_hot_max_size": (int, None),
    "clipping": ({"centers": [float], "factors": [float]}, None),
}
_NEW = {"one_hot_max_size": None, "clipping": None}  # what files of earlier versions do not say
_NEW_OF_COLUMN: dict[str, dict[str, Any]] = {
    "category": {"is_code": False, "most_frequent": ""},
    "date": {"date_format": ""},
}


def completed(config: Any) -> Any:
    """Return an encoder's config with what files of earlier versions do not say."""
    return {**_NEW, **config} if isinstance(config, dict) else config


def restore_encoder(config: Mapping[str, Any] | None) -> TableEncoder | None:
    """Return the encoder of which `config` has the form; ValueError if there is none such."""
    if config is None:
        return None
    from ffnn.tables.encoder import TableEncoder  # few models have one
    from ffnn.tables.encodings import ENCODINGS

    columns = []
    for index, column in enumerate(config["columns"]):
        place, kind = f"/config/encoder/columns/{index}", column.get("kind")
        if kind not in ENCODINGS:
            known = ", ".join(ENCODINGS)
            raise ValueError(f"{place}: expected a kind of {known}, got {shown(kind, 60)}")
        columns.append({**_NEW_OF_COLUMN.get(kind, {}), **column})
        check_form(columns[-1], ENCODINGS[kind].form(), place)
    return TableEncoder.from_config({**config, "columns": columns})
