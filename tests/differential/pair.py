"""The emulator and another deployment side by side, and the steps that are played on both.

A step is a frozen dataclass, so that a failing example prints as a test that can be copied.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from convex_mastra_emulator import Emulator, ManualClock
from convex_mastra_emulator.limits import DEFAULT_LIMITS, Limits
from convex_mastra_emulator.runtime.functions import FunctionKind as Kind
from convex_mastra_emulator.runtime.identity import ADMIN
from convex_mastra_emulator.schema import Schema
from convex_mastra_emulator.values.codec import decode, decode_measured, encode
from convex_mastra_emulator.values.json_text import parse_json, write_json
from convex_mastra_emulator.values.size import Measured
from pytest_mastra_convex.comparison import (
    Answer,
    Naming,
    assert_same,
    assert_same_answer,
    without_last_empty_page,
)
from pytest_mastra_convex.node_project import FunctionKind, Oracle
from tests.differential.programs import Answers, Program, run_on

START_MS = 1_700_000_000_000
PROBE = "conformance/probe:mutation"

Row = dict[str, Any]


class Side(Protocol):
    """One of the two deployments, spoken to in encoded values."""

    naming: Naming

    def set_time(self, now_ms: int) -> None:
        """Move its clock."""

    def call(self, kind: FunctionKind, path: str, args: Row) -> Answer:
        """Call a function."""

    def store(self, table: str, rows: list[Row]) -> None:
        """Insert documents past all functions."""

    def program(self, steps: Program) -> Answers:
        """Run a database program in one mutation."""

    def dump(self, table: str) -> list[Row]:
        """All documents of a table in creation order."""


class EmulatorSide:
    """An emulator of the test's own."""

    def __init__(self, emulator: Emulator, clock: ManualClock) -> None:
        self.clock = clock
        self.emulator = emulator
        self.naming = Naming()

    @classmethod
    def new(cls, schema: Schema, now_ms: int) -> Self:
        """One with Mastra's functions in Python."""
        clock = ManualClock(now_ms / 1000)
        return cls(Emulator(schema, seed=1, clock=clock), clock)

    @classmethod
    def copy_of(cls, deployed: Emulator, now_ms: int) -> Self:
        """One with the functions of another one, which is empty."""
        clock = ManualClock(now_ms / 1000)
        return cls(deployed.clone(seed=1, clock=clock), clock)

    def set_time(self, now_ms: int) -> None:
        self.clock.move_to(now_ms)

    def call(self, kind: FunctionKind, path: str, args: Row) -> Answer:
        def arguments(limits: Limits) -> list[Measured]:
            return [decode_measured(args, limits)]

        outcome = self.emulator.call(path, arguments, Kind[kind.upper()], ADMIN)
        if outcome.failure is not None:
            return Answer(error=outcome.failure.message)
        return Answer(value=encode(outcome.value))

    def store(self, table: str, rows: list[Row]) -> None:
        self.emulator.run(lambda ctx: [ctx.db.insert(table, decode(row, DEFAULT_LIMITS)) for row in rows])

    def program(self, steps: Program) -> Answers:
        return run_on(self.emulator, steps)

    def dump(self, table: str) -> list[Row]:
        documents: list[Row] = self.emulator.run(lambda ctx: ctx.db.query(table).collect())
        return [encode(document) for document in documents]


class TypeScriptSide(EmulatorSide):
    """An emulator with TypeScript deployed: programs run there, too."""

    def program(self, steps: Program) -> Answers:
        answers: Answers = parse_json(self.emulator.mutation(PROBE, {"program": write_json(steps)}))
        return answers


class OracleSide:
    """The session's oracle, emptied."""

    def __init__(self, oracle: Oracle, now_ms: int) -> None:
        self.oracle = oracle
        self.naming = Naming()
        oracle.reset(now=now_ms)

    def set_time(self, now_ms: int) -> None:
        self.oracle.set_time(now_ms)

    def call(self, kind: FunctionKind, path: str, args: Row) -> Answer:
        answer = self.oracle.call(kind, path, args)
        if answer["status"] == "success":
            return Answer(value=answer["value"])
        return Answer(error=answer["errorMessage"])

    def store(self, table: str, rows: list[Row]) -> None:
        results = self.oracle.program([{"op": "insert", "table": table, "value": row} for row in rows])
        assert not any("error" in result for result in results), results

    def program(self, steps: Program) -> Answers:
        return self.oracle.program(steps)

    def dump(self, table: str) -> list[Row]:
        return self.oracle.dump(table)


class Pair:
    """Both sides, empty and at the same time."""

    has_oracle = True

    def __init__(self, first: Side, second: Side) -> None:
        self.sides = (first, second)
        self._now_ms = START_MS

    def advance(self, ms: int) -> None:
        """Move both clocks."""
        self._now_ms += ms
        for side in self.sides:
            side.set_time(self._now_ms)

    def on_both(self, work: Callable[[Side], Answer]) -> tuple[Answer, Answer]:
        """Do something on each side; the answers come with names for ids."""
        answers = []
        for side in self.sides:
            answer = work(side)
            answers.append(Answer(value=side.naming.canonical(answer.value), error=answer.error))
        emulated, expected = answers
        return emulated, expected

    def compare(self, what: str, work: Callable[[Side], Answer]) -> None:
        """Do something on each side and compare how it ends."""
        self.compare_answers(what, *self.on_both(work))

    def compare_answers(self, what: str, emulated: Answer, expected: Answer) -> None:
        """Forgives what the register says of the oracle."""
        assert_same_answer(what, emulated, expected)

    def compare_tables(self, tables: Iterable[str]) -> None:
        """Compare what is stored, in the order in which it was created."""
        for table in tables:
            emulated, expected = ([without_system_fields(row) for row in side.dump(table)] for side in self.sides)
            naming = Naming()
            assert_same(f"table {table}", naming.canonical(emulated), naming.canonical(expected))


class EqualPair(Pair):
    """Two deployments that have nothing to be forgiven."""

    has_oracle = False

    def compare_answers(self, what: str, emulated: Answer, expected: Answer) -> None:
        names = [side.naming.text for side in self.sides]
        errors = [
            name(answer.error) if answer.error else None
            for name, answer in zip(names, (emulated, expected), strict=True)
        ]
        assert_same(what, {"value": emulated.value, "error": errors[0]}, {"value": expected.value, "error": errors[1]})


def without_system_fields(row: Row) -> Row:
    """A document as it was written."""
    return {name: value for name, value in row.items() if name not in ("_id", "_creationTime")}


class Step(Protocol):
    """Something that is done on both sides and compared."""

    def play(self, pair: Pair) -> None:
        """Do it; fails when the sides differ."""


@dataclass(frozen=True)
class Call:
    """One call of a function."""

    path: str
    args: Row
    kind: FunctionKind = "mutation"

    def play(self, pair: Pair) -> None:
        pair.compare(str(self), lambda side: side.call(self.kind, self.path, self.args))

    def __str__(self) -> str:
        return f"{self.kind} {self.path} {json.dumps(self.args)}"


@dataclass(frozen=True)
class Advance:
    """Time passes."""

    ms: int

    def play(self, pair: Pair) -> None:
        pair.advance(self.ms)


@dataclass(frozen=True)
class Store:
    """Documents written past all functions: what an older version of Mastra left, or more than a test may call for."""

    table: str
    rows: list[Row]

    def play(self, pair: Pair) -> None:
        for side in pair.sides:
            side.store(self.table, self.rows)


@dataclass(frozen=True)
class Pages:
    """A paged `queryTable` read to its end."""

    path: str
    args: Row
    calls_max: int = 80

    def play(self, pair: Pair) -> None:
        emulated, expected = pair.on_both(self._read)
        if pair.has_oracle:
            emulated, expected = without_last_empty_page(emulated, expected)
        pair.compare_answers(f"pages of {json.dumps(self.args)}", emulated, expected)

    def _read(self, side: Side) -> Answer:
        pages: list[Any] = []
        cursor: dict[str, Any] = {}
        for _ in range(self.calls_max):
            answer = side.call("mutation", self.path, {**self.args, **cursor})
            if not isinstance(answer.value, dict) or not answer.value.get("ok"):
                return answer
            pages.append(answer.value["result"])
            if not answer.value["hasMore"]:
                return Answer(value=pages)
            cursor = {"cursor": answer.value["continuationCursor"]}
        raise AssertionError(f"no end after {self.calls_max} pages")


@dataclass(frozen=True)
class SendBack:
    """A row is loaded and inserted again as it came, system fields included, with some changes (`updateMessages`)."""

    path: str
    table: str
    record_id: str
    changes: Row

    def play(self, pair: Pair) -> None:
        pair.compare(str(self), self._send)

    def _send(self, side: Side) -> Answer:
        load = {"op": "load", "tableName": self.table, "keys": {"id": self.record_id}}
        loaded = side.call("mutation", self.path, load)
        if not isinstance(loaded.value, dict) or loaded.value.get("result") is None:
            return loaded
        record = {**loaded.value["result"], **self.changes}
        return side.call("mutation", self.path, {"op": "insert", "tableName": self.table, "record": record})


def play(pair: Pair, steps: Sequence[Step], tables: Iterable[str]) -> None:
    """Play all steps, then compare the tables."""
    for step in steps:
        step.play(pair)
    pair.compare_tables(tables)
