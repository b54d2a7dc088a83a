"""Functions for a child process that schedules."""

from typing import Any

from convex_mastra_emulator import action, internal_mutation, mutation, query


def send(ctx: Any, args: dict[str, Any]) -> str:
    """Lets a message be written a little later."""
    return str(ctx.scheduler.run_after(args["delay"], "later:write", {"text": args["text"]}))


def write(ctx: Any, args: dict[str, Any]) -> None:
    """Writes a message."""
    ctx.db.insert("messages", {"text": args["text"]})


def texts(ctx: Any, args: dict[str, Any]) -> list[str]:
    """All messages."""
    return [row["text"] for row in ctx.db.query("messages").collect()]


FUNCTIONS = {
    "later:send": mutation(send),
    "later:sendFromAction": action(send),
    "later:write": internal_mutation(write),
    "later:list": query(texts),
}
