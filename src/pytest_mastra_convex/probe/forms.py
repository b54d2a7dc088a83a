"""The interpreter's side of values: encoded values and forms become what a function of a deployment works with.

`convex/conformance/forms.ts` is the same in TypeScript.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from convex_mastra_emulator import undefined
from convex_mastra_emulator.errors import ThrownError
from convex_mastra_emulator.limits import DEFAULT_LIMITS
from convex_mastra_emulator.values.codec import decode
from convex_mastra_emulator.values.javascript import number_to_string
from pytest_mastra_convex.probe.values import decoded

_TAGS = frozenset({"$integer", "$float", "$bytes"})


class MalformedProgram(ThrownError):
    """A step nobody can run: the fault of the test, so it is never caught."""

    def __init__(self, text: str) -> None:
        super().__init__(f"probe: {text}")


@dataclass(frozen=True, slots=True)
class Frame:
    """What forms can refer to.

    Attributes:
        answers: of the steps before this one.
        repetition: which run of the step this is, from 0.
    """

    answers: Sequence[Mapping[str, Any]]
    repetition: int = 0

    def value(self, json: Any) -> Any:
        """The value that ``json`` stands for.

        Raises:
            MalformedProgram: for a form that is none.
            ThrownError: for a reference to a step that failed.
        """
        if isinstance(json, list):
            return [self.value(item) for item in json]
        if not isinstance(json, dict):
            return json
        for name in json:
            form = _FORMS.get(name)
            if form is not None:
                return form(self, json)
        if len(json) == 1 and not _TAGS.isdisjoint(json):
            return decode(json, DEFAULT_LIMITS)
        return {name: self.value(item) for name, item in json.items()}

    def answered(self, step: Any, path: Sequence[Any]) -> Any:
        """What an earlier step answered, in encoded form.

        Raises:
            MalformedProgram: if there is no such step, or nothing at ``path``.
            ThrownError: if the step failed.
        """
        if not isinstance(step, float) or step not in range(len(self.answers)):
            raise MalformedProgram("a reference must be the number of an earlier step")
        answer = self.answers[int(step)]
        if "error" in answer:
            raise ThrownError(f"step {int(step)} failed, so it gave no value")
        found = answer["value"]
        for part in path:
            found = _member(found, part)
        return found

    def filled_in(self, program: Any) -> Any:
        """A nested program, in which what it wants of this one's answers is filled in."""
        if isinstance(program, list):
            return [self.filled_in(item) for item in program]
        if not isinstance(program, dict):
            return program
        if "$outer" in program:
            return self.answered(program["$outer"], program.get("path", []))
        # What stands in a program inside of it is about that one's caller.
        return {name: item if name == "program" else self.filled_in(item) for name, item in program.items()}


def _member(value: Any, part: Any) -> Any:
    if isinstance(value, list) and isinstance(part, float) and part in range(len(value)):
        return value[int(part)]
    if isinstance(value, dict) and isinstance(part, str) and part in value:
        return value[part]
    raise MalformedProgram("a reference leads to nothing")


def _count(number: Any) -> int:
    if not isinstance(number, float) or number < 0 or not number.is_integer():
        raise MalformedProgram("a form needs a whole number")
    return int(number)


def _reference(frame: Frame, json: dict[str, Any]) -> Any:
    return decoded(frame.answered(json["$ref"], json.get("path", [])))


def _repeat(frame: Frame, json: dict[str, Any]) -> Any:
    text = frame.value(json["$repeat"])
    if not isinstance(text, str):
        raise MalformedProgram("$repeat needs a text")
    return text * _count(json.get("times"))


def _repeat_list(frame: Frame, json: dict[str, Any]) -> Any:
    return [frame.value(json["$repeatList"]) for _ in range(_count(json.get("times")))]


def _nested(frame: Frame, json: dict[str, Any]) -> Any:
    value: list[Any] = []
    for _ in range(_count(json["$nested"]) - 1):
        value = [value]
    return value


def _entries(frame: Frame, json: dict[str, Any]) -> Any:
    return {name: frame.value(item) for name, item in json["$entries"]}


_FORMS: Mapping[str, Callable[[Frame, dict[str, Any]], Any]] = {
    "$undefined": lambda frame, json: undefined,
    "$ref": _reference,
    "$repeat": _repeat,
    "$repeatList": _repeat_list,
    "$nested": _nested,
    "$fields": lambda frame, json: {f"f{number}": None for number in range(_count(json["$fields"]))},
    "$counter": lambda frame, json: float(frame.repetition),
    "$counterText": lambda frame, json: json["$counterText"] + number_to_string(float(frame.repetition)),
    "$entries": _entries,
}
