"""A deployment with other people's rows in it, and a pair of an isolated user of it and of an empty emulator."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from convex_mastra_emulator import ConvexError, Emulator, FunctionError, ManualClock
from convex_mastra_emulator.errors import DeploymentError
from convex_mastra_emulator.limits import DEFAULT_LIMITS
from convex_mastra_emulator.mastra import define_native_vector_table, mastra_tables
from convex_mastra_emulator.schema import Schema, define_schema, v
from convex_mastra_emulator.values.codec import decode, encode
from pytest_mastra_convex.comparison import Answer, Naming
from pytest_mastra_convex.isolation import IsolatedDeployment, IsolationRefused
from pytest_mastra_convex.isolation.rules import NAME_COLUMNS
from pytest_mastra_convex.node_project import FunctionKind
from tests.differential.pair import START_MS, EmulatorSide, Pair, Row, Side, Step, Store
from tests.differential.storage_strategies import PATH, plain_record

_DOCUMENT_ID = re.compile(r"\b[0-9a-z]{32}\b")

OWN, OTHER = "t0wn0000-w0-1-", "t0ther00-w1-2-"


def shared_schema() -> Schema:
    """Mastra's tables and two of native vectors."""
    labelled = {"label": v.optional(v.any()), "tenant": v.optional(v.any())}
    return define_schema(
        {
            **mastra_tables(),
            "docs_vectors": define_native_vector_table(dimensions=3),
            "notes_vectors": define_native_vector_table(dimensions=3, filter_fields=labelled),
        }
    )


def put_foreign_rows(emulator: Emulator) -> None:
    """Rows of people who use no prefix, under the names that tests like."""
    for table in NAME_COLUMNS:
        rows = [{**plain_record(table), "id": record_id} for record_id in ("a", "b", "1", "foreign")]
        emulator.mutation(PATH, {"op": "batchInsert", "tableName": table, "records": rows})
    for table in ("notes", "mastra_vector_docs", "mastra_vector_", ""):
        rows = [{"id": "a", "embedding": [1.0]}, {"id": "foreign", "embedding": [1.0]}]
        emulator.mutation(PATH, {"op": "batchInsert", "tableName": table, "records": rows})
    cached = {"value": 1.0, "expiresAt": None}
    for key, prefix in (("p:a", "p:"), ("q:a", "q:"), ("", ""), ("foreign", "")):
        emulator.mutation("mastra/cache:handle", {"op": "set", "key": key, "keyPrefix": prefix, **cached})
    for table_name in ("docs_vectors", "notes_vectors"):
        config = {"tableName": table_name, "vectorIndexName": "by_embedding"}
        vectors = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-1.0, 0.5, 2.0]]
        write = {"op": "upsert", "config": config, "ids": ["a", "b", "foreign"], "vectors": vectors}
        emulator.mutation("mastra/nativeVector:write", write)
    legacy = {"table": "mastra_background_tasks", "primaryKey": "1", "record": {"id": "1", "status": "pending"}}
    emulator.run(lambda ctx: ctx.db.insert("mastra_documents", legacy))


def all_rows(emulator: Emulator) -> dict[str, list[Any]]:
    """Everything that is stored, by table."""
    return {
        table: emulator.run(lambda ctx, name=table: ctx.db.query(name).collect())  # type: ignore[misc]
        for table in shared_schema().tables
    }


class IsolatedSide:
    """One user of a shared deployment, spoken to in encoded values."""

    def __init__(self, deployment: IsolatedDeployment) -> None:
        self.deployment = deployment
        self.naming = Naming()

    def call(self, kind: FunctionKind, path: str, args: Row) -> Answer:
        try:
            given = decode(args, DEFAULT_LIMITS)
        except DeploymentError:
            raise IsolationRefused("no Convex value, which no Python code can send") from None
        try:
            value = getattr(self.deployment, kind)(path, given)
        except FunctionError as error:
            return Answer(error=error.message)
        except ConvexError as error:
            return Answer(error=str(error))
        return Answer(value=encode(value))

    def set_time(self, now_ms: int) -> None:
        raise NotImplementedError

    def store(self, table: str, rows: list[Row]) -> None:
        raise NotImplementedError

    def program(self, steps: Any) -> Any:
        raise NotImplementedError

    def dump(self, table: str) -> list[Row]:
        raise NotImplementedError


class SharedPair(Pair):
    """A user of a deployment that is full of others' rows, beside an emulator of one's own.

    Another user plays the same steps, each a moment earlier.
    """

    def __init__(self) -> None:
        self.clock = ManualClock(START_MS / 1000)
        self.shared = Emulator(shared_schema(), seed=7, clock=self.clock)
        put_foreign_rows(self.shared)
        self.foreign = all_rows(self.shared)
        self.own, self.other = (IsolatedSide(IsolatedDeployment(self.shared, prefix)) for prefix in (OWN, OTHER))
        self.alone = EmulatorSide.new(shared_schema(), START_MS)
        self.refused = 0

    def advance(self, ms: int) -> None:
        self.clock.advance(ms / 1000)
        self.alone.clock.advance(ms / 1000)

    def on_both(self, work: Callable[[Side], Answer]) -> tuple[Answer, Answer]:
        answers = []
        for side in (self.other, self.own, self.alone):
            answer = work(side)
            error = None if answer.error is None else _DOCUMENT_ID.sub("a document id", answer.error)
            answers.append(Answer(value=side.naming.canonical(answer.value), error=error))
        _, own, alone = answers
        return own, alone

    def play(self, steps: Sequence[Step]) -> None:
        """Plays and compares what isolation does not refuse; what is stored past all functions is left out."""
        for step in steps:
            if not isinstance(step, Store):
                try:
                    step.play(self)
                except IsolationRefused:
                    self.refused += 1

    def clean_up(self) -> None:
        """Both users go."""
        self.own.deployment.clean_up()
        self.other.deployment.clean_up()
