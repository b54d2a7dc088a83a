"""Functions by handle: made, stored, called and scheduled, from functions of every kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from convex_mastra_emulator import Emulator, FunctionError, ManualClock
from convex_mastra_emulator import query as python_query

Write = Callable[..., Path]

SOURCE = """
import { createFunctionHandle } from "convex/server";
export const one = query(async () => 1);
export const add = internalMutation(async (ctx, args: any) => await ctx.db.insert("notes", args));
export const double = action(async (_, { n }: any) => n * 2);
export const handle = query(async (_, { path }: any) => await createFunctionHandle(call(path)));
export const handleInAction = action(async (_, { path }: any) => await createFunctionHandle(call(path)));
export const ofHandle = query(async (_, { handle }: any) => await createFunctionHandle(handle));
export const read = query(async (ctx, { handle }: any) => await ctx.runQuery(handle, {}));
export const write = mutation(async (ctx, { handle }: any) => {
  await ctx.runMutation(handle, { by: "mutation" });
  await ctx.scheduler.runAfter(0, handle, { by: "scheduler" });
});
export const all = action(async (ctx, { query, mutation, action }: any) => {
  await ctx.runMutation(mutation, { by: "action" });
  await ctx.scheduler.runAfter(0, mutation, { by: "scheduler" });
  return [await ctx.runQuery(query, {}), await ctx.runAction(action, { n: 4 })];
});
"""


@pytest.fixture
def deployed(convex: Emulator, write: Write) -> Emulator:
    convex.deploy(write(a=SOURCE))
    return convex


def handle_of(convex: Emulator, path: str) -> str:
    handle = convex.query("a:handle", {"path": path})
    assert isinstance(handle, str)
    return handle


def test_a_handle_names_its_function(deployed: Emulator) -> None:
    handle = handle_of(deployed, "a:one")

    assert handle.startswith("function://")
    assert handle.endswith("#a:one")
    assert deployed.action("a:handleInAction", {"path": "a:one"}) == handle
    assert deployed.query("a:ofHandle", {"handle": handle}) == handle


def test_queries_call_by_handle_with_and_without_its_name(deployed: Emulator) -> None:
    handle = handle_of(deployed, "a:one")

    assert deployed.query("a:read", {"handle": handle}) == 1.0
    assert deployed.query("a:read", {"handle": handle.partition("#")[0]}) == 1.0


def test_mutations_call_and_schedule_by_handle(deployed: Emulator) -> None:
    deployed.mutation("a:write", {"handle": handle_of(deployed, "a:add")})
    assert isinstance(deployed.clock, ManualClock)
    deployed.clock.advance(1)

    assert deployed.table_counts()["notes"] == 2


def test_actions_call_and_schedule_by_handle(deployed: Emulator) -> None:
    handles = {kind: handle_of(deployed, f"a:{name}") for kind, name in [("query", "one"), ("mutation", "add")]}

    result = deployed.action("a:all", {**handles, "action": handle_of(deployed, "a:double")})
    assert isinstance(deployed.clock, ManualClock)
    deployed.clock.advance(1)

    assert result == [1.0, 8.0]
    assert deployed.table_counts()["notes"] == 2


def test_python_functions_have_handles(deployed: Emulator) -> None:
    deployed.define("python:f", python_query(lambda ctx, args: "python"))

    assert deployed.query("a:read", {"handle": handle_of(deployed, "python:f")}) == "python"


def test_there_is_no_handle_of_what_is_not_there(deployed: Emulator) -> None:
    with pytest.raises(FunctionError, match="Uncaught Error: Function handle not found"):
        deployed.query("a:handle", {"path": "a:missing"})


@pytest.mark.parametrize(
    ("handle", "text"),
    [
        ("function://j571fqx1qbz2m5sc9q3g6x4v5d7kz5ts", "Invalid arguments for `runUdf`: "),
        ("function://", "Invalid arguments for `runUdf`: "),
    ],
)
def test_what_is_no_handle_is_refused(deployed: Emulator, handle: str, text: str) -> None:
    with pytest.raises(FunctionError, match=text):
        deployed.query("a:read", {"handle": handle})


def test_a_handle_works_again_when_its_function_is_back(convex: Emulator, write: Write) -> None:
    folder = write(a=SOURCE, b="export const f = query(async () => 5);")
    convex.deploy(folder)
    handle = handle_of(convex, "b:f")

    (folder / "b.ts").rename(folder.parent / "b.ts")
    convex.deploy(folder)
    with pytest.raises(FunctionError, match="Function handle not found"):
        convex.query("a:read", {"handle": handle})
    (folder.parent / "b.ts").rename(folder / "b.ts")
    convex.deploy(folder)

    assert convex.query("a:read", {"handle": handle}) == 5.0


def test_a_clone_has_handles_of_its_own_functions(deployed: Emulator) -> None:
    twin = deployed.clone()
    twin.define("python:two", python_query(lambda ctx, args: 2))

    handle = twin.query("a:handle", {"path": "python:two"})

    assert twin.query("a:read", {"handle": handle}) == 2
    with pytest.raises(FunctionError, match="Function handle not found"):
        deployed.query("a:handle", {"path": "python:two"})
