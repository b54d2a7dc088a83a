"""What clients send, as it may stand in a log that people and terminals read."""

from __future__ import annotations

_LENGTH_MAX = 1_000


def in_one_line(text: str) -> str:
    """The text without line ends and commands of a terminal: nobody must be able to write a line of their own."""
    if len(text) > _LENGTH_MAX:
        text = text[:_LENGTH_MAX] + "…"
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape", "replace").decode() for char in text)
