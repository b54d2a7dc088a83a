"""Undoing: a failed mutation, a caught nested one and `emulator.rollback()` leave no trace (convex-engine.md §5.6, §6).

What may move on are ids and creation times; everything that can be asked for must answer as before.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, ManualClock, action, mutation
from convex_mastra_emulator.errors import FunctionError, InvalidQuery, SchemaViolation, ThrownError
from convex_mastra_emulator.schema import define_schema, define_table, v
from convex_mastra_emulator.values.ids import encode_id

SCHEMA = define_schema(
    {
        "notes": define_table(v.any())
        .index("by_text", ["text"])
        .index("by_kind_n", ["kind", "n"])
        .vector_index("by_embedding", vector_field="embedding", dimensions=2, filter_fields=["kind"]),
        "users": define_table({"name": v.string()}),
    }
)
FRESH_ID = encode_id(10003, bytes(16))


class Failed(Exception):
    """What the functions of this module fail with."""


@pytest.fixture
def deployment() -> Iterator[Emulator]:
    """Three notes and a user, and a function that searches the notes' vectors."""
    with Emulator(SCHEMA, seed=1, clock=ManualClock()) as emulator:
        emulator.run(seed)
        emulator.define(
            "t:search",
            action(lambda ctx, args: ctx.vector_search("notes", "by_embedding", vector=[1, 1], limit=256, **args)),
        )
        yield emulator


def seed(ctx: Any) -> None:
    for n, text in enumerate("abc"):
        embedding = [1.0, n / 10]
        ctx.db.insert("notes", {"text": text, "kind": "even" if n % 2 == 0 else "odd", "n": n, "embedding": embedding})
    ctx.db.insert("users", {"name": "u"})


def ids(ctx: Any) -> list[str]:
    return [row["_id"] for row in ctx.db.query("notes").with_index("by_text").collect()]


def everything(emulator: Emulator) -> dict[str, Any]:
    """All that can be asked about the deployment: documents, indexes in both directions, vectors, tables."""

    def queries(ctx: Any) -> dict[str, Any]:
        db = ctx.db
        indexes = ("by_id", "by_creation_time", "by_text", "by_kind_n")
        return {
            "fresh": db.query("fresh").collect(),
            "fresh exists": db.normalize_id("fresh", FRESH_ID) is not None,
            "users": db.query("users").collect(),
            **{index: db.query("notes").with_index(index).collect() for index in indexes},
            **{f"{index} desc": db.query("notes").with_index(index).order("desc").collect() for index in indexes},
            "odd": db.query("notes").with_index("by_kind_n", lambda q: q.eq("kind", "odd").gte("n", 0)).collect(),
        }

    found: dict[str, Any] = emulator.run(queries)
    found["counts"] = emulator.table_counts()
    found["nearest"] = emulator.action("t:search", {})
    return found


def write_everything(ctx: Any) -> None:
    """Every kind of write: also a document twice, one that comes and goes, and a table that was not there."""
    first, second, third = ids(ctx)[:3]
    ctx.db.patch(first, {"text": "z", "n": 9, "embedding": [0.0, 1.0]})
    ctx.db.patch(first, {"kind": "odd"})
    ctx.db.replace(second, {"text": "only text"})
    ctx.db.delete(third)
    ctx.db.insert("notes", {"text": "new", "kind": "odd", "embedding": [1.0, 1.0]})
    ctx.db.delete(ctx.db.insert("notes", {"text": "short-lived"}))
    fresh = ctx.db.insert("fresh", {"a": 1})
    ctx.db.patch(fresh, {"a": 2})


def fail_after_writing(ctx: Any, args: Any = None) -> None:
    write_everything(ctx)
    raise Failed("on purpose")


def test_everything_a_write_does_is_seen(deployment: Emulator) -> None:
    before = everything(deployment)

    deployment.run(write_everything)

    after = everything(deployment)
    assert {name for name in before if before[name] != after[name]} == set(before) - {"users"}


def test_failed_mutation_leaves_no_trace(deployment: Emulator) -> None:
    before = everything(deployment)
    deployment.define("t:fail", mutation(fail_after_writing))

    with pytest.raises(FunctionError, match="on purpose"):
        deployment.mutation("t:fail")

    assert everything(deployment) == before


def test_failed_body_of_a_test_leaves_no_trace(deployment: Emulator) -> None:
    before = everything(deployment)

    with pytest.raises(Failed, match="on purpose"):
        deployment.run(fail_after_writing)

    assert everything(deployment) == before


# `KeyboardInterrupt` and pytest's time-out end a function, too.
def test_interrupted_body_leaves_no_trace(deployment: Emulator) -> None:
    def interrupted(ctx: Any) -> None:
        write_everything(ctx)
        raise KeyboardInterrupt("on purpose")

    before = everything(deployment)

    with pytest.raises(KeyboardInterrupt, match="on purpose"):
        deployment.run(interrupted)

    assert everything(deployment) == before


def test_nested_mutation_that_fails_undoes_only_its_own_writes(deployment: Emulator) -> None:
    deployment.define("t:fail", mutation(fail_after_writing))

    def outer(ctx: Any) -> None:
        ctx.db.insert("users", {"name": "before"})
        with pytest.raises(ThrownError, match="on purpose"):
            ctx.run_mutation("t:fail")
        assert len(ids(ctx)) == 3
        assert ctx.db.query("fresh").collect() == []
        ctx.db.insert("users", {"name": "after"})

    before = everything(deployment)
    deployment.run(outer)
    after = everything(deployment)

    assert sorted(user["name"] for user in after["users"]) == ["after", "before", "u"]
    assert {name for name in before if before[name] != after[name]} == {"users", "counts"}


def test_parent_that_fails_undoes_nested_mutations_that_succeeded(deployment: Emulator) -> None:
    deployment.define("t:write", mutation(lambda ctx, args: write_everything(ctx)))

    def outer(ctx: Any) -> None:
        ctx.run_mutation("t:write")
        raise Failed("on purpose")

    before = everything(deployment)

    with pytest.raises(Failed, match="on purpose"):
        deployment.run(outer)

    assert everything(deployment) == before


def test_rollback_leaves_no_trace(deployment: Emulator) -> None:
    before = everything(deployment)

    with deployment.rollback():
        deployment.run(write_everything)
        assert everything(deployment) != before

    assert everything(deployment) == before


def test_rollback_undoes_several_mutations_failed_ones_between(deployment: Emulator) -> None:
    before = everything(deployment)

    with deployment.rollback():
        deployment.run(lambda ctx: ctx.db.patch(ids(ctx)[0], {"text": "m"}))
        with pytest.raises(Failed, match="on purpose"):
            deployment.run(fail_after_writing)
        deployment.run(write_everything)
        deployment.run(lambda ctx: ctx.db.delete(ids(ctx)[0]))

    assert everything(deployment) == before


def test_rollbacks_can_be_nested(deployment: Emulator) -> None:
    before = everything(deployment)

    with deployment.rollback():
        deployment.run(lambda ctx: ctx.db.insert("users", {"name": "outer"}))
        outer = everything(deployment)
        with deployment.rollback():
            deployment.run(write_everything)
        assert everything(deployment) == outer

    assert everything(deployment) == before


def test_rollback_happens_when_its_block_fails(deployment: Emulator) -> None:
    def block() -> None:
        with deployment.rollback():
            deployment.run(write_everything)
            raise Failed("on purpose")

    before = everything(deployment)

    with pytest.raises(Failed, match="on purpose"):
        block()

    assert everything(deployment) == before


def test_writes_after_a_rollback_stay(deployment: Emulator) -> None:
    with deployment.rollback():
        deployment.run(write_everything)
    deployment.run(write_everything)

    assert len(everything(deployment)["by_text"]) == 3
    assert len(everything(deployment)["fresh"]) == 1


# The searched index is brought up to date by searches: one between the writes must not hide them from the undoing.
def test_rollback_after_a_search_restores_the_vectors(deployment: Emulator) -> None:
    before = everything(deployment)

    with deployment.rollback():
        for _ in range(3):
            deployment.run(write_everything)
            deployment.action("t:search", {})
            deployment.run(lambda ctx: [ctx.db.insert("notes", {"embedding": [0.5, 0.5]}) for _ in range(3)])
            deployment.action("t:search", {})

    assert everything(deployment) == before


def test_table_number_of_an_undone_table_is_free_again(deployment: Emulator) -> None:
    with deployment.rollback():
        undone = deployment.run(lambda ctx: ctx.db.insert("fresh", {}))
    other = deployment.run(lambda ctx: ctx.db.insert("another", {}))

    assert undone[:2] == other[:2]


def test_index_of_an_undone_table_is_not_found(deployment: Emulator) -> None:
    with deployment.rollback():
        deployment.run(lambda ctx: ctx.db.insert("fresh", {}))
        assert len(deployment.run(lambda ctx: ctx.db.query("fresh").with_index("by_id").collect())) == 1

    with pytest.raises(InvalidQuery, match=r"^Index fresh\.by_id not found\.$"):
        deployment.run(lambda ctx: ctx.db.query("fresh").with_index("by_id").collect())


# §6: a failed insert that is caught leaves the table it was to go into, as on a deployment.
def test_failed_insert_that_is_caught_creates_its_table(deployment: Emulator) -> None:
    def body(ctx: Any) -> Any:
        with pytest.raises(Exception, match="starts with an underscore"):
            ctx.db.insert("fresh", {"_x": 1})
        return ctx.db.query("fresh").with_index("by_id").collect()

    assert deployment.run(body) == []


# Private system tables exist too: an id of theirs is one "from a system table" (§7.2), not an unknown one.
@pytest.mark.parametrize("table_number", [540, 539, 513, 514])
def test_id_of_any_system_table_is_known_as_such(table_number: int) -> None:
    schema = define_schema({"links": define_table({"to": v.id("links")})})
    system_id = encode_id(table_number, bytes(16))
    with (
        Emulator(schema, seed=1, clock=ManualClock()) as emulator,
        pytest.raises(SchemaViolation, match=f'Found ID "{system_id}" from a system table, '),
    ):
        emulator.run(lambda ctx: ctx.db.insert("links", {"to": system_id}))


def test_id_of_a_table_created_later_is_known(deployment: Emulator) -> None:
    schema = define_schema({"links": define_table({"to": v.id("fresh")})})
    with Emulator(schema, seed=1, clock=ManualClock()) as emulator:
        fresh = emulator.run(lambda ctx: ctx.db.insert("fresh", {}))

        assert emulator.run(lambda ctx: ctx.db.insert("links", {"to": fresh}))


def test_emulators_share_nothing() -> None:
    with Emulator(SCHEMA, seed=1, clock=ManualClock()) as one, Emulator(SCHEMA, seed=1, clock=ManualClock()) as other:
        one.run(lambda ctx: ctx.db.insert("notes", {"text": "a"}))

        assert one.table_counts() == {"notes": 1}
        assert other.table_counts() == {}


Write = Callable[[Any], Any]


# Each kind of write alone, so that a failure names it.
@pytest.mark.parametrize(
    "write",
    [
        lambda ctx: ctx.db.insert("notes", {"text": "b", "n": 1}),
        lambda ctx: ctx.db.patch(ids(ctx)[1], {"text": "zz"}),
        lambda ctx: ctx.db.patch(ids(ctx)[1], {"unindexed": 1}),
        lambda ctx: ctx.db.patch(ids(ctx)[1], {"embedding": [0.0, 1.0]}),
        lambda ctx: ctx.db.replace(ids(ctx)[1], {}),
        lambda ctx: ctx.db.delete(ids(ctx)[1]),
        lambda ctx: ctx.db.insert("fresh", {}),
    ],
    ids=["insert", "patch", "patch of no index", "patch of a vector", "replace", "delete", "new table"],
)
def test_each_kind_of_write_is_undone(deployment: Emulator, write: Write) -> None:
    before = everything(deployment)

    with deployment.rollback():
        deployment.run(write)

    assert everything(deployment) == before
