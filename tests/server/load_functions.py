"""Functions for a server under load: counters that show what ran, and how often."""

from typing import Any

from convex_mastra_emulator import action, mutation, query


def _row(ctx: Any, name: str) -> Any:
    return next((row for row in ctx.db.query("counters").collect() if row["name"] == name), None)


def up(ctx: Any, args: dict[str, Any]) -> float:
    """Adds one to a counter."""
    row = _row(ctx, args["name"])
    if row is None:
        ctx.db.insert("counters", {"name": args["name"], "n": 1.0})
        return 1.0
    ctx.db.patch(row["_id"], {"n": row["n"] + 1})
    return float(row["n"] + 1)


def everything(ctx: Any, args: dict[str, Any]) -> dict[str, float]:
    """All counters by name."""
    return {row["name"]: row["n"] for row in ctx.db.query("counters").collect()}


def act(ctx: Any, args: dict[str, Any]) -> float:
    """Adds one to a counter, from an action."""
    return float(ctx.run_mutation("counters:up", args))


FUNCTIONS = {"counters:up": mutation(up), "counters:all": query(everything), "counters:act": action(act)}
