"""JSON with one meaning only."""

import pytest

from ffnn.errors import ModelFileError
from ffnn.saving.strict_json import parse


def test_plain_json_is_read():
    text = '{"a": [1, -2.5e-3, true, null, "größe \\u00e9 \\ud83d\\ude00"], "b": {"a": {}}}'

    assert parse(text.encode()) == {"a": [1, -0.0025, True, None, "größe é 😀"], "b": {"a": {}}}


def test_integers_stay_integers_and_are_exact():
    value = parse(b'{"a": 340282366920938463463374607431768211455, "b": 1.0}')

    assert value["a"] == 2**128 - 1
    assert isinstance(value["b"], float)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b'{"a": 1,}', "not valid JSON"),
        (b"{'a': 1}", "not valid JSON"),
        (b'{"a": 01}', "not valid JSON"),
        (b'{"a": "\n"}', "not valid JSON"),
        (b"{} {}", "not valid JSON"),
        (b"\xef\xbb\xbf{}", "not valid JSON"),
        (b'{"a": "\xff"}', "not valid JSON"),
        (b"[" * 50_000 + b"]" * 50_000, "not valid JSON"),
        (b"[]", "expected an object, got list"),
        (b"null", "expected an object, got NoneType"),
        (b'{"a": NaN}', "NaN is not a number"),
        (b'{"a": [Infinity]}', "Infinity is not a number"),
        (b'{"a": -1e400}', "too large for a float"),
        (b'{"a": 1' + b"0" * 1000 + b"}", "more than 1000 digits"),
        (b'{"a": 1, "b": 2, "a": 1}', "a key comes twice among a, b"),
        (b'{"x": {"a": 1, "\\u0061": 1}}', "a key comes twice among a"),
        (b'{"a": [' + b"[]," * 200_000 + b"0]}", "more than 200000 lists and objects"),
    ],
)
def test_everything_else_is_refused(text, message):
    with pytest.raises(ModelFileError, match=message) as caught:
        parse(text)

    assert str(caught.value).startswith("/config: ")
