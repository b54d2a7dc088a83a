"""Values of programs as their authors write them, and the forms that stand for values nobody wants to write out.

A program is JSON text.  What it holds in the place of a value is Convex' encoded form, in which no field name begins
with ``$``; so such names are free for what the interpreter makes a value of, on the side of the deployment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from convex import ConvexInt64

from convex_mastra_emulator import undefined
from convex_mastra_emulator.limits import DEFAULT_LIMITS
from convex_mastra_emulator.values.codec import decode, encode

_TAGS = frozenset({"$integer", "$float", "$bytes"})


@dataclass(frozen=True, slots=True)
class Form:
    """Stands for a value that the interpreter makes; ``json`` is how the program writes it."""

    json: dict[str, Any]


def ref(step: int, *path: str | int) -> Form:
    """The value that step number ``step`` (from 0) answered, or what is in it at ``path``."""
    return _reference("$ref", step, path)


def outer(step: int, *path: str | int) -> Form:
    """In a nested program: the value of a step of the calling program, filled in before the call."""
    return _reference("$outer", step, path)


def _reference(name: str, step: int, path: tuple[str | int, ...]) -> Form:
    return Form({name: step, "path": list(path)} if path else {name: step})


def repeat(text: str, times: int) -> Form:
    """``text``, so many times one after the other."""
    return Form({"$repeat": text, "times": times})


def repeat_list(value: Any, times: int) -> Form:
    """A list that holds ``value`` so many times."""
    return Form({"$repeatList": encoded(value), "times": times})


def nested(depth: int) -> Form:
    """A list in a list in a list …, so many lists; the innermost is empty."""
    return Form({"$nested": depth})


def fields(count: int) -> Form:
    """An object of so many fields ``f0``, ``f1``, …, all null."""
    return Form({"$fields": count})


def counter() -> Form:
    """The number of the repetition (from 0) of a step that is run several times."""
    return Form({"$counter": None})


def counter_text(prefix: str) -> Form:
    """``prefix`` followed by the number of the repetition."""
    return Form({"$counterText": prefix})


def encoded(value: Any) -> Any:
    """A Python value as programs write it; an int is a Float64, as in PyPI convex.

    Raises:
        TypeError: for what is no Convex value, no form and not undefined.
    """
    if isinstance(value, Form):
        return value.json
    if value is undefined:
        return {"$undefined": None}
    if isinstance(value, Mapping):
        return _encoded_object(value)
    if isinstance(value, (list, tuple)):
        return [encoded(item) for item in value]
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return encode(float(value))
    if isinstance(value, (float, bytes, ConvexInt64)):
        return encode(value)
    raise TypeError(f"a program cannot hold {value!r}")


def _encoded_object(value: Mapping[str, Any]) -> Any:
    members = [(name, encoded(item)) for name, item in value.items()]
    if any(name.startswith("$") for name in value):
        # Spelled out, so that no name is taken for that of a form.
        return {"$entries": [list(member) for member in members]}
    return dict(members)


def decoded(json: Any) -> Any:
    """The Python value of an answer.

    An answer may hold more than a value of Convex: 10,000 documents, say.  So only its leaves are read as values.
    """
    if isinstance(json, list):
        return [decoded(item) for item in json]
    if not isinstance(json, dict):
        return json
    if len(json) == 1 and not _TAGS.isdisjoint(json):
        return decode(json, DEFAULT_LIMITS)
    return {name: decoded(item) for name, item in json.items()}
