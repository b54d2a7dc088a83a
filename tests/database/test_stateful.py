"""Random writes, failures and rollbacks against a plain dict, with every index and page checked after each step.

The order of values is that of `POOL`, written down from convex-engine.md §2, so that the model needs no comparison.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import pytest
from convex import ConvexInt64
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from convex_mastra_emulator import Emulator, ManualClock, mutation, undefined
from convex_mastra_emulator.errors import ThrownError
from convex_mastra_emulator.schema import define_schema, define_table, v

# Lowest first; a document holds positions in this list.
POOL: list[Any] = [
    undefined,
    None,
    ConvexInt64(-300),
    ConvexInt64(0),
    ConvexInt64(2**40),
    float("-inf"),
    -1.5,
    -0.0,
    0.0,
    2.0,
    float("nan"),
    False,
    True,
    "",
    "a",
    "aa",
    "b",
    "\uffff",
    "\U00010000",
    b"",
    b"\0\xff",
    b"\1",
    [],
    [None],
    [1.0],
    [1.0, 2.0],
    {},
    {"a": 1.0},
    {"b": 0.0},
]
SCHEMA = define_schema({"docs": define_table(v.any()).index("by_k", ["k"]).index("by_k_n", ["k", "n"])})

positions = st.integers(0, len(POOL) - 1)
# Few groups, so that an equality finds several documents.
groups = st.sampled_from([0, 3, 14])
bounds = st.sampled_from(["gt", "gte", "lt", "lte"])

Documents = dict[str, tuple[int, int]]
Compare = Callable[[int, int], bool]


class Undo(Exception):
    """Ends a function whose writes are to be undone."""


def through(index: str, order: str, query: Any) -> Any:
    return query.with_index(index).order(order)


def get(document_id: str, ctx: Any) -> Any:
    return ctx.db.get(document_id)


def page_above_null(order: str, cursor: str | None, ctx: Any) -> Any:
    query = ctx.db.query("docs").with_index("by_k_n", lambda q: q.gt("k", None)).order(order)
    return query.paginate({"numItems": 3, "cursor": cursor})


class DocumentsMachine(RuleBasedStateMachine):
    """A table `docs` of documents `{k, n}`, and what it must hold."""

    compare: ClassVar[dict[str, Compare]] = {
        "gt": lambda value, bound: value > bound,
        "gte": lambda value, bound: value >= bound,
        "lt": lambda value, bound: value < bound,
        "lte": lambda value, bound: value <= bound,
    }

    @initialize()
    def begin(self) -> None:
        self.clock = ManualClock()
        self.emulator = Emulator(SCHEMA, seed=1, clock=self.clock)
        self.model: Documents = {}
        self.times: dict[str, float] = {}

    # Writing; each takes the model it changes, so that the same writes can be undone

    def write(self, ctx: Any, model: Documents, k: int, n: int, choice: int) -> None:
        if not model or choice % 4 == 0:
            document_id = ctx.db.insert("docs", {"k": POOL[k], "n": POOL[n]})
            model[document_id] = (k, n)
            self.times[document_id] = ctx.db.get(document_id)["_creationTime"]
            return
        document_id = sorted(model)[choice % len(model)]
        if choice % 4 == 1:
            ctx.db.patch(document_id, {"n": POOL[n]})
            model[document_id] = (model[document_id][0], n)
        elif choice % 4 == 2:
            ctx.db.replace(document_id, {"k": POOL[k], "n": POOL[n]})
            model[document_id] = (k, n)
        else:
            ctx.db.delete(document_id)
            del model[document_id]

    writes = st.lists(st.tuples(groups, positions, st.integers(0, 99)), min_size=1, max_size=6)

    def write_all(self, ctx: Any, model: Documents, writes: list[tuple[int, int, int]]) -> None:
        for k, n, choice in writes:
            self.write(ctx, model, k, n, choice)

    @rule(writes=writes)
    def commit(self, writes: list[tuple[int, int, int]]) -> None:
        self.clock.advance(0.001)
        self.emulator.run(lambda ctx: self.write_all(ctx, self.model, writes))

    @rule(writes=writes)
    def fail(self, writes: list[tuple[int, int, int]]) -> None:
        def body(ctx: Any) -> None:
            self.write_all(ctx, dict(self.model), writes)
            raise Undo("on purpose")

        with pytest.raises(Undo, match="on purpose"):
            self.emulator.run(body)

    @rule(before=writes, inside=writes, after=writes)
    def fail_inside(
        self, before: list[tuple[int, int, int]], inside: list[tuple[int, int, int]], after: list[tuple[int, int, int]]
    ) -> None:
        def inner(ctx: Any, args: Any) -> None:
            self.write_all(ctx, dict(self.model), inside)
            raise Undo("on purpose")

        def outer(ctx: Any) -> None:
            self.write_all(ctx, self.model, before)
            with pytest.raises(ThrownError, match="on purpose"):
                ctx.run_mutation("t:inner")
            self.write_all(ctx, self.model, after)

        self.clock.advance(0.001)
        self.emulator.define("t:inner", mutation(inner))
        self.emulator.run(outer)

    @rule(first=writes, second=writes)
    def roll_back(self, first: list[tuple[int, int, int]], second: list[tuple[int, int, int]]) -> None:
        undone = dict(self.model)
        with self.emulator.rollback():
            self.emulator.run(lambda ctx: self.write_all(ctx, undone, first))
            self.check_indexes(undone)
            self.emulator.run(lambda ctx: self.write_all(ctx, undone, second))

    # Asking

    def expected(self, model: Documents, *, by: Callable[[tuple[int, int]], Any]) -> list[str]:
        return sorted(model, key=lambda document_id: (by(model[document_id]), self.times[document_id], document_id))

    def ids(self, build: Callable[[Any], Any]) -> list[str]:
        found: list[str] = self.emulator.run(lambda ctx: [row["_id"] for row in build(ctx.db.query("docs")).collect()])
        return found

    def check_indexes(self, model: Documents) -> None:
        in_order: dict[str, list[str]] = {
            "by_id": sorted(model),
            "by_creation_time": self.expected(model, by=lambda document: 0),
            "by_k": self.expected(model, by=lambda document: document[0]),
            "by_k_n": self.expected(model, by=lambda document: document),
        }
        for index, expected in in_order.items():
            assert self.ids(partial(through, index, "asc")) == expected
            assert self.ids(partial(through, index, "desc")) == expected[::-1]

    @invariant()
    def indexes_hold_the_documents(self) -> None:
        self.check_indexes(self.model)

    @invariant()
    def documents_are_what_was_written(self) -> None:
        for document_id, (k, n) in self.model.items():
            document = self.emulator.run(partial(get, document_id))
            assert repr(document.get("k", undefined)) == repr(POOL[k])
            assert repr(document.get("n", undefined)) == repr(POOL[n])

    @invariant()
    def pages_make_up_the_whole(self) -> None:
        for order in ("asc", "desc"):
            pages: list[str] = []
            cursor, is_done = None, False
            while not is_done:
                page = self.emulator.run(partial(page_above_null, order, cursor))
                pages += [row["_id"] for row in page["page"]]
                cursor, is_done = page["continueCursor"], page["isDone"]
            expected = [i for i in self.expected(self.model, by=lambda document: document) if self.model[i][0] > 1]
            assert pages == (expected if order == "asc" else expected[::-1])

    @rule(k=groups, operation=bounds, bound=positions, order=st.sampled_from(["asc", "desc"]))
    def ask_for_a_range(self, k: int, operation: str, bound: int, order: str) -> None:
        found = self.ids(
            lambda query: query.with_index(
                "by_k_n", lambda q: getattr(q.eq("k", POOL[k]), operation)("n", POOL[bound])
            ).order(order)
        )

        expected = [
            document_id
            for document_id in self.expected(self.model, by=lambda document: document)
            if self.model[document_id][0] == k and self.compare[operation](self.model[document_id][1], bound)
        ]
        assert found == (expected if order == "asc" else expected[::-1])

    @rule(operation=bounds, bound=positions)
    def ask_with_a_filter(self, operation: str, bound: int) -> None:
        found = self.ids(lambda query: query.filter(lambda q: getattr(q, operation)(q.field("n"), POOL[bound])))

        assert set(found) == {i for i, (_, n) in self.model.items() if self.compare[operation](n, bound)}


DocumentsMachine.TestCase.settings = settings(
    max_examples=30, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestDocuments = DocumentsMachine.TestCase
