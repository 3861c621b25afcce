"""The steps of a table's encoder as Python and as JavaScript."""

from __future__ import annotations

from typing import Any

from ffnn.tables.encoder import TableEncoder
from ffnn.tables.entries import WORDS
from ffnn.tables.raw import MISSING


def encoder_data(encoder: TableEncoder) -> dict[str, Any]:
    """Return what the code below needs to know of an encoder, as plain data."""
    columns: list[dict[str, Any]] = [
        {**each.get_config(), "features": len(each.feature_names)} for each in encoder.encodings
    ]
    clipping = None if encoder.clipping is None else encoder.clipping.get_config()
    scaled = [not each.num_codes for each in encoder.encodings for _ in each.feature_names]
    return {
        "columns": columns,
        "clipping": clipping,
        "scaled": scaled,
        "missing": sorted(MISSING),
        "words": WORDS,
    }


PYTHON_ENCODER = """

def _encode(row):
    features = []
    for column in ENCODER["columns"]:
        entry = row.get(column["name"])
        if isinstance(entry, str):
            entry = entry.strip()
        if entry is None or entry != entry or str(entry).casefold() in ENCODER["missing"]:
            entry = None
        features += globals()["_" + column["kind"]](column, entry)
    clipping = ENCODER["clipping"]
    if clipping is None:
        return features
    pairs = iter(zip(clipping["centers"], clipping["factors"]))
    for i, is_scaled in enumerate(ENCODER["scaled"]):
        if is_scaled:
            center, factor = next(pairs)
            u = (features[i] - center) * factor
            features[i] = u / math.hypot(1.0, u / 3.0)
    return features


def _wrong(column, entry):
    return ValueError(f"column {column['name']!r}: {entry!r} is no {column['kind']}")


def _flagged(column, made, entry):
    return made + [float(entry is None)] if column["has_missing"] else made


def _number(column, entry):
    try:
        value = column["median"] if entry is None else float(entry)
    except (TypeError, ValueError):
        raise _wrong(column, entry) from None
    if not math.isfinite(value) or isinstance(entry, bool) or "_" in str(entry):
        raise _wrong(column, entry)
    return _flagged(column, [(value - column["mean"]) / column["std"]], entry)


def _boolean(column, entry):
    known = {**ENCODER["words"], **{k.casefold(): v for k, v in column["meanings"].items()}}
    if entry is not None and _name(entry).casefold() not in known:
        raise _wrong(column, entry)
    value = column["mean"] if entry is None else known[_name(entry).casefold()]
    return _flagged(column, [(value - column["mean"]) / column["std"]], entry)


def _name(entry):
    is_whole = isinstance(entry, float) and entry.is_integer() and abs(entry) < 1e15
    return str(int(entry)) if is_whole else str(entry)


def _category(column, entry):
    names = column["categories"]
    place = names.index(_name(entry)) if entry is not None and _name(entry) in names else -1
    if place < 0 and entry is not None and not isinstance(entry, str):
        codes = [i for i, n in enumerate(names) if n.isdecimal() and str(int(n)) == _name(entry)]
        place = codes[0] if len(codes) == 1 else -1
    has_other = column["num_rare"] > 0 and not column["is_code"]
    if entry is None:
        place = len(names) + has_other if column["has_missing"] else -1
    elif place < 0 and has_other:
        place = len(names)
    if column["is_code"]:
        return [float(place + 1)]
    return [float(place == i) for i in range(column["features"])]


def _date(column, entry):
    from datetime import datetime, timezone

    if entry is None:
        circles = [0.0] * (2 * len(column["parts"]))
        return _flagged(column, [0.0] + circles, entry)
    try:
        moment = entry if hasattr(entry, "timetuple") else datetime.fromisoformat(str(entry))
        moment = datetime(*moment.timetuple()[:6])
        first = datetime.fromisoformat(column["first"])
    except ValueError:
        raise _wrong(column, entry) from None
    elapsed = (moment - first).total_seconds() / 86400.0
    day = moment.replace(hour=0, minute=0, second=0)
    places = {
        "month": (moment.month - 1) / 12.0,
        "weekday": ((day - datetime(1970, 1, 1)).days % 7) / 7.0,
        "hour": (moment - day).total_seconds() / 86400.0,
    }
    made = [(elapsed - column["mean"]) / column["std"]]
    for part in column["parts"]:
        angle = 2.0 * math.pi * places[part]
        made += [math.sin(angle), math.cos(angle)]
    return _flagged(column, made, entry)

"""

JAVASCRIPT_ENCODER = """
function encode(row) {
  const features = [];
  for (const column of ENCODER.columns) {
    let entry = row[column.name];
    if (typeof entry === "string") entry = entry.trim();
    if (entry === undefined || Number.isNaN(entry)) entry = null;
    if (entry !== null && ENCODER.missing.includes(String(entry).toLowerCase())) entry = null;
    features.push(...KINDS[column.kind](column, entry));
  }
  if (ENCODER.clipping === null) return features;
  const { centers, factors } = ENCODER.clipping;
  let next = 0;
  return features.map((feature, i) => {
    if (!ENCODER.scaled[i]) return feature;
    const u = (feature - centers[next]) * factors[next++];
    return u / Math.hypot(1.0, u / 3.0);
  });
}

function wrong(column, entry) {
  return new Error(`column ${column.name}: ${entry} is no ${column.kind}`);
}

function flagged(column, made, entry) {
  return column.has_missing ? [...made, entry === null ? 1 : 0] : made;
}

const KINDS = {
  number(column, entry) {
    const isNumber = /^[-+]?(\\d+\\.?\\d*|\\.\\d+)(e[-+]?\\d+)?$/i.test(entry);
    const value = entry === null ? column.median : Number(entry);
    if (entry !== null && (!isNumber || typeof entry === "object" || !Number.isFinite(value))) {
      throw wrong(column, entry);
    }
    return flagged(column, [(value - column.mean) / column.std], entry);
  },

  boolean(column, entry) {
    const known = { ...ENCODER.words };
    for (const [word, value] of Object.entries(column.meanings)) known[word.toLowerCase()] = value;
    const value = entry === null ? column.mean : known[String(entry).toLowerCase()];
    if (value === undefined) throw wrong(column, entry);
    return flagged(column, [(value - column.mean) / column.std], entry);
  },

  category(column, entry) {
    const names = column.categories;
    let place = entry === null ? -1 : names.indexOf(String(entry));
    if (place < 0 && typeof entry === "number") {
      const codes = [...names.keys()].filter(
        (i) => /^\\d+$/.test(names[i]) && String(Number(names[i])) === String(entry),
      );
      place = codes.length === 1 ? codes[0] : -1;
    }
    const hasOther = column.num_rare > 0 && !column.is_code;
    if (entry === null) {
      place = column.has_missing ? names.length + (hasOther ? 1 : 0) : -1;
    } else if (place < 0 && hasOther) {
      place = names.length;
    }
    if (column.is_code) return [place + 1];
    return compute(column.features, (i) => (place === i ? 1 : 0));
  },

  date(column, entry) {
    if (entry === null) {
      return flagged(column, [0, ...column.parts.flatMap(() => [0, 0])], entry);
    }
    const seconds = seconds_of(entry);
    if (Number.isNaN(seconds)) throw wrong(column, entry);
    const moment = new Date(1000 * seconds);
    const days = Math.floor(seconds / 86400);
    const places = {
      month: moment.getUTCMonth() / 12,
      weekday: (((days % 7) + 7) % 7) / 7,
      hour: (seconds - 86400 * days) / 86400,
    };
    const elapsed = (seconds - seconds_of(column.first)) / 86400;
    const circles = column.parts.flatMap((part) => {
      const angle = 2 * Math.PI * places[part];
      return [Math.sin(angle), Math.cos(angle)];
    });
    return flagged(column, [(elapsed - column.mean) / column.std, ...circles], entry);
  },
};

function seconds_of(entry) {
  const text = entry instanceof Date ? entry.toISOString().slice(0, 19) : String(entry);
  const parts = /^(\\d{4})-(\\d\\d)-(\\d\\d)(?:[T ](\\d\\d):(\\d\\d)(?::(\\d\\d))?)?/.exec(text);
  if (parts === null) return NaN;
  const [, year, month, day, hour = 0, minute = 0, second = 0] = parts.map((p) => p && Number(p));
  return Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
}
"""
