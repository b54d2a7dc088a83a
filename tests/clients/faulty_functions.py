"""Functions for clients that meet faults; also for a child process (`functions="…:FUNCTIONS"`)."""

from collections.abc import Mapping
from typing import Any

from convex_mastra_emulator import mutation, query


def insert(ctx: Any, args: Mapping[str, Any]) -> int:
    ctx.db.insert("notes", {})
    return count(ctx, args)


def count(ctx: Any, args: Mapping[str, Any]) -> int:
    return len(ctx.db.query("notes").collect())


FUNCTIONS = {"notes:add": mutation(insert), "notes:count": query(count)}
