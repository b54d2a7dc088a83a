"""A call from outside: which functions are found, what goes in and out, what is checked first, what is committed.

convex-backend crates/udf/src/validation.rs and helpers.rs, crates/isolate/src/helpers.rs
(convex-engine.md §1.9, §7.6, §10.2 and §10.4).
"""

from typing import Any

import pytest

from convex_mastra_emulator import (
    Emulator,
    FunctionError,
    Limits,
    ManualClock,
    action,
    internal_query,
    mutation,
    query,
    undefined,
)
from convex_mastra_emulator.errors import DeploymentError, ErrorKind, RequestRefused, UnsupportedType
from convex_mastra_emulator.runtime.arguments import ReadArguments, python_arguments
from convex_mastra_emulator.runtime.calls import Outcome
from convex_mastra_emulator.runtime.functions import FunctionKind
from convex_mastra_emulator.runtime.identity import ADMIN, ANONYMOUS
from convex_mastra_emulator.schema import v
from convex_mastra_emulator.values import Value
from convex_mastra_emulator.values.size import take_in

MIB = 1024 * 1024
BUILDERS = {"Query": query, "Mutation": mutation, "Action": action}


def echo(ctx: Any, args: Any) -> Any:
    return args


def nothing(ctx: Any, *args: Any) -> None:
    return None


def never(ctx: Any, *args: Any) -> None:
    raise AssertionError("the function must not run")


def positional(*values: Value) -> ReadArguments:
    """Arguments as a protocol hands them over: a list, nearly always of one object."""
    return lambda limits: [take_in(value, limits) for value in values]


def nested(depth: int) -> list[Any]:
    """A list in a list in a list …, so many lists."""
    return [] if depth == 1 else [nested(depth - 1)]


def outcome_of(emulator: Emulator, path: str, *values: Value) -> Outcome:
    return emulator.call(path, positional(*values), None, ADMIN)


def message_of(outcome: Outcome) -> str:
    assert outcome.failure is not None
    return outcome.failure.message


# Finding the function


@pytest.mark.parametrize("path", ["messages:none", "missing:list", "messages"])
def test_missing_function_is_told_by_its_stripped_path(emulator: Emulator, path: str) -> None:
    emulator.define("messages:list", query(echo))

    with pytest.raises(FunctionError, match="Server Error") as error:
        emulator.query(path, identity=ANONYMOUS)

    assert error.value.message == f"Could not find public function for '{path}'."


def test_missing_function_of_any_kind_has_the_commands_text(emulator: Emulator) -> None:
    assert message_of(outcome_of(emulator, "messages.js:none", {})) == (
        "Could not find function for 'messages:none'. Did you forget to run `npx convex dev`?"
    )


@pytest.mark.parametrize(
    ("declared", "called"),
    [
        ("Query", "Mutation"),
        ("Query", "Action"),
        ("Mutation", "Query"),
        ("Mutation", "Action"),
        ("Action", "Query"),
        ("Action", "Mutation"),
    ],
)
def test_function_of_another_kind_is_told_by_its_canonical_path(emulator: Emulator, declared: str, called: str) -> None:
    emulator.define("messages:list", BUILDERS[declared](never))

    outcome = emulator.call("messages:list", positional({}), FunctionKind(called), ANONYMOUS)

    assert message_of(outcome) == f"Trying to execute messages.js:list as {called}, but it is defined as {declared}."


@pytest.mark.parametrize("kind", ["Query", "Mutation", "Action"])
def test_any_kind_runs_when_none_is_asked_for(emulator: Emulator, kind: str) -> None:
    emulator.define("messages:any", BUILDERS[kind](echo))

    assert outcome_of(emulator, "messages:any", {"a": 1.0}).value == {"a": 1.0}


# Arguments


def test_no_arguments_are_an_empty_object(emulator: Emulator) -> None:
    emulator.define("messages:echo", query(echo))

    assert emulator.query("messages:echo") == {}


@pytest.mark.parametrize("args", [[], "text", 5])
def test_python_arguments_must_be_a_mapping(emulator: Emulator, args: Any) -> None:
    emulator.define("messages:echo", query(never))

    with pytest.raises(UnsupportedType, match=r"The arguments to a Convex function must be an object. Received: "):
        emulator.query("messages:echo", args)


# JavaScript's conversion leaves such fields out; a client never sends them.
def test_undefined_fields_of_arguments_are_left_out(emulator: Emulator) -> None:
    emulator.define("messages:echo", query(echo))

    assert emulator.query("messages:echo", {"a": undefined, "b": {"c": undefined, "d": 1}}) == {"b": {"d": 1.0}}


def test_positional_arguments_are_spread(emulator: Emulator) -> None:
    emulator.define("messages:spread", query(lambda ctx, *args: list(args)))

    assert outcome_of(emulator, "messages:spread", 1, "two", None).value == [1.0, "two", None]


def test_null_is_an_argument_of_a_function_without_validator(emulator: Emulator) -> None:
    emulator.define("messages:spread", query(lambda ctx, *args: list(args)))

    assert outcome_of(emulator, "messages:spread", None).value == [None]


# function_validators.rs: `v.any()` is no validator at all.
@pytest.mark.parametrize("values", [(), (None,), (1, 2)])
def test_any_as_validator_takes_everything(emulator: Emulator, values: tuple[Value, ...]) -> None:
    emulator.define("messages:any", query(lambda ctx, *args: len(args), args=v.any()))

    assert outcome_of(emulator, "messages:any", *values).value == len(values)


@pytest.mark.parametrize(
    ("values", "shown"), [((), "0 arguments: []"), (({"a": 1}, "two"), '2 arguments: [{a: 1.0}, "two"]')]
)
def test_validated_function_takes_one_argument(emulator: Emulator, values: tuple[Value, ...], shown: str) -> None:
    emulator.define("messages:one", query(never, args={}))

    assert message_of(outcome_of(emulator, "messages:one", *values)) == (
        "ArgumentValidationError: Expected to receive a single object as the function's argument. "
        f"Instead received {shown}"
    )


@pytest.mark.parametrize(("value", "shown"), [(None, "null"), ("text", '"text"'), ([], "[]"), (5, "5.0")])
def test_validated_function_takes_an_object(emulator: Emulator, value: Value, shown: str) -> None:
    emulator.define("messages:object", query(never, args={}))

    assert message_of(outcome_of(emulator, "messages:object", value)) == (
        f"ArgumentValidationError: Expected to receive an object as the function's argument. Instead received: {shown}"
    )


# The text developers know from their terminals, character by character (§7.6).
def test_arguments_that_do_not_match_are_told_with_object_and_validator(emulator: Emulator) -> None:
    emulator.define("messages:send", mutation(never, args={"a": v.string()}))

    with pytest.raises(FunctionError, match="ArgumentValidationError") as error:
        emulator.mutation("messages:send", {})

    assert error.value.message == (
        "ArgumentValidationError: Object is missing the required field `a`. "
        "Consider wrapping the field validator in `v.optional(...)` if this is expected.\n"
        "\n"
        "Object: {}\n"
        "Validator: v.object({a: v.string()})"
    )


def test_matching_arguments_pass(emulator: Emulator) -> None:
    emulator.define("messages:send", mutation(echo, args={"a": v.string(), "b": v.optional(v.number())}))

    assert emulator.mutation("messages:send", {"a": "x"}) == {"a": "x"}


def test_id_arguments_are_held_against_the_tables(emulator: Emulator) -> None:
    users, posts = emulator.run(lambda ctx: [ctx.db.insert(table, {}) for table in ("exec_users", "exec_posts")])
    emulator.define("messages:of", query(echo, args={"user": v.id("exec_users")}))

    assert emulator.query("messages:of", {"user": users}) == {"user": users}
    with pytest.raises(FunctionError, match=r'from table `exec_posts`, which does not match .* `v.id\("exec_users"\)`'):
        emulator.query("messages:of", {"user": posts})


def test_value_no_deployment_takes_is_an_invalid_argument(emulator: Emulator) -> None:
    emulator.define("messages:echo", query(never))

    assert message_of(outcome_of(emulator, "messages:echo", {"$a": 1})) == (
        "Invalid arguments for messages.js:echo: Field name $a starts with '$', which is reserved."
    )


# 16 MiB hold the array around the arguments (2 bytes), `{a: ""}` (6) and the text.
def test_arguments_of_16_mib_fit(emulator: Emulator) -> None:
    emulator.define("messages:size", query(lambda ctx, args: len(args["a"])))

    assert emulator.query("messages:size", {"a": "x" * (16 * MIB - 8)}) == 16 * MIB - 8


def test_arguments_above_16_mib_are_too_large(emulator: Emulator) -> None:
    emulator.define("messages:size", query(never))

    assert message_of(outcome_of(emulator, "messages:size", {"a": "x" * (16 * MIB - 7)})) == (
        "Arguments for messages.js:size are too large (actual: 16.00 MiB, limit: 16 MiB)"
    )


# The list of the arguments is the first of 64 levels, the object in it the second.
def test_arguments_of_64_levels_with_their_list_fit(emulator: Emulator) -> None:
    emulator.define("messages:echo", query(lambda ctx, args: None))

    assert emulator.query("messages:echo", {"a": nested(62)}) is None


def test_arguments_of_65_levels_with_their_list_are_too_nested(emulator: Emulator) -> None:
    emulator.define("messages:echo", query(never))

    assert message_of(outcome_of(emulator, "messages.js:echo", {"a": nested(63)})) == (
        "Invalid arguments for messages.js:echo: Value is too nested (nested 65 levels deep > maximum nesting 64)"
    )


# A mutation hands the object over without a list.
def test_arguments_from_inside_a_mutation_have_a_level_more(emulator: Emulator) -> None:
    emulator.define("messages:echo", query(lambda ctx, args: None))
    emulator.define("messages:call", mutation(lambda ctx, args: ctx.run_query("messages:echo", {"a": nested(63)})))

    assert emulator.mutation("messages:call") is None


# What goes in is the function's own: a test that reuses a dict must not find it changed.
def test_function_cannot_change_its_callers_arguments(emulator: Emulator) -> None:
    given = {"tags": ["a"]}
    emulator.define("messages:tag", mutation(lambda ctx, args: args["tags"].append("b")))

    emulator.mutation("messages:tag", given)

    assert given == {"tags": ["a"]}


# Results


@pytest.mark.parametrize("returned", [None, undefined])
def test_nothing_returned_is_null(emulator: Emulator, returned: Any) -> None:
    emulator.define("messages:nothing", query(lambda ctx, args: returned, returns=v.null()))

    assert emulator.query("messages:nothing") is None


def test_undefined_fields_of_a_result_are_left_out(emulator: Emulator) -> None:
    emulator.define("messages:partial", query(lambda ctx, args: {"a": undefined, "b": 1}))

    assert emulator.query("messages:partial") == {"b": 1.0}


def test_result_that_does_not_match_is_told(emulator: Emulator) -> None:
    emulator.define("messages:wrong", query(lambda ctx, args: "text", returns=v.number()))

    assert message_of(outcome_of(emulator, "messages:wrong", {})) == (
        'ReturnsValidationError: Value does not match validator.\n\nValue: "text"\nValidator: v.float64()'
    )


def test_mutation_with_a_bad_result_commits_nothing(emulator: Emulator) -> None:
    emulator.define("messages:wrong", mutation(lambda ctx, args: ctx.db.insert("exec_notes", {}), returns=v.null()))

    assert message_of(outcome_of(emulator, "messages:wrong", {})).startswith("ReturnsValidationError: ")
    assert emulator.table_counts() == {}


def test_result_of_16_mib_fits(emulator: Emulator) -> None:
    emulator.define("messages:large", query(lambda ctx, args: "x" * (16 * MIB - 2)))

    assert len(emulator.query("messages:large")) == 16 * MIB - 2


def test_result_above_16_mib_is_too_large(emulator: Emulator) -> None:
    emulator.define("messages:large", query(lambda ctx, args: "x" * (16 * MIB - 1)))

    assert message_of(outcome_of(emulator, "messages:large", {})) == (
        "Function messages.js:large return value is too large (actual: 16.00 MiB, limit: 16 MiB)"
    )


def test_result_no_deployment_takes_is_invalid(emulator: Emulator) -> None:
    emulator.define("messages:array", query(lambda ctx, args: [None] * 8193))

    assert message_of(outcome_of(emulator, "messages:array", {})) == (
        "Function messages.js:array return value invalid: Array length is too long (8193 > maximum length 8192)"
    )


# convexToJson runs inside the function and throws there, so it reads like the function's own error (§1.7).
def test_result_that_is_no_value_is_thrown_by_the_function(emulator: Emulator) -> None:
    emulator.define("messages:set", query(lambda ctx, args: {1}))

    assert message_of(outcome_of(emulator, "messages:set", {})) == (
        "Uncaught Error: set {1} is not a supported Convex type."
    )


def test_unread_query_is_no_result(emulator: Emulator) -> None:
    emulator.define("messages:unread", query(lambda ctx, args: ctx.db.query("exec_notes").order("desc")))

    assert message_of(outcome_of(emulator, "messages:unread", {})) == (
        "Uncaught Error: Return value is a Query. Results must be retrieved with "
        "`.collect()`, `.take(n), `.unique()`, or `.first()`."
    )


def test_caller_cannot_change_documents_through_a_result(emulator: Emulator) -> None:
    emulator.run(lambda ctx: ctx.db.insert("exec_notes", {"tags": ["a"]}))
    emulator.define("messages:first", query(lambda ctx, args: ctx.db.query("exec_notes").first()))

    emulator.query("messages:first")["tags"].append("b")

    assert emulator.query("messages:first")["tags"] == ["a"]


# Order of checks (§7.6): path, existence, visibility, kind, size, validator, body, size of the result, its validator.


def test_path_is_read_first(emulator: Emulator) -> None:
    with pytest.raises(RequestRefused, match="is not a valid path"):
        emulator.call("messages.ts:list", positional({"$a": 1}), FunctionKind.QUERY, ANONYMOUS)


def test_existence_comes_before_arguments(emulator: Emulator) -> None:
    outcome = emulator.call("messages:none", positional({"$a": 1}), FunctionKind.QUERY, ANONYMOUS)

    assert message_of(outcome).startswith("Could not find public function")


def test_visibility_comes_before_kind(emulator: Emulator) -> None:
    emulator.define("messages:internal", internal_query(never))

    outcome = emulator.call("messages:internal", positional({}), FunctionKind.MUTATION, ANONYMOUS)

    assert message_of(outcome) == "Could not find public function for 'messages:internal'."


def test_kind_comes_before_arguments(emulator: Emulator) -> None:
    emulator.define("messages:list", query(never, args={"a": v.string()}))

    outcome = emulator.call("messages:list", positional({"$a": 1}), FunctionKind.MUTATION, ADMIN)

    assert message_of(outcome).startswith("Trying to execute messages.js:list as Mutation")


def test_size_of_arguments_comes_before_their_validator() -> None:
    emulator = Emulator(limits=Limits(arguments_size_max=10))
    emulator.define("messages:list", query(never, args={}))

    assert message_of(outcome_of(emulator, "messages:list", {"a": "xxx"})) == (
        "Arguments for messages.js:list are too large (actual: 11 B, limit: 10 B)"
    )


def test_size_of_a_result_comes_before_its_validator() -> None:
    emulator = Emulator(limits=Limits(return_size_max=10))
    emulator.define("messages:long", query(lambda ctx, args: "x" * 9, returns=v.null()))

    assert message_of(outcome_of(emulator, "messages:long", {})).startswith(
        "Function messages.js:long return value is too large"
    )


# Transactions


def test_failed_mutation_leaves_nothing(emulator: Emulator) -> None:
    def insert_and_fail(ctx: Any, args: Any) -> None:
        ctx.db.insert("exec_notes", {})
        raise ValueError("boom")

    emulator.define("messages:fail", mutation(insert_and_fail))

    assert message_of(outcome_of(emulator, "messages:fail", {})) == "Uncaught ValueError: boom"
    assert emulator.table_counts() == {}


# Python's way of stopping a test (Ctrl-C, a time-out) must not leave half a mutation behind.
def test_interrupted_mutation_leaves_nothing(emulator: Emulator) -> None:
    def insert_and_stop(ctx: Any, args: Any) -> None:
        ctx.db.insert("exec_notes", {})
        raise KeyboardInterrupt("stop")

    emulator.define("messages:stop", mutation(insert_and_stop))

    with pytest.raises(KeyboardInterrupt, match="stop"):
        emulator.mutation("messages:stop")
    assert emulator.table_counts() == {}


def test_query_has_no_writer(emulator: Emulator) -> None:
    emulator.define("messages:write", query(lambda ctx, args: ctx.db.insert("exec_notes", {})))

    assert "has no attribute 'insert'" in message_of(outcome_of(emulator, "messages:write", {}))


def paginate_too_large(ctx: Any, args: Any) -> Any:
    return ctx.db.query("exec_notes").paginate({"numItems": 10, "cursor": None})


@pytest.fixture
def cramped() -> Emulator:
    """A deployment that cannot read its one document: a page without a first row is an internal error (§5.3)."""
    emulator = Emulator(limits=Limits(read_size_max=100))
    emulator.run(lambda ctx: ctx.db.insert("exec_notes", {"a": "x" * 100}))
    emulator.define("messages:page", query(paginate_too_large))
    return emulator


def test_internal_error_is_no_failure_of_the_function(cramped: Emulator) -> None:
    with pytest.raises(DeploymentError, match=r"^Your request couldn't be completed\. Try again later\.$") as error:
        cramped.query("messages:page")

    assert error.value.kind is ErrorKind.INTERNAL


# §10.4: in queries and mutations only refusals can be caught; what is internal ends the whole function.
def test_internal_error_cannot_be_caught_by_a_query(cramped: Emulator) -> None:
    def stubborn(ctx: Any, args: Any) -> str:
        try:
            paginate_too_large(ctx, args)
        except Exception:
            return "caught"
        return "no error"

    cramped.define("messages:stubborn", query(stubborn))

    with pytest.raises(DeploymentError, match=r"^Your request couldn't be completed"):
        cramped.query("messages:stubborn")


def test_internal_error_of_a_nested_query_cannot_be_caught(cramped: Emulator) -> None:
    def stubborn(ctx: Any, args: Any) -> str:
        try:
            ctx.run_query("messages:page")
        except Exception:
            return "caught"
        return "no error"

    cramped.define("messages:stubborn", mutation(stubborn))

    with pytest.raises(DeploymentError, match=r"^Your request couldn't be completed"):
        cramped.mutation("messages:stubborn")


def test_lock_is_free_after_an_internal_error(cramped: Emulator) -> None:
    with pytest.raises(DeploymentError, match="Try again later"):
        cramped.query("messages:page")

    assert cramped.run(lambda ctx: ctx.db.insert("exec_notes", {}))
    assert cramped.table_counts() == {"exec_notes": 2}


# Time


# Clients order what they see by it; two commits at one time of the clock must still differ.
def test_commits_have_rising_timestamps_while_the_clock_stands_still(emulator: Emulator) -> None:
    emulator.define("messages:insert", mutation(lambda ctx, args: ctx.db.insert("exec_notes", {})))

    times = [outcome_of(emulator, "messages:insert", {}).timestamp_ns for _ in range(3)]

    assert times[0] < times[1] < times[2]


# Whoever reads again at a query's time must see the same; a commit at that very time would show.
def test_commit_comes_after_the_snapshot_of_an_earlier_query(emulator: Emulator) -> None:
    emulator.define("messages:insert", mutation(lambda ctx, args: ctx.db.insert("exec_notes", {})))
    emulator.define("messages:echo", query(echo))
    outcome_of(emulator, "messages:insert", {})

    snapshot = outcome_of(emulator, "messages:echo", {}).timestamp_ns
    commit = outcome_of(emulator, "messages:insert", {}).timestamp_ns

    assert snapshot < commit


# Date.now() has no fraction; a commit at a fraction of a millisecond must not show one.
def test_now_is_in_whole_milliseconds() -> None:
    emulator = Emulator(clock=ManualClock(1_700_000_000.123_456))
    emulator.define("messages:now", query(lambda ctx, args: ctx.now()))

    assert emulator.query("messages:now") == 1_700_000_000_123.0


def test_usage_of_a_call_is_told(emulator: Emulator) -> None:
    ids = emulator.run(lambda ctx: [ctx.db.insert("exec_notes", {}) for _ in range(3)])
    emulator.define("messages:read", query(lambda ctx, args: [ctx.db.get(i) for i in ids] and None))

    usage = emulator.call("messages:read", python_arguments(None), FunctionKind.QUERY, ADMIN).usage

    assert (usage.documents_read, usage.read_size, usage.read_ranges) == (3, 189, 3)
    assert usage.documents_written == 0
