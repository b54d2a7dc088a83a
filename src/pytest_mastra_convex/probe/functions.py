"""The functions of the probe for an emulator: ``emulator.define(path, function)`` for each of :data:`FUNCTIONS`.

`convex/conformance/probe.ts` holds the same in TypeScript.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from convex_mastra_emulator import (
    action,
    internal_action,
    internal_mutation,
    internal_query,
    mutation,
    query,
)
from convex_mastra_emulator.limits import MIB
from convex_mastra_emulator.runtime.functions import Function
from convex_mastra_emulator.schema import v
from convex_mastra_emulator.values.size import size_of
from pytest_mastra_convex.probe.interpreter import run_program
from pytest_mastra_convex.probe.typed import TYPED_FUNCTIONS

CONFORMANCE_TABLES: Final = (
    "conformance_things",
    "conformance_typed",
    "conformance_vectors",
    "conformance_loose_vectors",
    "conformance_texts",
)
"""The tables programs may use; :func:`clear` empties them."""

# What one call of `clear` deletes is read twice, by the query and by the deletion; a transaction may read 16 MiB.
_CLEARED_AT_ONCE = 2000
_CLEARED_SIZE = 4 * MIB
_ABOUT_VERSION = 1.0

_PROGRAM = {"program": v.string()}


def _running(kind: str) -> Callable[[Any, dict[str, Any]], str]:
    def run(ctx: Any, args: dict[str, Any]) -> str:
        return run_program(ctx, kind, args["program"])

    return run


@query(args={})
def about(ctx: Any, args: dict[str, Any]) -> dict[str, Any]:
    """What the probe says of itself."""
    return {"isTest": ctx.env.get("IS_TEST") == "1", "probe": _ABOUT_VERSION}


@mutation(args={})
def clear(ctx: Any, args: dict[str, Any]) -> float:
    """Deletes some documents of the conformance tables and tells how many; 0 when none was left."""
    deleted = 0
    size = 0
    for table in CONFORMANCE_TABLES:
        if deleted == _CLEARED_AT_ONCE or size > _CLEARED_SIZE:
            break
        for document in ctx.db.query(table):
            ctx.db.delete(document["_id"])
            deleted += 1
            size += size_of(document)
            if deleted == _CLEARED_AT_ONCE or size > _CLEARED_SIZE:
                break
    return float(deleted)


FUNCTIONS: Final[Mapping[str, Function]] = {
    "conformance/probe:query": query(_running("query"), args=_PROGRAM, returns=v.string()),
    "conformance/probe:mutation": mutation(_running("mutation"), args=_PROGRAM, returns=v.string()),
    "conformance/probe:action": action(_running("action"), args=_PROGRAM, returns=v.string()),
    "conformance/probe:internalQuery": internal_query(_running("query"), args=_PROGRAM, returns=v.string()),
    "conformance/probe:internalMutation": internal_mutation(_running("mutation"), args=_PROGRAM, returns=v.string()),
    "conformance/probe:internalAction": internal_action(_running("action"), args=_PROGRAM, returns=v.string()),
    "conformance/probe:about": about,
    "conformance/probe:clear": clear,
    **TYPED_FUNCTIONS,
}
"""All functions by path."""
