"""Functions that call functions inside one transaction.

convex-backend crates/isolate/src/environment/udf/async_syscall.rs `run_udf`, convex-js src/server/impl/syscall.ts
(convex-engine.md §7.6, §10.2, §10.4 and §10.6).
"""

import re
from typing import Any

import pytest

from convex_mastra_emulator import ConvexError, Emulator, FunctionError, internal_mutation, mutation, query, undefined
from convex_mastra_emulator.errors import ThrownError
from convex_mastra_emulator.schema import v

FRAME = r"    at {} \(\.\./\S*test_nested_calls\.py:\d+:1\)\n"


def count(ctx: Any, args: Any) -> int:
    return len(ctx.db.query("nested_notes").collect())


def insert(ctx: Any, args: Any) -> str:
    return str(ctx.db.insert("nested_notes", {}))


def insert_and_fail(ctx: Any, args: Any) -> None:
    ctx.db.insert("nested_notes", {})
    raise Exception("boom")


def catching(path: str, args: Any = None, *, kind: str = "mutation") -> Any:
    """A body that calls a function and returns the text of what it threw."""

    def body(ctx: Any, _: Any) -> str:
        call = ctx.run_mutation if kind == "mutation" else ctx.run_query
        try:
            call(path, args)
        except Exception as error:
            return str(error)
        return "no error"

    return body


# One transaction


def test_nested_query_sees_pending_writes(emulator: Emulator) -> None:
    def write_and_count(ctx: Any, args: Any) -> Any:
        insert(ctx, args)
        return ctx.run_query("notes:count")

    emulator.define("notes:count", query(count))
    emulator.define("notes:outer", mutation(write_and_count))

    assert emulator.mutation("notes:outer") == 1


def test_caller_sees_what_a_nested_mutation_wrote(emulator: Emulator) -> None:
    def call_and_count(ctx: Any, args: Any) -> int:
        ctx.run_mutation("notes:insert")
        return count(ctx, args)

    emulator.define("notes:insert", mutation(insert))
    emulator.define("notes:outer", mutation(call_and_count))

    assert emulator.mutation("notes:outer") == 1


def test_failing_caller_undoes_what_a_nested_mutation_wrote(emulator: Emulator) -> None:
    def call_and_fail(ctx: Any, args: Any) -> None:
        ctx.run_mutation("notes:insert")
        raise Exception("boom")

    emulator.define("notes:insert", mutation(insert))
    emulator.define("notes:outer", mutation(call_and_fail))

    with pytest.raises(FunctionError, match="Uncaught Error: boom"):
        emulator.mutation("notes:outer")
    assert emulator.table_counts() == {}


# The reason nested mutations exist: try one thing, and go on when it fails.
def test_caught_failure_undoes_the_nested_mutation_only(emulator: Emulator) -> None:
    def write_and_catch(ctx: Any, args: Any) -> int:
        insert(ctx, args)
        catching("notes:fail")(ctx, args)
        insert(ctx, args)
        return count(ctx, args)

    emulator.define("notes:fail", mutation(insert_and_fail))
    emulator.define("notes:outer", mutation(write_and_catch))

    assert emulator.mutation("notes:outer") == 2
    assert emulator.table_counts() == {"nested_notes": 2}


def test_caught_failure_undoes_everything_the_nested_mutation_called(emulator: Emulator) -> None:
    def call_and_fail(ctx: Any, args: Any) -> None:
        ctx.run_mutation("notes:insert")
        raise Exception("boom")

    emulator.define("notes:insert", mutation(insert))
    emulator.define("notes:middle", mutation(call_and_fail))
    emulator.define("notes:outer", mutation(catching("notes:middle")))

    emulator.mutation("notes:outer")

    assert emulator.table_counts() == {}


# async_syscall.rs commits the sub-transaction before it looks at the result: surprising, and relied on by nobody.
def test_nested_mutation_with_a_bad_result_keeps_its_writes(emulator: Emulator) -> None:
    emulator.define("notes:wrong", mutation(insert, returns=v.null()))
    emulator.define("notes:outer", mutation(catching("notes:wrong")))

    assert emulator.mutation("notes:outer").startswith("ReturnsValidationError: Value does not match validator.")
    assert emulator.table_counts() == {"nested_notes": 1}


# These results are refused while the function still runs, so it fails and is undone.
@pytest.mark.parametrize("returned", [{1}, [None] * 8193], ids=["no value", "too long an array"])
def test_nested_mutation_with_an_impossible_result_is_undone(emulator: Emulator, returned: Any) -> None:
    def insert_and_return(ctx: Any, args: Any) -> Any:
        insert(ctx, args)
        return returned

    emulator.define("notes:impossible", mutation(insert_and_return))
    emulator.define("notes:outer", mutation(catching("notes:impossible")))

    assert emulator.mutation("notes:outer") != "no error"
    assert emulator.table_counts() == {}


def test_all_functions_of_a_transaction_share_one_time(emulator: Emulator) -> None:
    emulator.define("notes:now", query(lambda ctx, args: ctx.now()))
    emulator.define("notes:outer", mutation(lambda ctx, args: [ctx.now(), ctx.run_query("notes:now"), ctx.now()]))

    first, nested, last = emulator.mutation("notes:outer")

    assert first == nested == last


def test_limits_span_nested_calls(emulator: Emulator) -> None:
    emulator.define("notes:insert", mutation(insert))
    emulator.define("notes:outer", mutation(lambda ctx, args: [ctx.run_mutation("notes:insert") for _ in range(3)]))

    emulator.mutation("notes:outer")

    assert emulator.usage.documents_written == 3


# Each function may read one page; with a shared allowance no library function could paginate.
def test_each_nested_call_has_a_page_of_its_own(emulator: Emulator) -> None:
    emulator.run(lambda ctx: [insert(ctx, None) for _ in range(3)])

    def page(ctx: Any, args: Any) -> Any:
        return ctx.db.query("nested_notes").paginate({"numItems": 2, "cursor": args.get("cursor")})

    def two_pages(ctx: Any, args: Any) -> Any:
        first = ctx.run_query("notes:page")
        second = ctx.run_query("notes:page", {"cursor": first["continueCursor"]})
        own = page(ctx, {})
        return [len(part["page"]) for part in (first, second, own)]

    emulator.define("notes:page", query(page))
    emulator.define("notes:outer", query(two_pages))

    assert emulator.query("notes:outer") == [2, 1, 2]


def test_second_page_of_one_function_is_refused_after_a_nested_one(emulator: Emulator) -> None:
    options = {"numItems": 1, "cursor": None}

    def page(ctx: Any, args: Any) -> None:
        ctx.db.query("nested_notes").paginate(options)

    def page_call_page(ctx: Any, args: Any) -> None:
        page(ctx, args)
        ctx.run_query("notes:page")
        page(ctx, args)

    emulator.define("notes:page", query(page))
    emulator.define("notes:outer", query(page_call_page))

    with pytest.raises(FunctionError, match="This query or mutation function ran multiple paginated queries"):
        emulator.query("notes:outer")


# What the caller gets


def test_caller_gets_a_copy_of_the_result(emulator: Emulator) -> None:
    emulator.run(lambda ctx: ctx.db.insert("nested_notes", {"tags": ["a"]}))

    def spoil(ctx: Any, args: Any) -> Any:
        ctx.run_query("notes:first")["tags"].append("b")
        return ctx.run_query("notes:first")["tags"]

    emulator.define("notes:first", query(lambda ctx, args: ctx.db.query("nested_notes").first()))
    emulator.define("notes:spoil", query(spoil))

    assert emulator.query("notes:spoil") == ["a"]


def test_nested_call_without_arguments_gets_an_empty_object(emulator: Emulator) -> None:
    emulator.define("notes:echo", query(lambda ctx, args: args))
    emulator.define(
        "notes:outer", query(lambda ctx, args: [ctx.run_query("notes:echo"), ctx.run_query("notes:echo", {})])
    )

    assert emulator.query("notes:outer") == [{}, {}]


# convex-js parseArgs: undefined is as if nothing had been given.
def test_nested_call_with_undefined_gets_an_empty_object(emulator: Emulator) -> None:
    emulator.define("notes:echo", query(lambda ctx, args: args))
    emulator.define("notes:outer", query(lambda ctx, args: ctx.run_query("notes:echo", undefined)))

    assert emulator.query("notes:outer") == {}


def test_caller_reads_the_inner_text_with_its_frames(emulator: Emulator) -> None:
    emulator.define("notes:fail", mutation(insert_and_fail))
    emulator.define("notes:outer", mutation(catching("notes:fail")))

    assert re.fullmatch("Uncaught Error: boom\n" + FRAME.format("insert_and_fail"), emulator.mutation("notes:outer"))


def test_caller_catches_an_error_of_its_own_kind(emulator: Emulator) -> None:
    def outer(ctx: Any, args: Any) -> str:
        try:
            ctx.run_mutation("notes:fail")
        except ThrownError:
            return "caught"
        return "no error"

    emulator.define("notes:fail", mutation(insert_and_fail))
    emulator.define("notes:outer", mutation(outer))

    assert emulator.mutation("notes:outer") == "caught"


def test_uncaught_inner_failure_is_told_with_both_frames(emulator: Emulator) -> None:
    def call(ctx: Any, args: Any) -> None:
        ctx.run_mutation("notes:fail")

    emulator.define("notes:fail", mutation(insert_and_fail))
    emulator.define("notes:outer", mutation(call))

    with pytest.raises(FunctionError, match="boom") as error:
        emulator.mutation("notes:outer")

    assert re.search(
        "Server Error\nUncaught Error: Uncaught Error: boom\n"
        + FRAME.format("insert_and_fail")
        + "\n"
        + FRAME.format("call"),
        str(error.value),
    )


# Bare texts: the function never ran, or had ended.


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("notes:none", "Could not find public function for 'notes:none'."),
        ("notes:count", "Trying to execute notes.js:count as Mutation, but it is defined as Query."),
    ],
    ids=["missing", "wrong kind"],
)
def test_function_that_cannot_be_called_is_a_bare_text(emulator: Emulator, path: str, text: str) -> None:
    emulator.define("notes:count", query(count))
    emulator.define("notes:outer", mutation(catching(path)))

    assert emulator.mutation("notes:outer") == text


def test_nested_query_of_a_mutation_is_refused(emulator: Emulator) -> None:
    emulator.define("notes:insert", mutation(insert))
    emulator.define("notes:outer", query(catching("notes:insert", kind="query")))

    assert emulator.query("notes:outer") == (
        "Trying to execute notes.js:insert as Query, but it is defined as Mutation."
    )


def test_bad_arguments_are_a_bare_text_and_run_nothing(emulator: Emulator) -> None:
    emulator.define("notes:strict", mutation(insert, args={}))
    emulator.define("notes:outer", mutation(catching("notes:strict", {"a": 1})))

    assert emulator.mutation("notes:outer") == (
        "ArgumentValidationError: Object contains extra field `a` that is not in the validator.\n\n"
        "Object: {a: 1.0}\nValidator: v.object({})"
    )
    assert emulator.table_counts() == {}


# The caller's own conversion throws before anything is called: nothing was thrown inside, so nothing was uncaught.
def test_argument_that_is_no_value_is_the_callers_own_error(emulator: Emulator) -> None:
    emulator.define("notes:echo", mutation(insert))
    emulator.define("notes:outer", mutation(catching("notes:echo", {"a": {1}})))

    assert emulator.mutation("notes:outer").startswith("set {1} is not a supported Convex type")
    assert emulator.table_counts() == {}


# What breaks a limit is refused by the call itself, as in `db.insert` (§1.6), and not by the function called.
def test_argument_that_breaks_a_limit_is_refused_by_the_call(emulator: Emulator) -> None:
    emulator.define("notes:echo", mutation(insert))
    emulator.define("notes:outer", mutation(catching("notes:echo", {"a": [None] * 8193})))

    assert emulator.mutation("notes:outer") == (
        "Invalid argument `args` for `runUdf`: Array length is too long (8193 > maximum length 8192)"
    )


def test_nested_calls_reach_internal_functions(emulator: Emulator) -> None:
    emulator.define("notes:internal", internal_mutation(lambda ctx, args: "inside"))
    emulator.define("notes:outer", mutation(lambda ctx, args: ctx.run_mutation("notes:internal")))

    assert emulator.mutation("notes:outer") == "inside"


@pytest.mark.parametrize("method", ["run_mutation", "run_action", "vector_search"])
def test_query_can_call_queries_only(emulator: Emulator, method: str) -> None:
    emulator.define("notes:outer", query(lambda ctx, args: hasattr(ctx, method)))

    assert emulator.query("notes:outer") is False


@pytest.mark.parametrize("method", ["run_action", "vector_search"])
def test_mutation_can_call_no_actions(emulator: Emulator, method: str) -> None:
    emulator.define("notes:outer", mutation(lambda ctx, args: hasattr(ctx, method)))

    assert emulator.mutation("notes:outer") is False


# Depth


def descend(ctx: Any, args: Any) -> float:
    levels = float(args["levels"])
    return 1.0 if levels == 0 else 1 + ctx.run_query("notes:descend", {"levels": levels - 1})


# async_syscall.rs: the function the client called stands at depth 0, and one at depth 8 may not call any more.
def test_eight_nested_calls_are_allowed(emulator: Emulator) -> None:
    emulator.define("notes:descend", query(descend))

    assert emulator.query("notes:descend", {"levels": 8}) == 9


def test_ninth_nested_call_is_refused(emulator: Emulator) -> None:
    emulator.define("notes:descend", query(descend))

    with pytest.raises(FunctionError, match="Cross component call depth limit exceeded") as error:
        emulator.query("notes:descend", {"levels": 9})

    assert "Cross component call depth limit exceeded. Do you have an infinite loop in your app?" in str(error.value)


# A loop beside each other is not a loop inside each other.
def test_depth_does_not_grow_with_the_number_of_calls(emulator: Emulator) -> None:
    emulator.define("notes:count", query(count))
    emulator.define("notes:outer", query(lambda ctx, args: [ctx.run_query("notes:count") for _ in range(20)]))

    assert emulator.query("notes:outer") == [0.0] * 20


# ConvexError


def refuse(ctx: Any, args: Any) -> None:
    raise ConvexError("refused", {"code": "E1"})


def test_caller_catches_a_convex_error_with_its_data(emulator: Emulator) -> None:
    def outer(ctx: Any, args: Any) -> Any:
        try:
            ctx.run_mutation("notes:refuse")
        except ConvexError as error:
            return error.data
        return "no error"

    emulator.define("notes:refuse", mutation(refuse))
    emulator.define("notes:outer", mutation(outer))

    assert emulator.mutation("notes:outer") == {"code": "E1"}


def test_uncaught_convex_error_reaches_the_client_with_its_data(emulator: Emulator) -> None:
    emulator.define("notes:refuse", mutation(refuse))
    emulator.define("notes:outer", mutation(lambda ctx, args: ctx.run_mutation("notes:refuse")))

    with pytest.raises(ConvexError, match="Uncaught ConvexError: ") as error:
        emulator.mutation("notes:outer")

    assert error.value.data == {"code": "E1"}


# syscall.ts throws a new ConvexError whose message is the inner text, as it does for ordinary errors.
def test_uncaught_inner_convex_error_is_told_with_both_texts(emulator: Emulator) -> None:
    emulator.define("notes:refuse", mutation(refuse))
    emulator.define("notes:outer", mutation(lambda ctx, args: ctx.run_mutation("notes:refuse")))

    with pytest.raises(ConvexError, match="E1") as error:
        emulator.mutation("notes:outer")

    assert re.search(
        'Server Error\nUncaught ConvexError: Uncaught ConvexError: {"code":"E1"}\n' + FRAME.format("refuse"),
        str(error.value),
    )
