"""Recorded values held against those of another deployment, reference for reference.

The first value that stands where ``<id:1>`` was recorded is that deployment's ``<id:1>`` from then on: it has to stand
wherever the reference does, and nowhere else.  Of times also the order has to be the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from convex_mastra_emulator.values.javascript import number_to_string
from convex_mastra_emulator.values.references import (
    CLOCK_SKEW_MS,
    ISO_TIME,
    REFERENCE,
    TAGS,
    is_document_id,
    time_in_text,
)

_NUMBER_IN_TEXT = r"\d+(?:\.\d+)?"
_SHAPES = {"id": r"\w{31,}", "time": _NUMBER_IN_TEXT, "cursor": r".+?", "request": r"[^\]]+"}
_SHAPES_OF_NOW = {"ms": _NUMBER_IN_TEXT, "iso": ISO_TIME.pattern}
_SHOWN_SIZE_MAX = 300

Tolerances = Mapping[str, float]
"""How far numbers may lie apart, by the name of their field."""


class Bindings:
    """What the references of one recording stand for on one deployment."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, int], str | float] = {}
        self._numbers: dict[tuple[str, str | float], int] = {}

    def filled(self, encoded: Any) -> Any:
        """Recorded arguments with this deployment's own values; a reference it never gave stays as it is written."""
        if isinstance(encoded, dict):
            return {self._filled_text(name): self.filled(item) for name, item in encoded.items()}
        if isinstance(encoded, list):
            return [self.filled(item) for item in encoded]
        if not isinstance(encoded, str):
            return encoded
        whole = REFERENCE.fullmatch(encoded)
        if whole is not None and whole["kind"] == "time":
            return self._values.get(("time", int(whole["number"])), encoded)
        return self._filled_text(encoded)

    def _filled_text(self, text: str) -> str:
        return REFERENCE.sub(self._value_in_text, text)

    def _value_in_text(self, found: re.Match[str]) -> str:
        if found["less"]:
            return "<"
        value = self._values.get((found["kind"], int(found["number"]))) if found["kind"] else None
        if value is None:
            return found[0]
        return value if isinstance(value, str) else number_to_string(value)

    def differences(
        self, expected: Any, got: Any, *, now_ms: float, tolerances: Tolerances, where: str, name: str = ""
    ) -> Iterator[str]:
        """One line for every place where a value of this deployment is not the recorded one.

        Args:
            expected: as it was recorded, in encoded form.
            got: what this deployment gave, in encoded form.
            now_ms: this deployment's time.
            tolerances: how far numbers may lie apart.
            where: the path to the value.
            name: of the field the value stands in.
        """
        if isinstance(expected, dict) and isinstance(got, dict):
            yield from self._object_differences(expected, got, now_ms, tolerances, where)
        elif isinstance(expected, list) and isinstance(got, list):
            if len(expected) != len(got):
                yield f"{where}: expected {len(expected)} items, got {len(got)}"
            for number, (item, other) in enumerate(zip(expected, got, strict=False)):
                place = f"{where}[{number}]"
                yield from self.differences(item, other, now_ms=now_ms, tolerances=tolerances, where=place, name=name)
        else:
            problem = self._problem(expected, got, now_ms, tolerances.get(name, 0.0))
            if problem:
                yield f"{where}: {problem}"

    def _object_differences(
        self, expected: dict[str, Any], got: dict[str, Any], now_ms: float, tolerances: Tolerances, where: str
    ) -> Iterator[str]:
        for recorded, item in expected.items():
            name = recorded if TAGS.issuperset(expected) else self._filled_text(recorded)
            if name not in got:
                yield f"{where}.{name}: expected {shown(item)}, got nothing"
            else:
                yield from self.differences(
                    item, got[name], now_ms=now_ms, tolerances=tolerances, where=f"{where}.{name}", name=name
                )
        for name in sorted(got.keys() - {self._filled_text(recorded) for recorded in expected}):
            yield f"{where}.{name}: expected nothing, got {shown(got[name])}"

    def _problem(self, expected: Any, got: Any, now_ms: float, tolerance: float) -> str | None:
        """Why two single values are not the same; None if they are."""
        if isinstance(expected, str):
            is_text = isinstance(got, str)
            whole = REFERENCE.fullmatch(expected)
            if whole is not None and (whole["kind"] == "time" or whole["now"] == "ms"):
                return self._reference_problem(whole, got, now_ms) if _is_number(got) else _unequal(expected, got)
            return self._text_problem(expected, got, now_ms) if is_text else _unequal(expected, got)
        if _is_number(expected) and _is_number(got):
            return None if abs(expected - got) <= tolerance else _unequal(expected, got)
        return None if type(expected) is type(got) and expected == got else _unequal(expected, got)

    def _text_problem(self, expected: str, got: str, now_ms: float) -> str | None:
        references = [found for found in REFERENCE.finditer(expected) if not found["less"]]
        if not references:
            return None if self._filled_text(expected) == got else _unequal(expected, got)
        found = re.fullmatch(self._pattern(expected), got, re.DOTALL | re.ASCII)
        if found is None:
            return _unequal(expected, got)
        problems = (
            self._reference_problem(reference, text, now_ms)
            for reference, text in zip(references, found.groups(), strict=True)
        )
        return next((problem for problem in problems if problem), None)

    def _pattern(self, expected: str) -> str:
        """What a text must look like: known references are their values, others have a shape."""
        pieces, end = [], 0
        for found in REFERENCE.finditer(expected):
            pieces.append(re.escape(expected[end : found.start()]))
            pieces.append("<" if found["less"] else f"({self._shape(found)})")
            end = found.end()
        return "".join([*pieces, re.escape(expected[end:])])

    def _shape(self, found: re.Match[str]) -> str:
        if found["now"]:
            return _SHAPES_OF_NOW[found["now"]]
        value = self._values.get((found["kind"], int(found["number"])))
        return re.escape(value) if isinstance(value, str) else _SHAPES[found["kind"]]

    def _reference_problem(self, reference: re.Match[str], got: str | float, now_ms: float) -> str | None:
        if reference["now"]:
            ms = time_in_text(got) if isinstance(got, str) else got
            is_near = abs(ms - now_ms) <= CLOCK_SKEW_MS
            return None if is_near else f"expected the time of the call, {number_to_string(now_ms)}, got {shown(got)}"
        kind, number = reference["kind"], int(reference["number"])
        value = float(got) if kind == "time" else got
        return self._bind(kind, number, value)

    def _bind(self, kind: str, number: int, value: str | float) -> str | None:
        known = self._values.get((kind, number))
        other = self._numbers.get((kind, value))
        if known == value:
            return None
        if known is not None:
            return f"expected <{kind}:{number}>, which is {shown(known)}, got {shown(value)}"
        if other is not None:
            return f"expected <{kind}:{number}>, got {shown(value)}, which is <{kind}:{other}>"
        if kind == "id" and not is_document_id(str(value)):
            return f"expected <id:{number}>, got {shown(value)}, which is no id"
        if kind == "time" and (problem := self._order_problem(number, float(value))):
            return problem
        self._values[kind, number] = value
        self._numbers[kind, value] = number
        return None

    def _order_problem(self, number: int, value: float) -> str | None:
        for (kind, other_number), other in self._values.items():
            if kind == "time" and other_number != number and (other_number < number) != (float(other) < value):
                order = "before" if number < other_number else "after"
                return f"expected <time:{number}> {order} <time:{other_number}>, got {shown(value)} and {shown(other)}"
        return None


def shown(value: Any) -> str:
    """A value for people, cut when it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_SIZE_MAX else f"{text[:_SHOWN_SIZE_MAX]}… ({len(text):,} characters)"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _unequal(expected: Any, got: Any) -> str:
    return f"expected {shown(expected)}, got {shown(got)}"
