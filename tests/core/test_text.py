"""Words of messages, by hand."""

import pytest

from ffnn.core.text import byte_count, counted, listed, printable, shorten


@pytest.mark.parametrize(
    ("number", "noun", "expected"),
    [
        (1, "row", "1 row"),
        (0, "row", "0 rows"),
        (1797, "row", "1,797 rows"),
        (1, "class", "1 class"),
        (2, "class", "2 classes"),
        (2, "bias", "2 biases"),
        (3, "batch", "3 batches"),
        (3, "more epoch", "3 more epochs"),
        (2, "entry", "2 entries"),
        (2, "day", "2 days"),
    ],
)
def test_a_noun_is_counted(number, noun, expected):
    assert counted(number, noun) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1,023 bytes"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (12 * 2**40, "12 TiB"),
        (12 * 10**15, "10.66 PiB"),
        (2**100, "1,048,576 YiB"),
    ],
)
def test_bytes_are_counted(number, expected):
    assert byte_count(number) == expected


def test_a_list_is_cut_off_with_the_number_of_the_others():
    assert listed([]) == ""
    assert listed(range(8)) == "0, 1, 2, 3, 4, 5, 6, 7"
    assert listed(range(9)) == "0, 1, 2, 3, 4, 5, 6, 7 and 1 more"
    assert listed("abc", most=2) == "a, b and 1 more"
    assert listed(range(5000), most=1) == "0 and 4,999 more"


def test_a_text_is_cut_off_at_its_length():
    assert shorten("abcd", 4) == "abcd"
    assert shorten("abcde", 4) == "abc…"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain", "plain"),
        (" two\nlines\t", "two lines"),
        ("bell\x07and\u200bmore", "bell and more"),
        ("\x1b", ""),
        ("a" * 41, "a" * 39 + "…"),
    ],
)
def test_a_name_fits_on_one_line(name, expected):
    assert printable(name) == expected


def test_what_cannot_be_printed_may_be_shown():
    assert printable("bell\x07", 5, "\ufffd") == "bell\ufffd"
    assert printable("bell\x07", 4, "\ufffd") == "bel…"
