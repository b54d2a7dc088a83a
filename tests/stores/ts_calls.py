"""The same calls made by the TypeScript store and by the Python one, and what each sent and answered.

A call is written once, in TypeScript's names; here it is handed to the Node script as JSON and to the Python class with
its names in snake_case and its objects as dataclasses.  Nothing here imports pytest.
"""

import dataclasses
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from convex_mastra_emulator.errors import FunctionError
from convex_mastra_emulator.stores.errors import MastraError, StorageError
from convex_mastra_emulator.stores.memory import ConvexMemory
from convex_mastra_emulator.stores.message_rows import Include, Message, MessageFilter, MessageUpdate
from convex_mastra_emulator.stores.observational_records import (
    BufferedObservationChunk,
    BufferedObservationChunkInput,
    ObservationalMemoryRecord,
)
from convex_mastra_emulator.stores.pagination import DateRange, OrderBy
from convex_mastra_emulator.stores.resources import Resource
from convex_mastra_emulator.stores.storage_client import StorageClient
from convex_mastra_emulator.stores.threads import Thread, ThreadFilter
from convex_mastra_emulator.stores.times import to_iso
from convex_mastra_emulator.stores.workflows import ConvexWorkflows
from pytest_mastra_convex.node_project import node_binary
from tests.stores.recording import RecordingDeployment as RecordingDeployment

SCRIPT = Path(__file__).parent / "ts_memory.mjs"
START = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
# Below the time-out of a single test: the first test waits for all calls.
DEADLINE_SECONDS = 100

_REQUEST_ID = re.compile(r"\[Request ID: [^\]]*\]")
_SYSTEM_FIELDS = {"_id": "convex_id", "_creationTime": "creation_time"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a store, in TypeScript's names; datetimes are Dates."""

    domain: str = "memory"
    method: str
    arguments: Sequence[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Stands, in the arguments of a call, for what an earlier one returned."""

    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a call sent, in order, and how it ended."""

    requests: list[Any]
    result: Any = None
    error: Any = None


def call(method: str, *arguments: Any, domain: str = "memory") -> Call:
    return Call(domain=domain, method=method, arguments=arguments)


def at(index: int) -> datetime:
    """The time of a call: a second after the one before."""
    return START + timedelta(seconds=index)


# TypeScript


def by_typescript(calls: Sequence[Call], url: str, admin_key: str) -> list[Answer]:
    """What the published classes do."""
    lines = [
        json.dumps(
            {**dataclasses.asdict(one), "arguments": list(map(_encoded, one.arguments)), "at": to_iso(at(index))}
        )
        for index, one in enumerate(calls)
    ]
    done = subprocess.run(
        [str(node_binary()), str(SCRIPT)],
        input="\n".join(lines),
        # Only what Node needs: settings of the machine, NODE_OPTIONS above all, must not reach into the calls.
        env={"PATH": os.environ.get("PATH", ""), "CONVEX_URL": url, "CONVEX_ADMIN_KEY": admin_key},
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    answers = [json.loads(line) for line in done.stdout.split("\n") if line]
    if len(answers) != len(calls):
        raise RuntimeError(f"{len(answers)} of {len(calls)} calls were answered:\n{done.stderr[-4000:]}")
    return [
        Answer(
            requests=answer["requests"],
            result=without_nulls(answer.get("result")),
            error=_comparable(answer.get("error")),
        )
        for answer in answers
    ]


def _encoded(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"$date": to_iso(value)}
    if isinstance(value, Result):
        return {"$result": value.of}
    if isinstance(value, float) and not -1e308 < value < 1e308:
        return {"$number": "NaN" if value != value else "Infinity"}
    if isinstance(value, Mapping):
        return {name: _encoded(item) for name, item in value.items()}
    return list(map(_encoded, value)) if isinstance(value, list | tuple) else value


# Python


def by_python(calls: Sequence[Call], deployment: Any) -> list[Answer]:
    """What the Python classes do."""
    recording = RecordingDeployment(deployment)
    ids = _counted_ids()
    time = [START]
    client = StorageClient(recording, clock=lambda: time[0], new_id=lambda: next(ids))
    domains = {"memory": ConvexMemory(client), "workflows": ConvexWorkflows(client)}
    results: list[Any] = []
    answers: list[Answer] = []
    for index, one in enumerate(calls):
        time[0], recording.requests = at(index), []
        result = error = None
        try:
            arguments, named = _python_arguments(one, results)
            result = getattr(domains[one.domain], _snake(one.method))(*arguments, **named)
        except (MastraError, StorageError, FunctionError, TypeError) as raised:
            error = _described(raised)
        results.append(result)
        answers.append(
            Answer(requests=recording.requests, result=without_nulls(_camel_result(one, result)), error=error)
        )
    return answers


def _counted_ids() -> Iterator[str]:
    count = 0
    while True:
        count += 1
        yield f"id-{count}"


_CLASSES: dict[str, Callable[[Any], Any]] = {
    "thread": lambda value: _built(Thread, value),
    "resource": lambda value: _built(Resource, value),
    "orderBy": lambda value: _built(OrderBy, value),
    "dateRange": lambda value: _built(DateRange, value),
    "include": lambda values: [_built(Include, value) for value in values],
    "chunk": lambda value: _built(BufferedObservationChunkInput, value),
    "bufferedChunks": lambda values: [_built(BufferedObservationChunk, value) for value in values],
}


def _python_arguments(one: Call, results: list[Any]) -> tuple[list[Any], dict[str, Any]]:
    given = [results[value.of] if isinstance(value, Result) else value for value in one.arguments]
    if one.method == "insertObservationalMemoryRecord" and isinstance(given[0], Mapping):
        return [_built(ObservationalMemoryRecord, _with_chunks(given[0]))], {}
    if not (len(given) == 1 and isinstance(given[0], Mapping)):
        if one.method == "getObservationalMemoryHistory" and len(given) > 3:
            options = {{"from": "from_"}.get(name, name): value for name, value in given.pop().items()}
            return given, options
        return given, {}
    return [], {_snake(name): _python_argument(one.method, name, value, results) for name, value in given[0].items()}


def _with_chunks(record: Mapping[str, Any]) -> dict[str, Any]:
    chunks = record.get("bufferedObservationChunks")
    return {**record, "bufferedObservationChunks": None if chunks is None else _CLASSES["bufferedChunks"](chunks)}


def _python_argument(method: str, name: str, value: Any, results: list[Any]) -> Any:
    if isinstance(value, Result):
        return results[value.of]
    if name == "messages":
        kind = MessageUpdate if method == "updateMessages" else Message
        return [_built(kind, message) for message in value]
    if name == "filter":
        kind_of_filter = ThreadFilter if method == "listThreads" else MessageFilter
        return _built(kind_of_filter, value)
    return _CLASSES[name](value) if name in _CLASSES else value


def _built(kind: type[Any], value: Mapping[str, Any]) -> Any:
    return kind(
        **{
            _SYSTEM_FIELDS.get(name, _snake(name)): _CLASSES[name](item) if name == "dateRange" else item
            for name, item in value.items()
        }
    )


# Comparing


def without_nulls(value: Any) -> Any:
    """Python's None is both null and undefined, so neither counts."""
    if isinstance(value, Mapping):
        return {name: without_nulls(item) for name, item in value.items() if item is not None}
    return list(map(without_nulls, value)) if isinstance(value, list) else value


def _camel_result(one: Call, result: Any) -> Any:
    if one.method in ("saveMessages", "listMessagesById") and result is not None:
        return {"messages": _camel(result)}
    return _camel(result)


def _camel(value: Any) -> Any:
    """A result as TypeScript's JSON shows it."""
    if isinstance(value, datetime):
        return to_iso(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = {python: typescript for typescript, python in _SYSTEM_FIELDS.items()}
        return {
            names.get(one.name, _camel_name(one.name)): _camel(getattr(value, one.name))
            for one in dataclasses.fields(value)
        }
    if isinstance(value, Mapping):
        return {name: _camel(item) for name, item in value.items()}
    return list(map(_camel, value)) if isinstance(value, list) else value


def _described(error: Exception) -> Any:
    if isinstance(error, MastraError):
        facts = {name: getattr(error, name) for name in ("id", "domain", "category", "details")}
        return _comparable({"name": "MastraError", "message": str(error), **facts})
    name = "TypeError" if type(error) is TypeError else "Error"
    return _comparable({"name": name, "message": str(error)})


def _comparable(error: Any) -> Any:
    """Without what is by chance: the id of the request, and details that JSON cannot hold."""
    if error is None:
        return None
    details = error.get("details")
    shown = {**error, "message": _REQUEST_ID.sub("[Request ID: …]", error["message"])}
    shown["details"] = {
        name: item for name, item in (details or {}).items() if item is not None and item == item
    } or None
    return without_nulls(shown)


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda found: f"_{found[1].lower()}", name)


def _camel_name(name: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)
