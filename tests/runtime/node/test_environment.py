"""``process.env`` of TypeScript: the deployment's variables, and who depends on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from convex_mastra_emulator import Emulator
from tests.protocol.sync_client import SyncClient, add, api_of

Write = Callable[..., Path]

READING = """
export const key = query(async () => process.env.KEY ?? null);
export const byName = query(async (_, { name }: any) => process.env[name] ?? null);
export const none = query(async () => 1);
export const nested = query(async (ctx) => await ctx.runQuery(call("a:key"), {}));
export const listed = query(async () => [Object.keys(process.env), "KEY" in process.env, String(process.env.inspect)]);
"""
AT_IMPORT = """
const KEY = process.env.KEY ?? null;
export const f = query(async () => KEY);
export const g = action(async () => KEY);
"""


def changes(convex: Emulator, path: str, args: dict[str, Any] | None = None) -> list[Any]:
    """What a live query gives at first, and each time it has run again for a change of a variable."""
    client = SyncClient(api_of(convex))
    [first] = client.modify(add(0, path, args or {}))
    values = [first["value"]]
    for name in ("OTHER", "KEY"):
        wakings = client.wakings
        convex.env[name] = "secret"
        if client.wakings > wakings:
            values += [update["value"] for update in client.transition()["modifications"]]
    return values


def test_a_live_query_runs_again_when_a_variable_it_read_changes(convex: Emulator, write: Write) -> None:
    convex.deploy(write(a=READING))

    assert changes(convex, "a:key") == [None, "secret"]


def test_a_live_query_runs_again_for_what_a_query_it_calls_has_read(convex: Emulator, write: Write) -> None:
    convex.deploy(write(a=READING))

    assert changes(convex, "a:nested") == [None, "secret"]


def test_a_live_query_does_not_run_for_variables_it_has_not_read(convex: Emulator, write: Write) -> None:
    convex.deploy(write(a=READING))

    assert changes(convex, "a:none") == [1.0]
    del convex.env["KEY"]
    assert changes(convex, "a:byName", {"name": "ANOTHER"}) == [None]


def test_variables_are_seen_by_name_alone(convex: Emulator, write: Write) -> None:
    convex.deploy(write(a=READING))
    convex.env["KEY"] = "secret"

    assert convex.query("a:listed") == [[], False, "undefined"]
    assert convex.query("a:byName", {"name": "PATH"}) is None
    assert convex.query("a:byName", {"name": "constructor"}) is None


# A client made where a module begins, `new OpenAI({ apiKey: process.env.KEY })`, must see what a test sets after the
# deploy: on a deployment modules are loaded with each call.
def test_modules_that_read_a_variable_when_loaded_are_loaded_again_when_it_changes(
    convex: Emulator, write: Write
) -> None:
    convex.deploy(write(a=AT_IMPORT))
    before = (convex.query("a:f"), convex.action("a:g"))

    convex.env["KEY"] = "secret"

    assert before == (None, None)
    assert (convex.query("a:f"), convex.action("a:g")) == ("secret", "secret")


def test_a_live_query_runs_again_for_what_its_module_has_read(convex: Emulator, write: Write) -> None:
    convex.deploy(write(a=AT_IMPORT))

    assert changes(convex, "a:f") == [None, "secret"]


def test_with_use_node_the_environment_is_an_object_like_any_other(convex: Emulator, write: Write) -> None:
    folder = write()
    (folder / "n.ts").write_text("""
"use node";
import { actionGeneric } from "convex/server";
export const f = actionGeneric(async () => {
  process.env.OWN = "own";
  const { KEY, OWN } = { ...process.env };
  return [KEY, OWN, "KEY" in process.env, "HOME" in process.env];
});
""")
    convex.deploy(folder)
    convex.env["KEY"] = "secret"

    assert convex.action("n:f") == ["secret", "own", True, False]
