"""Actions: calls in transactions of their own, errors through all levels, vector search.

convex-backend crates/isolate/src/environment/action (convex-engine.md §8, §10.4 to §10.6).
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from convex_mastra_emulator import ConvexError, Emulator, FunctionError, Limits, ManualClock, action, mutation, query
from convex_mastra_emulator.runtime.context import MutationContext
from convex_mastra_emulator.schema import define_schema, define_table, v


def insert(ctx: Any, args: Any) -> str:
    return str(ctx.db.insert("action_notes", {}))


def count(ctx: Any, args: Any) -> int:
    return len(ctx.db.query("action_notes").collect())


def refuse(ctx: Any, args: Any) -> None:
    raise ConvexError("refused", {"code": "E1"})


# There is no transaction around an action: what its first call committed stays, whatever comes after.
def test_failing_action_keeps_what_its_calls_committed(emulator: Emulator) -> None:
    def insert_and_fail(ctx: Any, args: Any) -> None:
        ctx.run_mutation("acts:insert")
        raise Exception("boom")

    emulator.define("acts:insert", mutation(insert))
    emulator.define("acts:outer", action(insert_and_fail))

    with pytest.raises(FunctionError, match="Uncaught Error: boom"):
        emulator.action("acts:outer")
    assert emulator.table_counts() == {"action_notes": 1}


def test_failed_mutation_of_an_action_is_undone_alone(emulator: Emulator) -> None:
    def insert_and_fail(ctx: Any, args: Any) -> None:
        insert(ctx, args)
        raise Exception("boom")

    def outer(ctx: Any, args: Any) -> str:
        ctx.run_mutation("acts:insert")
        try:
            ctx.run_mutation("acts:fail")
        except Exception as error:
            return str(error)
        return "no error"

    emulator.define("acts:insert", mutation(insert))
    emulator.define("acts:fail", mutation(insert_and_fail))
    emulator.define("acts:outer", action(outer))

    assert re.fullmatch(
        r"Uncaught Error: boom\n    at insert_and_fail \(\.\./\S*test_actions\.py:\d+:1\)\n",
        emulator.action("acts:outer"),
    )
    assert emulator.table_counts() == {"action_notes": 1}


# Unlike in a mutation, a bad result undoes the call: it is a top-level one (§7.6).
def test_mutation_of_an_action_with_a_bad_result_commits_nothing(emulator: Emulator) -> None:
    def outer(ctx: Any, args: Any) -> str:
        try:
            ctx.run_mutation("acts:wrong")
        except Exception as error:
            return str(error)
        return "no error"

    emulator.define("acts:wrong", mutation(insert, returns=v.null()))
    emulator.define("acts:outer", action(outer))

    assert emulator.action("acts:outer").startswith("ReturnsValidationError: Value does not match validator.")
    assert emulator.table_counts() == {}


def test_others_may_write_between_the_calls_of_an_action(emulator: Emulator) -> None:
    def outer(ctx: Any, args: Any) -> list[Any]:
        before = ctx.run_query("acts:count")
        emulator.run(lambda other: insert(other, None))
        return [before, ctx.run_query("acts:count")]

    emulator.define("acts:count", query(count))
    emulator.define("acts:outer", action(outer))

    assert emulator.action("acts:outer") == [0.0, 1.0]


def test_each_call_of_an_action_has_its_own_limits() -> None:
    emulator = Emulator(limits=Limits(documents_written_max=1))
    emulator.define("acts:insert", mutation(insert))
    emulator.define(
        "acts:outer", action(lambda ctx, args: [ctx.run_mutation("acts:insert") for _ in range(3)] and None)
    )

    emulator.action("acts:outer")

    assert emulator.table_counts() == {"action_notes": 3}


def test_time_goes_on_in_an_action(emulator: Emulator, clock: ManualClock) -> None:
    def outer(ctx: Any, args: Any) -> float:
        before = ctx.now()
        clock.advance(1.5)
        return float(ctx.now() - before)

    emulator.define("acts:outer", action(outer))

    assert emulator.action("acts:outer") == 1500


def test_time_stands_still_in_a_mutation(emulator: Emulator, clock: ManualClock) -> None:
    def outer(ctx: Any, args: Any) -> float:
        before = ctx.now()
        clock.advance(1.5)
        return float(ctx.now() - before)

    emulator.define("acts:outer", mutation(outer))

    assert emulator.mutation("acts:outer") == 0


def test_action_has_no_database(emulator: Emulator) -> None:
    emulator.define("acts:outer", action(lambda ctx, args: hasattr(ctx, "db")))

    assert emulator.action("acts:outer") is False


def test_action_calls_actions(emulator: Emulator) -> None:
    emulator.define("acts:double", action(lambda ctx, args: args["n"] * 2))
    emulator.define("acts:outer", action(lambda ctx, args: ctx.run_action("acts:double", {"n": 21})))

    assert emulator.action("acts:outer") == 42


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("acts:none", "Could not find public function for 'acts:none'."),
        ("acts:insert", "Trying to execute acts.js:insert as Query, but it is defined as Mutation."),
    ],
    ids=["missing", "wrong kind"],
)
def test_function_an_action_cannot_call_is_a_bare_text(emulator: Emulator, path: str, text: str) -> None:
    def outer(ctx: Any, args: Any) -> str:
        try:
            ctx.run_query(path)
        except Exception as error:
            return str(error)
        return "no error"

    emulator.define("acts:insert", mutation(insert))
    emulator.define("acts:outer", action(outer))

    assert emulator.action("acts:outer") == text


# Applications steer by this data; it must survive mutation, mutation, action, action and client.
def test_data_of_a_convex_error_survives_all_levels(emulator: Emulator) -> None:
    emulator.define("acts:refuse", mutation(refuse))
    emulator.define("acts:second", mutation(lambda ctx, args: ctx.run_mutation("acts:refuse")))
    emulator.define("acts:third", action(lambda ctx, args: ctx.run_mutation("acts:second")))
    emulator.define("acts:outer", action(lambda ctx, args: ctx.run_action("acts:third")))

    with pytest.raises(ConvexError, match="Uncaught ConvexError: ") as error:
        emulator.action("acts:outer")

    assert error.value.data == {"code": "E1"}


def test_action_catches_a_convex_error_with_its_data(emulator: Emulator) -> None:
    def outer(ctx: Any, args: Any) -> Any:
        try:
            ctx.run_mutation("acts:refuse")
        except ConvexError as error:
            return error.data
        return "no error"

    emulator.define("acts:refuse", mutation(refuse))
    emulator.define("acts:outer", action(outer))

    assert emulator.action("acts:outer") == {"code": "E1"}


# §10.4: unlike a mutation, an action catches everything; what is internal has the generic text.
def test_action_catches_internal_errors() -> None:
    def outer(ctx: Any, args: Any) -> str:
        try:
            ctx.run_query("acts:page")
        except Exception as error:
            return str(error)
        return "no error"

    emulator = Emulator(limits=Limits(read_size_max=100))
    emulator.run(lambda ctx: ctx.db.insert("action_notes", {"a": "x" * 100}))
    emulator.define(
        "acts:page",
        query(lambda ctx, args: ctx.db.query("action_notes").paginate({"numItems": 1, "cursor": None})),
    )
    emulator.define("acts:outer", action(outer))

    assert emulator.action("acts:outer") == "Your request couldn't be completed. Try again later."


def test_result_of_an_action_is_checked(emulator: Emulator) -> None:
    emulator.define("acts:wrong", action(lambda ctx, args: "text", returns=v.number()))

    with pytest.raises(FunctionError, match="ReturnsValidationError: Value does not match validator"):
        emulator.action("acts:wrong")


def test_arguments_of_an_action_are_checked(emulator: Emulator) -> None:
    emulator.define("acts:strict", action(lambda ctx, args: None, args={"a": v.string()}))

    with pytest.raises(FunctionError, match="ArgumentValidationError: Object is missing the required field `a`"):
        emulator.action("acts:strict")


# Vector search


def insert_picture(ctx: MutationContext, *, vector: list[float], kind: str) -> str:
    return ctx.db.insert("pictures", {"v": vector, "kind": kind})


@pytest.fixture
def pictures() -> Iterator[Emulator]:
    table = define_table({"v": v.array(v.float64()), "kind": v.string()})
    schema = define_schema(
        {"pictures": table.vector_index("by_v", vector_field="v", dimensions=2, filter_fields=["kind"])}
    )
    with Emulator(schema, seed=1) as emulator:
        for vector, kind in (([1.0, 0.0], "cat"), ([0.0, 1.0], "cat"), ([0.8, 0.6], "dog")):
            emulator.run(partial(insert_picture, vector=vector, kind=kind))
        yield emulator


def kinds(emulator: Emulator, found: list[dict[str, Any]]) -> list[str]:
    documents: list[dict[str, Any]] = emulator.run(lambda ctx: [ctx.db.get(row["_id"]) for row in found])
    return [document["kind"] for document in documents]


def test_action_finds_the_nearest_documents(pictures: Emulator) -> None:
    pictures.define(
        "acts:search", action(lambda ctx, args: ctx.vector_search("pictures", "by_v", vector=[1, 0], limit=2))
    )

    found = pictures.action("acts:search")

    assert kinds(pictures, found) == ["cat", "dog"]
    assert [row["_score"] for row in found] == pytest.approx([1.0, 0.8])


def test_search_keeps_to_its_filter(pictures: Emulator) -> None:
    pictures.define(
        "acts:search",
        action(
            lambda ctx, args: ctx.vector_search(
                "pictures", "by_v", vector=[1, 0], filter=lambda q: q.or_(q.eq("kind", "dog"), q.eq("kind", "cow"))
            )
        ),
    )

    assert kinds(pictures, pictures.action("acts:search")) == ["dog"]


# Vector search reads the latest commit, so what the action's own mutation wrote is found.
def test_search_finds_what_the_action_just_wrote(pictures: Emulator) -> None:
    def write_and_search(ctx: Any, args: Any) -> Any:
        written = ctx.run_mutation("acts:insert")
        return [written, ctx.vector_search("pictures", "by_v", vector=[-1, 0], limit=1)[0]["_id"]]

    pictures.define("acts:insert", mutation(lambda ctx, args: ctx.db.insert("pictures", {"v": [-1, 0], "kind": "owl"})))
    pictures.define("acts:outer", action(write_and_search))

    written, found = pictures.action("acts:outer")

    assert written == found


def test_search_that_cannot_run_is_an_error_of_the_action(pictures: Emulator) -> None:
    pictures.define("acts:search", action(lambda ctx, args: ctx.vector_search("pictures", "by_v", vector=[])))

    with pytest.raises(FunctionError, match="Uncaught Error: `vector` must be a non-empty Array in vectorSearch"):
        pictures.action("acts:search")


# A limit that is no whole number is an internal error, which an action sees with the generic text (§8.3).
def test_internal_error_of_a_search_has_the_generic_text(pictures: Emulator) -> None:
    pictures.define(
        "acts:search", action(lambda ctx, args: ctx.vector_search("pictures", "by_v", vector=[1, 0], limit=1.5))
    )

    with pytest.raises(FunctionError, match=r"Uncaught Error: Your request couldn't be completed\. Try again later\."):
        pictures.action("acts:search")
