"""Runs programs of database steps inside a function of the emulator.

A program is JSON text: a list of steps, which run one after the other.  The answer is JSON text, too: for each step
``{"value": …}`` or ``{"error": text}``, with ``data`` for a ``ConvexError``.  An error is caught as by try and catch
around the one step; a step with ``"uncaught": true`` lets it out of the function.

`convex/conformance/probe.ts` is the same in TypeScript, for every other deployment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from convex import ConvexError

from convex_mastra_emulator import undefined
from convex_mastra_emulator.errors import EmulatorError, ThrownError
from convex_mastra_emulator.values.codec import encode
from convex_mastra_emulator.values.javascript import stringify
from convex_mastra_emulator.values.json_text import JsonTextError, parse_json
from pytest_mastra_convex.probe import storage_steps
from pytest_mastra_convex.probe.forms import Frame, MalformedProgram
from pytest_mastra_convex.probe.query_steps import QUERY_ENDS, run_query_step, run_vector_search
from pytest_mastra_convex.probe.schedule_steps import SCHEDULED, run_cancel, run_schedule, run_system_get
from pytest_mastra_convex.probe.values import decoded

# Each call around the malformed program puts its "Uncaught" before the text.
_MALFORMED_INSIDE = re.compile(r"(?:Uncaught Error: )*probe: (.*)")
_LEVELS = ("log", "debug", "info", "warn", "error")
_READERS = frozenset({"query", "mutation"})
_WRITERS = frozenset({"mutation"})
_ACTIONS = frozenset({"action"})
_CALLERS = frozenset({"mutation", "action"})
_EVERYBODY = frozenset({"query", "mutation", "action"})

_EVERY_STEP = ("op", "times", "uncaught")
_QUERY = ("index", "range", "search", "order", "filter", "select", *QUERY_ENDS)
_CALL = ("path", "args", "program", "internal")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """What a step does.

    Attributes:
        run: does it.
        needs: what the step must say.
        takes: what it may say.
        kinds: the kinds of functions that can do it.
        ends: whether its error is there to leave the function.
    """

    run: Callable[[Any, Json, Frame], Any]
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    kinds: frozenset[str] = _EVERYBODY
    ends: bool = False


def run_program(ctx: Any, kind: str, program: str) -> str:
    """Runs a program.

    Args:
        ctx: the context of the function it runs in.
        kind: ``"query"``, ``"mutation"`` or ``"action"``.
        program: JSON text.

    Raises:
        MalformedProgram: for a step nobody can run.
        Exception: what a step threw whose error was not to be caught.
    """
    try:
        steps = parse_json(program)
    except JsonTextError:
        raise MalformedProgram("the program is no JSON text") from None
    if not isinstance(steps, list):
        raise MalformedProgram("the program must be a list of steps")
    answers: list[Json] = []
    for step in steps:
        answers.append(_run_step(ctx, kind, step, answers))
    return stringify(answers)


def _run_step(ctx: Any, kind: str, step: Any, answers: list[Json]) -> Json:
    operation = _operation(step, kind)
    if step["op"] == "parallel":
        return {"value": [_run_step(ctx, kind, each, answers) for each in step["steps"]]}
    try:
        value = None
        for repetition in range(int(step.get("times", 1))):
            value = operation.run(ctx, step, Frame(answers, repetition))
    except MalformedProgram:
        raise
    except (EmulatorError, ConvexError, TypeError) as error:
        if operation.ends or step.get("uncaught"):
            raise
        return _failed(error)
    return {"value": encode(value)}


def _operation(step: Any, kind: str) -> Operation:
    name = step.get("op") if isinstance(step, dict) else None
    operation = _OPERATIONS.get(name) if isinstance(name, str) else None
    if operation is None:
        raise MalformedProgram(f"unknown step {name}")
    if kind not in operation.kinds:
        raise MalformedProgram(f"{name} is nothing for a {kind}")
    for needed in operation.needs:
        if needed not in step:
            raise MalformedProgram(f"{name} needs {needed}")
    for said in step:
        if said not in (*_EVERY_STEP, *operation.needs, *operation.takes):
            raise MalformedProgram(f"{name} takes no {said}")
    return operation


def _failed(error: Exception) -> Json:
    data = getattr(error, "data", undefined)
    answer: Json = {"error": str(error)}
    return answer if data is undefined else {**answer, "data": encode(data)}


# Steps


def _insert(ctx: Any, step: Json, frame: Frame) -> Any:
    return ctx.db.insert(step["table"], frame.value(step["value"]))


def _on_document(method: str) -> Callable[[Any, Json, Frame], Any]:
    """A call of the database about a document, in its form with the table's name or without."""

    def run(ctx: Any, step: Json, frame: Frame) -> Any:
        arguments = [step["table"]] if "table" in step else []
        arguments += [frame.value(step[name]) for name in ("id", "value") if name in step]
        return getattr(ctx.db, method)(*arguments)

    return run


def _normalize_id(ctx: Any, step: Json, frame: Frame) -> Any:
    return ctx.db.normalize_id(step["table"], frame.value(step["text"]))


def _log(ctx: Any, step: Json, frame: Frame) -> None:
    if step["level"] not in _LEVELS:
        raise MalformedProgram(f"unknown level {step['level']}")
    getattr(ctx.console, step["level"])(*frame.value(step["values"]))


def _throw(ctx: Any, step: Json, frame: Frame) -> None:
    raise ThrownError(frame.value(step["text"]))


def _throw_convex(ctx: Any, step: Json, frame: Frame) -> None:
    raise ConvexError("thrown by the probe", frame.value(step["data"]))


def _call(method: str, kind: str) -> Callable[[Any, Json, Frame], Any]:
    """A call of a function; one of the probe's own if the step brings a program."""

    def run(ctx: Any, step: Json, frame: Frame) -> Any:
        if "program" not in step:
            if "path" not in step:
                raise MalformedProgram(f"{step['op']} needs path or program")
            return getattr(ctx, method)(step["path"], frame.value(step.get("args", {})))
        own = f"internal{kind.capitalize()}" if step.get("internal") else kind
        path = step.get("path", f"conformance/probe:{own}")
        program = stringify(frame.filled_in(step["program"]))
        try:
            return decoded(parse_json(getattr(ctx, method)(path, {"program": program})))
        except ThrownError as error:
            # What the test got wrong in there is no answer of the deployment either.
            malformed = _MALFORMED_INSIDE.match(str(error))
            raise MalformedProgram(malformed[1]) if malformed else error from None

    return run


_OPERATIONS: Mapping[str, Operation] = {
    "insert": Operation(_insert, ("table", "value"), kinds=_WRITERS),
    "patch": Operation(_on_document("patch"), ("id", "value"), ("table",), _WRITERS),
    "replace": Operation(_on_document("replace"), ("id", "value"), ("table",), _WRITERS),
    "delete": Operation(_on_document("delete"), ("id",), ("table",), _WRITERS),
    "get": Operation(_on_document("get"), ("id",), ("table",), _READERS),
    "normalizeId": Operation(_normalize_id, ("table", "text"), kinds=_READERS),
    "query": Operation(lambda ctx, step, frame: run_query_step(ctx.db, step, frame), ("table",), _QUERY, _READERS),
    "now": Operation(lambda ctx, step, frame: ctx.now()),
    "log": Operation(_log, ("level", "values")),
    "throw": Operation(_throw, ("text",), ends=True),
    "throwConvex": Operation(_throw_convex, ("data",), ends=True),
    "runQuery": Operation(_call("run_query", "query"), takes=_CALL),
    "runMutation": Operation(_call("run_mutation", "mutation"), takes=_CALL, kinds=_CALLERS),
    "runAction": Operation(_call("run_action", "action"), takes=_CALL, kinds=_ACTIONS),
    "vectorSearch": Operation(run_vector_search, ("table", "index", "vector"), ("limit", "filter"), _ACTIONS),
    "runAfter": Operation(run_schedule("run_after", "delay"), ("delay",), SCHEDULED, _CALLERS),
    "runAt": Operation(run_schedule("run_at", "time"), ("time",), SCHEDULED, _CALLERS),
    "cancel": Operation(run_cancel, ("id",), kinds=_CALLERS),
    "systemGet": Operation(run_system_get, ("id",), ("table",), _READERS),
    "systemQuery": Operation(
        lambda ctx, step, frame: run_query_step(ctx.db.system, step, frame), ("table",), _QUERY, _READERS
    ),
    "storageUrl": Operation(storage_steps.url, ("id",), ("plain",)),
    "storageMetadata": Operation(storage_steps.metadata, ("id",)),
    "storageUploadUrl": Operation(storage_steps.upload_url, (), ("plain",), kinds=_CALLERS),
    "storageDelete": Operation(storage_steps.delete_file, ("id",), kinds=_CALLERS),
    "storageStore": Operation(storage_steps.store_file, ("body",), ("contentType", "sha256"), _CALLERS),
    "storageGet": Operation(storage_steps.read_file, ("id",), kinds=_CALLERS),
    "parallel": Operation(lambda ctx, step, frame: None, ("steps",)),
}
