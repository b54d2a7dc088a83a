"""Calls that the TypeScript classes and the Python ones both make, and what each sent and answered.

A call is written twice, as JSON for the Node script and as Python: that the two say the same is what the tests show.
Nothing here imports pytest.
"""

import dataclasses
import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from convex_mastra_emulator import Emulator, ManualClock
from convex_mastra_emulator.errors import EmulatorError
from convex_mastra_emulator.mastra import define_native_vector_table, mastra_tables
from convex_mastra_emulator.schema import Schema, define_schema, v
from convex_mastra_emulator.stores.errors import MastraError
from convex_mastra_emulator.stores.native_vector import ConvexNativeVector, NativeVectorIndex
from convex_mastra_emulator.stores.server_cache import ConvexServerCache
from convex_mastra_emulator.stores.store import ConvexStore
from convex_mastra_emulator.stores.times import from_epoch_ms, to_epoch_ms, to_iso
from convex_mastra_emulator.stores.vector import ConvexVector
from pytest_mastra_convex.node_project import node_binary
from tests.stores.recording import RecordingDeployment

SCRIPT = Path(__file__).parent / "ts_rest.mjs"
START_MS = 1_700_000_000_000
# Below the time-out of a single test: the first test waits for all calls.
DEADLINE_SECONDS = 100

NATIVE_INDEXES = {
    "docs": NativeVectorIndex(table_name="docs_vectors", dimension=3),
    "notes": NativeVectorIndex(table_name="notes_vectors", dimension=3, filter_fields=["label", "tenant"]),
}

_REQUEST_ID = re.compile(r"\[Request ID: [^\]]*\]")


class Stores:
    """The Python classes on one deployment, with a clock and ids like the Node script's."""

    def __init__(self, deployment: Any) -> None:
        self._index = 0
        self._ids = 0
        self.store = ConvexStore(deployment, clock=self.now, new_id=self.new_id)
        self.scores, self.tasks = self.store.scores, self.store.background_tasks
        self.schedules, self.channels = self.store.schedules, self.store.channels
        self.vector = ConvexVector(deployment, clock=self.now, new_id=self.new_id)
        self.faithful_vector = ConvexVector(deployment, faithful=True)
        self.native = ConvexNativeVector(deployment, indexes=NATIVE_INDEXES, new_id=self.new_id)
        self.cache = ConvexServerCache(deployment, clock=self.now)
        self.cache_for_ever = ConvexServerCache(deployment, clock=self.now, key_prefix="p:", ttl_ms=0)

    def now(self) -> datetime:
        return from_epoch_ms(at_ms(self._index))

    def new_id(self) -> str:
        self._ids += 1
        return f"id-{self._ids}"

    def begin(self, index: int) -> None:
        """Sets the time of a call."""
        self._index = index


@dataclass(frozen=True, slots=True)
class Call:
    """One call: of the TypeScript class, and of the Python one."""

    store: str
    method: str
    arguments: Sequence[Any]
    python: Callable[[Stores], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a call sent, in order, and how it ended."""

    requests: list[Any]
    result: Any = None
    error: Any = None


def at_ms(index: int) -> int:
    """The time of a call: a second after the one before, in milliseconds since the Unix epoch."""
    return START_MS + index * 1000


def new_emulator() -> Emulator:
    """An emulator with the tables of `convex/schema.ts`; two of them give the same ids and the same times."""
    return Emulator(_schema(), seed=1, clock=ManualClock(START_MS / 1000))


def _schema() -> Schema:
    filtered = define_native_vector_table(
        dimensions=3, filter_fields={"label": v.optional(v.any()), "tenant": v.optional(v.any())}
    )
    return define_schema(
        {**mastra_tables(), "docs_vectors": define_native_vector_table(dimensions=3), "notes_vectors": filtered}
    )


def by_typescript(calls: Sequence[Call], url: str, admin_key: str) -> list[Answer]:
    """What the published classes do."""
    lines = [
        json.dumps({"store": one.store, "method": one.method, "arguments": _encoded(one.arguments), "at": at_ms(index)})
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
            # What a cache gives is the user's own value, in which every null counts.
            result=answer.get("result") if "cache" in one.store else _without_nulls(answer.get("result")),
            error=_comparable(answer.get("error")),
        )
        for one, answer in zip(calls, answers, strict=True)
    ]


def by_python(calls: Sequence[Call], deployment: Any) -> list[Answer]:
    """What the Python classes do."""
    recording = RecordingDeployment(deployment)
    stores = Stores(recording)
    answers = []
    for index, one in enumerate(calls):
        stores.begin(index)
        recording.requests = []
        result = error = None
        try:
            result = one.python(stores)
        except (EmulatorError, TypeError) as raised:
            error = _described(raised)
        answers.append(Answer(requests=recording.requests, result=_as_typescript(result), error=_comparable(error)))
    return answers


def _encoded(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"$date": to_iso(value)}
    if isinstance(value, float) and not -1e308 < value < 1e308:
        return {"$number": "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"}
    if isinstance(value, Mapping):
        return {name: _encoded(item) for name, item in value.items()}
    return list(map(_encoded, value)) if isinstance(value, (list, tuple)) else value


# Comparing

_SYSTEM_FIELDS = {"convex_id": "_id", "creation_time": "_creationTime"}
_CONTAINERS = ("tasks", "scores")


def _without_nulls(value: Any) -> Any:
    """Drops null where a record has it: Python's None is both null and undefined.  Nulls in data stay."""
    if isinstance(value, list):
        return list(map(_without_nulls, value))
    if not isinstance(value, dict):
        return value
    fields = {name: item for name, item in value.items() if item is not None}
    # What TypeScript nests Python does not.
    fields.update(fields.pop("pagination", {}) if "scores" in fields else {})
    if set(fields) == {"score"}:
        return _without_nulls(fields["score"])
    return {name: _without_nulls(item) if name in _CONTAINERS else item for name, item in fields.items()}


def _as_typescript(value: Any) -> Any:
    """A result as TypeScript's JSON shows it."""
    if isinstance(value, list):
        return list(map(_as_typescript, value))
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    given = {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
    # Both hold times of their own kind under these names.
    in_ms = "next_fire_at" in given or "actual_fire_at" in given
    return {
        _SYSTEM_FIELDS.get(name, _camel_name(name)): _field(item, in_ms)
        for name, item in given.items()
        if item is not None
    }


def _field(value: Any, in_ms: bool) -> Any:
    if isinstance(value, datetime):
        return to_epoch_ms(value) if in_ms else to_iso(value)
    return _as_typescript(value)


def _camel_name(name: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def _described(error: Exception) -> Any:
    if isinstance(error, MastraError):
        facts = {name: getattr(error, name) for name in ("id", "domain", "category", "details")}
        return {"name": "MastraError", "message": str(error), **facts}
    return {"name": "TypeError" if type(error) is TypeError else "Error", "message": str(error)}


def _comparable(error: Any) -> Any:
    """Without what is by chance, the id of the request, and without what is absent."""
    if error is None:
        return None
    shown = {**error, "message": _REQUEST_ID.sub("[Request ID: …]", error["message"])}
    return {name: item for name, item in shown.items() if item}
