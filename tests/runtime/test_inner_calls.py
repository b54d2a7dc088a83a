"""What the calls of functions do to each other and to their callers; more of them in `test_nested_calls.py`."""

from typing import Any

import pytest
from convex import ConvexError

from convex_mastra_emulator import Emulator, FunctionError, action, mutation, query
from convex_mastra_emulator.errors import InvalidArgument, ThrownError


def read_all(ctx: Any, args: Any) -> list[float]:
    return [row["n"] for row in ctx.db.query("inner_rows").collect()]


def write(ctx: Any, args: Any) -> None:
    ctx.db.insert("inner_rows", {"n": args["n"]})


@pytest.fixture
def deployment(emulator: Emulator) -> Emulator:
    emulator.define("inner:all", query(read_all))
    emulator.define("inner:write", mutation(write))
    return emulator


# Whoever subscribes to the outer query must be told of what the inner one read.
def test_caller_has_read_what_its_calls_read(deployment: Emulator) -> None:
    deployment.define("inner:outer", query(lambda ctx, args: ctx.run_query("inner:all")))
    deployment.mutation("inner:write", {"n": 1})

    deployment.query("inner:outer")

    assert deployment.usage.documents_read == 1


def test_action_sees_each_of_its_commits(deployment: Emulator) -> None:
    def act(ctx: Any, args: Any) -> list[Any]:
        seen = []
        for n in (1, 2):
            ctx.run_mutation("inner:write", {"n": n})
            seen.append(ctx.run_query("inner:all"))
        return seen

    deployment.define("inner:act", action(act))

    assert deployment.action("inner:act") == [[1.0], [1.0, 2.0]]


@pytest.mark.parametrize("kind", [mutation, action])
def test_result_belongs_to_the_caller(deployment: Emulator, kind: Any) -> None:
    def change(ctx: Any, args: Any) -> list[float]:
        mine = ctx.run_query("inner:all")
        mine.append(99.0)
        return list(ctx.run_query("inner:all"))

    deployment.define("inner:change", kind(change))
    deployment.mutation("inner:write", {"n": 1})

    call = deployment.mutation if kind is mutation else deployment.action
    assert call("inner:change") == [1.0]


@pytest.mark.parametrize("kind", [mutation, action])
def test_error_of_the_called_can_be_caught(deployment: Emulator, kind: Any) -> None:
    def refuse(ctx: Any, args: Any) -> None:
        raise ConvexError("", {"code": 7}) if args["data"] else ThrownError("no")

    def catch(ctx: Any, args: Any) -> list[Any]:
        caught: list[Any] = []
        try:
            ctx.run_query("inner:refuse", {"data": True})
        except ConvexError as error:
            caught.append(error.data)
        try:
            ctx.run_query("inner:refuse", {"data": False})
        except ThrownError as error:
            caught.append(str(error).splitlines()[0])
        return caught

    deployment.define("inner:refuse", query(refuse))
    deployment.define("inner:catch", kind(catch))

    call = deployment.mutation if kind is mutation else deployment.action
    assert call("inner:catch") == [{"code": 7.0}, "Uncaught Error: no"]


# async_syscall.rs `parse_name_or_reference`: inside a function a bad path is a bad argument, not a bad request, and the
# text names the call as the deployment does.
@pytest.mark.parametrize(
    ("kind", "method", "named"),
    [
        pytest.param(query, "run_query", "runUdf", id="query"),
        pytest.param(mutation, "run_mutation", "runUdf", id="mutation"),
        pytest.param(action, "run_query", "runQuery", id="query-in-action"),
        pytest.param(action, "run_mutation", "runMutation", id="mutation-in-action"),
        pytest.param(action, "run_action", "runAction", id="action-in-action"),
    ],
)
def test_path_that_is_none_can_be_caught(deployment: Emulator, kind: Any, method: str, named: str) -> None:
    def call_nothing(ctx: Any, args: Any) -> str:
        try:
            getattr(ctx, method)("messages:list-all")
        except InvalidArgument as error:
            return str(error)
        return "called"

    deployment.define("inner:nothing", kind(call_nothing))

    call = {query: deployment.query, mutation: deployment.mutation, action: deployment.action}[kind]
    assert call("inner:nothing") == (
        f"Invalid arguments for `{named}`: Identifier list-all has invalid character '-': "
        "Identifiers can only contain alphanumeric characters or underscores"
    )


# async_syscall.rs `run_udf`: the function is looked for before the depth of the call is.
def test_missing_function_is_told_before_the_depth(emulator: Emulator) -> None:
    def descend(ctx: Any, args: Any) -> str:
        path = "inner:descend" if args["left"] else "inner:nothing"
        return str(ctx.run_query(path, {"left": args["left"] - 1}))

    emulator.define("inner:descend", query(descend))

    with pytest.raises(FunctionError, match="Could not find public function for 'inner:nothing'"):
        emulator.query("inner:descend", {"left": 8})


# An action gets the result of what it calls and nothing else; the lines stand in the log, with the run they are of
# (crates/application/src/application_function_runner/mod.rs ``ActionCallbacks``, crates/udf/src/client.rs).
def test_lines_of_what_an_action_calls_are_not_its_own(deployment: Emulator) -> None:
    def log(ctx: Any, args: Any) -> None:
        ctx.console.log("inner")

    def fail(ctx: Any, args: Any) -> None:
        ctx.console.log("before")
        ctx.run_query("inner:log")
        raise ThrownError("after")

    deployment.define("inner:log", query(log))
    deployment.define("inner:fail", action(fail))

    with pytest.raises(FunctionError, match="Uncaught Error: after") as failed:
        deployment.action("inner:fail")

    assert failed.value.log_lines == ("[LOG] 'before'",)
