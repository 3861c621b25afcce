"""What files of code have in common that compute in double and read rows of tables."""

from __future__ import annotations

import base64
from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np

from ffnn._types import Array
from ffnn._version import __version__
from ffnn.core.operations import Value
from ffnn.exchange.encoder_source import encoder_data
from ffnn.exchange.source import SourceWriter


class ScriptWriter(SourceWriter):
    """A network in a language of scripts, with the encoder of its tables if it has one."""

    head: ClassVar[str]  # the file's beginning, with places for what `text` says
    rows: ClassVar[tuple[str, str]]  # what a row is, without an encoder and with one
    row: ClassVar[tuple[str, str]]  # what makes numbers of it
    encoder: ClassVar[str]  # the code of its steps

    def text(self) -> str:
        """Return the file: how it is used, what it needs, the encoder, the network, its numbers."""
        forward, program, model = self.forward(self.statements()), self.program, self.model
        has_encoder = model.encoder is not None
        head = self.head.format(
            version=__version__,
            rows=self.rows[has_encoder],
            row=self.row[has_encoder],
            inputs=program.input.width,
            outputs=program.result.width,
            input_names=self.literal(model.feature_names),
            class_names=self.literal(model.class_names),
        )
        steps = ""
        if model.encoder is not None:
            data = self.literal(encoder_data(model.encoder))
            steps = f"\n{self.definition('ENCODER', data)}\n{self.encoder}"
        numbers = "\n".join(
            self.definition(name, self.array(array)) for name, array in self.constants.items()
        )
        body = f"{steps}\n{forward}\n{numbers}\n"
        return f"{head}{self.tools_for(head + body)}{body}"

    @abstractmethod
    def forward(self, lines: list[str]) -> str:
        """Return the function that computes a row."""

    @abstractmethod
    def literal(self, value: Any) -> str:
        """Return plain data as it is written."""

    @abstractmethod
    def definition(self, name: str, value: str) -> str:
        """Return the line that gives a value a name."""

    @abstractmethod
    def array(self, array: Array) -> str:
        """Return what makes an array of constants."""

    def number(self, number: float, dtype: np.dtype[np.floating]) -> str:
        """Return a number with all digits that it needs."""
        return repr(number)

    def call(self, value: Value, inputs: list[str]) -> str:
        """Return the call of a function; all numbers have the same type."""
        return inputs[0] if value.operation == "cast" else super().call(value, inputs)


def packed(array: Array) -> str:
    """Return the numbers of an array, in little-endian order, as base64."""
    ordered = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return base64.b64encode(ordered.tobytes()).decode()
