"""Texts broken into lines that fit where they stand."""

from __future__ import annotations

from collections.abc import Callable

MOST_LINES = 3


def fit(text: str, room: float, width_of: Callable[[str], float]) -> str:
    """Return a text in lines that are no wider than `room`, at most three for each line of it.

    Lines are broken between words, and within a word where it is wider than a line. What is too
    much is left out and marked by an ellipsis. A single letter may be wider than there is room.
    """
    return "\n".join(part for line in text.split("\n") for part in _fit_line(line, room, width_of))


def _fit_line(line: str, room: float, width_of: Callable[[str], float]) -> list[str]:
    if width_of(line) <= room:
        return [line]
    lines, words = list[str](), line.split(" ")
    current = ""
    while words:
        word = words.pop(0)
        longer = f"{current} {word}" if current else word
        if width_of(longer) <= room:
            current = longer
        elif current:
            lines.append(current)
            current, words = "", [word, *words]
        else:  # the word alone is too wide
            start = _longest_start(word, room, width_of)
            lines.append(word[:start])
            words = [word[start:], *words] if word[start:] else words
    lines += [current] if current else []
    if len(lines) > MOST_LINES:
        rest = " ".join(lines[MOST_LINES - 1 :])
        start = _longest_start(rest, room - width_of("…"), width_of)
        lines[MOST_LINES - 1 :] = [f"{rest[:start]}…"]
    return lines


def _longest_start(text: str, room: float, width_of: Callable[[str], float]) -> int:
    """Return how many letters fit, at least one."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if width_of(text[:middle]) <= room else (low, middle - 1)
    return low
