"""`Features`: what becomes of the columns of a table, and where it stands."""

from __future__ import annotations

import itertools

import numpy as np

from ffnn._types import Array
from ffnn.tables.clipping import SmoothClipping
from ffnn.tables.encoding import Encoding


class Features:
    """The features that encodings make of columns, one after another."""

    encodings: list[Encoding]
    clipping: SmoothClipping | None
    left_out: list[tuple[str, str]]  # name and why

    @property
    def feature_names(self) -> list[str]:
        """The names of the columns that `transform` returns."""
        return [name for encoding in self.encodings for name in encoding.feature_names]

    @property
    def columns(self) -> dict[str, list[int]]:
        """The columns that are read → the places of the features that are made of each."""
        return {
            each.name: list(range(place, place + len(each.feature_names)))
            for place, each in self._starts()
        }

    @property
    def typical(self) -> dict[str, str]:
        """The columns that are read → the median, the most frequent entry or the mean date."""
        return {encoding.name: encoding.typical[1] for encoding in self.encodings}

    def encode_typical(self) -> Array:
        """Return the features of the row `typical`, of shape (features,)."""
        row = np.hstack([each.encode(np.array([each.typical[0]])) for each in self.encodings])
        if self.clipping is not None:
            row[:, self.scaled] = self.clipping.apply(row[:, self.scaled])
        features: Array = row[0]
        return features

    @property
    def measured(self) -> list[int]:
        """The places of the features that are measured on a scale: numbers and elapsed times."""
        starts = self._starts()
        return [p for place, each in starts for p in range(place, place + each.num_measured)]

    @property
    def codes(self) -> dict[int, int]:
        """The places of the features that are codes of categories → how many codes there are."""
        return {place: each.num_codes for place, each in self._starts() if each.num_codes}

    @property
    def scaled(self) -> list[int]:
        """The places of the features that are no codes, which are scaled."""
        return [place for place in range(len(self.feature_names)) if place not in self.codes]

    @property
    def _parts(self) -> list[tuple[Encoding, SmoothClipping | None]]:
        """Each encoding, with the clipping of its features if they are clipped."""
        widths = [0 if each.num_codes else len(each.feature_names) for each in self.encodings]
        clippings = self.clipping.split(widths) if self.clipping else [None] * len(widths)
        return list(zip(self.encodings, clippings, strict=True))

    def _starts(self) -> list[tuple[int, Encoding]]:
        """Return each encoding with the place of its first feature."""
        widths = [len(each.feature_names) for each in self.encodings]
        return list(zip(itertools.accumulate([0, *widths[:-1]]), self.encodings, strict=True))

    def describe(self) -> list[dict[str, str]]:
        """Return for each column its name, its kind, and what becomes of it."""
        own = [
            {"name": each.name, "kind": each.kind, "becomes": each.becomes(clipping)}
            for each, clipping in self._parts
        ]
        rest = [
            {"name": n, "kind": "ignore", "becomes": f"left out: {w}"} for n, w in self.left_out
        ]
        return own + rest
