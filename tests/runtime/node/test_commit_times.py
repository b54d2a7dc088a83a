"""``ctx.db.vars.commitTs``: the timestamp of the mutation that writes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from convex_mastra_emulator import ConvexInt64, Emulator, FunctionError

Write = Callable[..., Path]

SCHEMA = """
import { defineSchema, defineTable } from "convex/server";
export default defineSchema({
  events: defineTable({ what: v.string(), at: v.commitTs(), deep: v.optional(v.any()) }).index("at", ["at"]),
});
"""
EVENTS = """
const now = (ctx: any) => ctx.db.vars.commitTs;
export const add = mutation(async (ctx, { what }: any) => {
  await ctx.db.insert("events", { what, at: now(ctx), deep: [{ at: now(ctx) }] });
  await ctx.db.insert("events", { what, at: now(ctx) });
  return now(ctx);
});
export const own = mutation(async (ctx, { what }: any) => {
  await ctx.db.insert("events", { what, at: now(ctx) });
  const rows = () => ctx.db.query("events").withIndex("at", (q: any) => q.eq("at", now(ctx)));
  return [(await rows().collect()).length, (await rows().paginate({ numItems: 5, cursor: null })).page.length];
});
export const touch = mutation(async (ctx, { id }: any) => {
  await ctx.db.patch(id, { at: now(ctx) });
  const { _id, _creationTime, ...event } = (await ctx.db.get(id))!;
  await ctx.db.replace(id, { ...event, what: '{"$commitTs":null}', at: now(ctx) });
});
export const called = internalMutation(async (ctx, { at }: any) => {
  await ctx.db.insert("events", { what: "c", at });
});
export const calling = mutation(async (ctx) => { await ctx.runMutation(call("a:called"), { at: now(ctx) }); });
export const scheduling = mutation(async (ctx) => {
  await ctx.scheduler.runAfter(0, call("a:called"), { at: now(ctx) });
});
export const all = query(async (ctx) => await ctx.db.query("events").withIndex("at").collect());
export const snapshot = query(async (ctx) => ctx.meta.getSnapshotTs());
"""


@pytest.fixture
def deployed(convex: Emulator, write: Write) -> Emulator:
    convex.deploy(write(schema=SCHEMA, a=EVENTS))
    return convex


def events(convex: Emulator) -> list[Any]:
    found = convex.query("a:all")
    assert isinstance(found, list)
    return found


def nanoseconds(value: object) -> int:
    assert isinstance(value, ConvexInt64)
    return value.value


def test_all_that_a_mutation_writes_has_one_timestamp(deployed: Emulator) -> None:
    returned = deployed.mutation("a:add", {"what": "x"})

    first, second = events(deployed)
    assert isinstance(returned, ConvexInt64)
    assert first["at"] == second["at"] == first["deep"][0]["at"] == returned


def test_timestamps_are_in_the_order_of_commits(deployed: Emulator) -> None:
    times = [nanoseconds(deployed.mutation("a:add", {"what": what})) for what in "abc"]

    assert times == sorted(set(times))
    assert [event["what"] for event in events(deployed)] == ["a", "a", "b", "b", "c", "c"]
    assert nanoseconds(deployed.query("a:snapshot")) >= times[-1]


def test_an_index_range_finds_what_the_mutation_has_written(deployed: Emulator) -> None:
    deployed.mutation("a:own", {"what": "before"})

    assert deployed.mutation("a:own", {"what": "x"}) == [1.0, 1.0]


def test_it_is_patched_and_replaced_and_no_string_is_taken_for_it(deployed: Emulator) -> None:
    before = nanoseconds(deployed.mutation("a:add", {"what": "x"}))

    deployed.mutation("a:touch", {"id": events(deployed)[0]["_id"]})

    changed = events(deployed)[-1]
    assert nanoseconds(changed["at"]) > before
    assert changed["what"] == '{"$commitTs":null}'


def test_it_is_handed_to_a_called_mutation_and_not_to_a_scheduled_one(deployed: Emulator) -> None:
    deployed.mutation("a:calling")

    assert [event["what"] for event in events(deployed)] == ["c"]
    with pytest.raises(FunctionError, match="commitTs"):
        deployed.mutation("a:scheduling")
