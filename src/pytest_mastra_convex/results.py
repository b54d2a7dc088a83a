"""What one case of the conformance suite did on one target."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

# "diverges": a strict expected failure that failed as the register of divergences says.
OUTCOMES = ("passed", "failed", "diverges", "skipped")

_TEXTS = ("case", "target", "outcome", "detail", "divergence", "comment")
_REQUIRED = ("case", "target", "outcome", "seconds")
# Line breaks and tabs stay; the other control characters would not be seen, or be acted upon by a terminal.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """One case on one target.

    Attributes:
        case: the test without its target: ``test_order.py::test_strings_by_utf8[text]``.
        target: what it ran on.
        outcome: one of :data:`OUTCOMES`.
        seconds: how long it took.
        detail: the failure's text, or why it was skipped.
        divergence: the entry in the register that it shows.
        comment: the comment above the test: why it exists.
        calls: what was asked and answered, one printable line each.
    """

    case: str
    target: str
    outcome: str
    seconds: float
    detail: str = ""
    divergence: str = ""
    comment: str = ""
    calls: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As JSON, with nothing in it that UTF-8 cannot carry: xdist sends it from process to process."""
        document = asdict(self)
        for name in _TEXTS:
            document[name] = printable(document[name])
        document["calls"] = [printable(line) for line in self.calls]
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Reads what :meth:`to_json` gave.

        Raises:
            ValueError: naming the field that is missing, unknown or of another type.
        """
        known = [field.name for field in fields(cls)]
        for name in (*_REQUIRED, *document):
            if name not in document:
                raise ValueError(f"a result must have the field {name!r}")
            if name not in known:
                raise ValueError(f"a result has no field {name!r}; known are: {', '.join(known)}")
            if not _is_well_typed(name, document[name]):
                raise ValueError(f"field {name!r} of a result cannot be {document[name]!r}")
        return cls(**{**document, "calls": tuple(document.get("calls", ()))})


def printable(text: str) -> str:
    """The text with control characters and lone surrogates written as Python writes them."""
    return _UNSEEN.sub(lambda match: ascii(match[0])[1:-1], text)


def _is_well_typed(name: str, value: object) -> bool:
    if name == "seconds":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if name == "calls":
        return isinstance(value, list | tuple) and all(isinstance(line, str) for line in value)
    return isinstance(value, str) and (name != "outcome" or value in OUTCOMES)
