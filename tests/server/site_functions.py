"""Functions, routes and crons for a child process that is told their names."""

from typing import Any

from convex_mastra_emulator import Crons, HttpActionResponse, HttpRouter, http_action, internal_mutation, internal_query


def note(ctx: Any, args: Any) -> None:
    """What the cron runs."""
    ctx.db.insert("runs", {})


FUNCTIONS = {
    "site:note": internal_mutation(note),
    "site:count": internal_query(lambda ctx, args: len(ctx.db.query("runs").collect())),
}

ROUTER = HttpRouter()
ROUTER.route(
    path="/ran",
    method="GET",
    handler=http_action(lambda ctx, request: HttpActionResponse.json(ctx.run_query("site:count"))),
)

CRONS = Crons()
CRONS.interval("note", "site:note", hours=1)
