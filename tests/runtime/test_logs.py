"""Log lines: what `console` writes, how much of it is kept, and the deployment's own warnings.

convex-backend crates/common/src/log_lines.rs, crates/udf/src/warnings.rs, crates/isolate/src/environment/udf/mod.rs
(convex-engine.md §10.8).
"""

from collections.abc import Callable
from typing import Any

import pytest

from convex_mastra_emulator import ConvexInt64, Emulator, Limits, action, mutation, query, undefined
from convex_mastra_emulator.runtime.arguments import python_arguments
from convex_mastra_emulator.runtime.context import MutationContext
from convex_mastra_emulator.runtime.functions import FunctionKind
from convex_mastra_emulator.runtime.identity import ADMIN
from convex_mastra_emulator.runtime.logs import LogLines
from convex_mastra_emulator.values import Value

READ_HELP = (
    "Consider using smaller limits in your queries, paginating your queries, "
    "or using indexed queries with a selective index range expressions."
)


def lines_of(emulator: Emulator, path: str, args: Any = None) -> tuple[str, ...]:
    return emulator.call(path, python_arguments(args), None, ADMIN).log_lines


def logged(body: Callable[[MutationContext], Any], limits: Limits | None = None) -> tuple[str, ...]:
    emulator = Emulator(limits=limits, seed=1)
    emulator.define("logs:body", mutation(lambda ctx, args: body(ctx)))
    return lines_of(emulator, "logs:body")


def many(count: int) -> Callable[[MutationContext], None]:
    def log(ctx: MutationContext) -> None:
        for n in range(count):
            ctx.console.log(n)

    return log


@pytest.mark.parametrize("level", ["log", "debug", "info", "warn", "error"])
def test_line_begins_with_its_level(level: str) -> None:
    lines = logged(lambda ctx: getattr(ctx.console, level)("hello"))

    assert lines == (f"[{level.upper()}] 'hello'",)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("hello", "'hello'"),
        ({"a": 1, "b": [True, None]}, "{\n  a: 1,\n  b: [ true, null ]\n}"),
        (1.5, "1.5"),
        (ConvexInt64(5), "5n"),
        (undefined, "undefined"),
        ([], "[]"),
        ({}, "{}"),
    ],
)
def test_values_are_shown_as_javascript_shows_them(value: Value, shown: str) -> None:
    assert logged(lambda ctx: ctx.console.log(value)) == (f"[LOG] {shown}",)


def test_values_of_a_line_are_joined_by_one_space() -> None:
    assert logged(lambda ctx: ctx.console.log("hello", {"a": 1}, 2)) == ("[LOG] 'hello' {\n  a: 1\n} 2",)


def test_line_without_values_is_empty() -> None:
    assert logged(lambda ctx: ctx.console.log()) == ("[LOG] ",)


def test_failed_function_keeps_its_lines(emulator: Emulator) -> None:
    def fail(ctx: Any, args: Any) -> None:
        ctx.console.log("before")
        raise ValueError("boom")

    emulator.define("logs:fail", mutation(fail))

    assert lines_of(emulator, "logs:fail") == ("[LOG] 'before'",)


def test_lines_of_nested_calls_stand_where_they_were_written(emulator: Emulator) -> None:
    def outer(ctx: Any, args: Any) -> None:
        ctx.console.log("before")
        ctx.run_query("logs:inner")
        ctx.console.log("after")

    emulator.define("logs:inner", query(lambda ctx, args: ctx.console.info("inside")))
    emulator.define("logs:outer", mutation(outer))

    assert lines_of(emulator, "logs:outer") == ("[LOG] 'before'", "[INFO] 'inside'", "[LOG] 'after'")


def test_255_lines_are_kept() -> None:
    lines = logged(many(255))

    assert len(lines) == 255
    assert lines[-1] == "[LOG] 254"


# The last of the 256 slots is for the word that there would have been more, also if just one more was written.
@pytest.mark.parametrize("count", [256, 257, 1000])
def test_last_of_256_slots_says_that_lines_are_missing(count: int) -> None:
    lines = logged(many(count))

    assert len(lines) == 256
    assert lines[-2:] == ("[LOG] 254", "[ERROR] Log overflow (maximum 256). Remaining log lines omitted.")


def test_lines_of_nested_calls_share_the_256_slots(emulator: Emulator) -> None:
    emulator.define("logs:inner", query(lambda ctx, args: many(200)(ctx)))
    emulator.define("logs:outer", mutation(lambda ctx, args: [ctx.run_query("logs:inner") for _ in range(2)]))

    lines = lines_of(emulator, "logs:outer")

    assert len(lines) == 256
    assert lines[-1].startswith("[ERROR] Log overflow")


# The two quotes count; the level does not.
def test_line_of_32768_bytes_is_kept_whole() -> None:
    assert logged(lambda ctx: ctx.console.log("x" * 32_766)) == (f"[LOG] '{'x' * 32_766}'",)


def test_line_of_32769_bytes_is_cut() -> None:
    assert logged(lambda ctx: ctx.console.log("x" * 32_767)) == (f"[LOG] '{'x' * 32_767} (truncated due to length)",)


# Two bytes of UTF-8 stand across the limit: neither half may stay.
def test_cut_leaves_no_half_character() -> None:
    (line,) = logged(lambda ctx: ctx.console.log("x" * 32_766 + "é"))

    assert line == f"[LOG] '{'x' * 32_766} (truncated due to length)"


def inserts(count: int, size: int = 0) -> Callable[[MutationContext], None]:
    def insert(ctx: MutationContext) -> None:
        for _ in range(count):
            ctx.db.insert("log_notes", {"a": "x" * size} if size else {})

    return insert


# Four fifths of 10 are 8: up to there nothing is said, and nothing beyond the limit, where the call fails.
@pytest.mark.parametrize(("count", "is_warned"), [(8, False), (9, True), (10, True)])
def test_many_writes_are_warned_of(count: int, is_warned: bool) -> None:
    lines = logged(inserts(count), Limits(documents_written_max=10))

    warning = f"[WARN] Many writes in a single function execution (actual: {count}, limit: 10)."
    assert lines == ((warning,) if is_warned else ())


# An empty document has 63 bytes, `a` with one character 68.
@pytest.mark.parametrize(("size", "is_warned"), [(15, False), (16, True)])
def test_many_bytes_written_are_warned_of(size: int, is_warned: bool) -> None:
    lines = logged(inserts(10, size), Limits(written_size_max=1025))

    used = f"(actual: {670 + 10 * size} bytes, limit: 1025 bytes)"
    warning = f"[WARN] Many bytes written in a single function execution {used}."
    assert lines == ((warning,) if is_warned else ())


def reading(documents: int, limits: Limits, size: int = 0) -> tuple[str, ...]:
    """The lines of a query that reads so many documents, one by one."""
    emulator = Emulator(limits=limits, seed=1)
    ids = emulator.run(lambda ctx: [ctx.db.insert("log_notes", {"a": "x" * size}) for _ in range(documents)])
    emulator.define("logs:read", query(lambda ctx, args: [ctx.db.get(i) for i in ids] and None))
    return lines_of(emulator, "logs:read")


@pytest.mark.parametrize(("count", "is_warned"), [(8, False), (9, True), (10, True)])
def test_many_documents_read_are_warned_of(count: int, is_warned: bool) -> None:
    warning = f"[WARN] Many documents read in a single function execution (actual: {count}, limit: 10). {READ_HELP}"

    assert reading(count, Limits(documents_read_max=10)) == ((warning,) if is_warned else ())


@pytest.mark.parametrize(("count", "is_warned"), [(8, False), (9, True), (10, True)])
def test_many_reads_are_warned_of(count: int, is_warned: bool) -> None:
    warning = f"[WARN] Many reads in a single function execution (actual: {count}, limit: 10). {READ_HELP}"

    assert reading(count, Limits(read_ranges_max=10)) == ((warning,) if is_warned else ())


# Ten documents of 80 and of 81 bytes, against four fifths of 1,000.
@pytest.mark.parametrize(("size", "is_warned"), [(13, False), (14, True)])
def test_many_bytes_read_are_warned_of(size: int, is_warned: bool) -> None:
    warning = (
        f"[WARN] Many bytes read in a single function execution (actual: {670 + 10 * size} bytes, limit: 1000 bytes). "
        f"{READ_HELP}"
    )

    assert reading(10, Limits(read_size_max=1000), size) == ((warning,) if is_warned else ())


@pytest.mark.parametrize(("size", "is_warned"), [(13, False), (14, True)])
def test_large_document_is_warned_of(size: int, is_warned: bool) -> None:
    emulator = Emulator(limits=Limits(document_size_max=100), seed=1)
    emulator.define("logs:insert", mutation(lambda ctx, args: ctx.db.insert("log_notes", {"a": "x" * size})))

    outcome = emulator.call("logs:insert", python_arguments(None), FunctionKind.MUTATION, ADMIN)

    warning = f'[WARN] Large document written with ID "{outcome.value}" (actual: {67 + size} bytes, limit: 100 bytes).'
    assert outcome.log_lines == ((warning,) if is_warned else ())


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize(("levels", "is_warned"), [(12, False), (13, True), (16, True)])
def test_deep_document_is_warned_of(emulator: Emulator, levels: int, is_warned: bool) -> None:
    emulator.define("logs:insert", mutation(lambda ctx, args: ctx.db.insert("log_notes", nested(levels))))

    outcome = emulator.call("logs:insert", python_arguments(None), FunctionKind.MUTATION, ADMIN)

    warning = (
        f'[WARN] Deeply nested document written with ID "{outcome.value}" (actual: {levels} levels, limit: 16 levels).'
    )
    assert outcome.log_lines == ((warning,) if is_warned else ())


def echo(ctx: Any, args: Any) -> None:
    return None


# The array around the arguments counts: 2 bytes, and 6 more for `{a: ""}`.
@pytest.mark.parametrize(("length", "is_warned"), [(792, False), (793, True)])
@pytest.mark.parametrize(("build", "what"), [(mutation, "function"), (action, "action")])
def test_large_arguments_are_warned_of(length: int, is_warned: bool, build: Any, what: str) -> None:
    emulator = Emulator(limits=Limits(arguments_size_max=1000))
    emulator.define("logs:echo", build(echo))

    lines = lines_of(emulator, "logs:echo", {"a": "x" * length})

    warning = f"[WARN] Large size of the {what} arguments (actual: {8 + length} bytes, limit: 1000 bytes)."
    assert lines == ((warning,) if is_warned else ())


@pytest.mark.parametrize(("length", "is_warned"), [(798, False), (799, True)])
@pytest.mark.parametrize(("build", "what"), [(mutation, "function"), (action, "action")])
def test_large_return_value_is_warned_of(length: int, is_warned: bool, build: Any, what: str) -> None:
    emulator = Emulator(limits=Limits(return_size_max=1000))
    emulator.define("logs:large", build(lambda ctx, args: "x" * length))

    lines = lines_of(emulator, "logs:large")

    warning = f"[WARN] Large size of the {what} return value (actual: {2 + length} bytes, limit: 1000 bytes)."
    assert lines == ((warning,) if is_warned else ())


# A function that failed is the one whose log is read; `into_outcome` warns whatever the result was.
def test_failed_mutation_is_warned_of_what_it_wrote() -> None:
    def write_and_fail(ctx: MutationContext) -> None:
        inserts(9)(ctx)
        raise ValueError("boom")

    lines = logged(write_and_fail, Limits(documents_written_max=10))

    assert lines == ("[WARN] Many writes in a single function execution (actual: 9, limit: 10).",)


def test_failed_mutation_is_warned_of_its_arguments() -> None:
    def fail(ctx: Any, args: Any) -> None:
        raise ValueError("boom")

    emulator = Emulator(limits=Limits(arguments_size_max=1000))
    emulator.define("logs:fail", mutation(fail))

    lines = lines_of(emulator, "logs:fail", {"a": "x" * 793})

    assert lines == ("[WARN] Large size of the function arguments (actual: 801 bytes, limit: 1000 bytes).",)


def test_warnings_stand_in_the_deployments_order() -> None:
    def body(ctx: MutationContext) -> None:
        ctx.console.log("mine")
        for document_id in [ctx.db.insert("log_notes", {}) for _ in range(5)]:
            ctx.db.get(document_id)

    lines = logged(body, Limits(documents_read_max=5, read_ranges_max=5, documents_written_max=5))

    assert [line.split(" in a ")[0] for line in lines] == [
        "[LOG] 'mine'",
        "[WARN] Many documents read",
        "[WARN] Many reads",
        "[WARN] Many writes",
    ]


# The deployment's own lines are neither counted nor cut (LogLine::new_system_log_line).
def test_warnings_come_on_top_of_256_lines() -> None:
    lines = LogLines(Limits())
    for _ in range(300):
        lines.add("LOG", "mine")

    lines.warn_of_limit("Many writes", 9, 10)

    assert len(lines.lines) == 257
    assert lines.lines[-1] == "[WARN] Many writes (actual: 9, limit: 10)."
