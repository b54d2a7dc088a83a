"""A test's prefix: put before names on their way out, taken out of everything that comes back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

_LEGAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\Z")
# Shorter ones could stand in somebody's text by chance, and would be cut out of it.
_LENGTH_MIN = 4


class IsolationRefused(Exception):
    """A request that cannot be kept away from other people's rows; nothing was changed."""


class Prefix:
    """What begins every name a test makes.

    Args:
        text: letters, digits, ``-`` and ``_``; random enough not to occur by itself.

    Raises:
        ValueError: for a text that is too short, or not legal in ids.
    """

    def __init__(self, text: str) -> None:
        if len(text) < _LENGTH_MIN or not _LEGAL.match(text):
            raise ValueError(f"a prefix has {_LENGTH_MIN} or more of letters, digits, - and _, got {text!r}")
        self.text = text

    def __repr__(self) -> str:
        return f"Prefix({self.text!r})"

    def added(self, value: Any) -> Any:
        """The name with the prefix; what is no text is no name, and stays."""
        return self.text + value if isinstance(value, str) else value

    def added_to(self, values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
        """A copy of an object in which some fields have the prefix."""
        changed = dict(values)
        for name in names:
            if name in changed:
                changed[name] = self.added(changed[name])
        return changed

    def begins(self, value: Any) -> bool:
        """Whether a name is the test's own."""
        return isinstance(value, str) and value.startswith(self.text)

    def removed(self, value: Any) -> Any:
        """A value without the prefix in any of its texts, JSON in texts included."""
        if isinstance(value, str):
            return value.replace(self.text, "")
        if isinstance(value, dict):
            return {name: self.removed(item) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(map(self.removed, value))
        return value

    def remove_from_error(self, error: BaseException) -> None:
        """Takes the prefix out of an error's texts, whatever its class."""
        error.args = tuple(map(self.removed, error.args))
        for name, value in vars(error).items():
            setattr(error, name, self.removed(value))
