"""Database programs, as `convex/oracle/program.mjs` runs them, on the emulator.

A program is a list of steps inside one mutation; each answers `{"value": …}` or `{"error": text}`.  Values are in
encoded form, `{"$undefined": null}` stands for a missing one, and an id may be `{"$ref": n}`, the answer of step n.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from convex_mastra_emulator.errors import EmulatorError
from convex_mastra_emulator.limits import DEFAULT_LIMITS
from convex_mastra_emulator.runtime.context import DatabaseWriter, MutationContext
from convex_mastra_emulator.values.codec import decode, decode_or_undefined, encode

Program = list[dict[str, Any]]
Answers = list[dict[str, Any]]


def run_program(ctx: MutationContext, steps: Program) -> Answers:
    """Run the steps one after the other; an error is caught as by a try and catch around the step."""
    answers: Answers = []
    for step in steps:
        try:
            answers.append({"value": encode(_OPERATIONS[step["op"]](ctx.db, _with_id(step, answers)))})
        except (EmulatorError, TypeError) as error:
            answers.append({"error": str(error)})
    return answers


def _with_id(step: dict[str, Any], answers: Answers) -> dict[str, Any]:
    reference = step.get("id")
    return {**step, "id": answers[reference["$ref"]]["value"]} if isinstance(reference, dict) else step


def _value(encoded: Any) -> Any:
    return decode_or_undefined(encoded, DEFAULT_LIMITS)


def _patch(db: DatabaseWriter, step: dict[str, Any]) -> None:
    db.patch(step["id"], {name: _value(item) for name, item in step["value"].items()})


def _query(db: DatabaseWriter, step: dict[str, Any]) -> Any:
    query: Any = db.query(step["table"])
    if "index" in step:
        query = query.with_index(step["index"], lambda q: _bounded(q, step.get("range", [])))
    if "order" in step:
        query = query.order(step["order"])
    if "filter" in step:
        query = query.filter(lambda q: _expression(q, step["filter"]))
    for ending in ("take", "paginate"):
        if ending in step:
            return getattr(query, ending)(step[ending])
    ending = next((name for name in ("first", "unique") if name in step), "collect")
    return getattr(query, ending)()


def _bounded(q: Any, bounds: list[dict[str, Any]]) -> Any:
    for bound in bounds:
        q = getattr(q, bound["op"])(bound["field"], _value(bound["value"]))
    return q


def _expression(q: Any, expression: dict[str, Any]) -> Any:
    if "field" in expression:
        return q.field(expression["field"])
    if "value" in expression:
        return _value(expression["value"])
    op = expression["op"]
    if op in ("and", "or"):
        return getattr(q, f"{op}_")(*(_expression(q, each) for each in expression["args"]))
    if op == "not":
        return q.not_(_expression(q, expression["arg"]))
    return getattr(q, op)(_expression(q, expression["left"]), _expression(q, expression["right"]))


_OPERATIONS: Mapping[str, Callable[[DatabaseWriter, dict[str, Any]], Any]] = {
    "insert": lambda db, step: db.insert(step["table"], decode(step["value"], DEFAULT_LIMITS)),
    "get": lambda db, step: db.get(step["id"]),
    "patch": _patch,
    "replace": lambda db, step: db.replace(step["id"], decode(step["value"], DEFAULT_LIMITS)),
    "delete": lambda db, step: db.delete(step["id"]),
    "query": _query,
}
