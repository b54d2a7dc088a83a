"""Functions for a child process that is told limits and variables."""

import os
from typing import Any

from convex_mastra_emulator import mutation, query


def write(ctx: Any, args: dict[str, Any]) -> int:
    """Stores as many documents, and tells how many there are."""
    for _ in range(int(args["times"])):
        ctx.db.insert("notes", {})
    return len(ctx.db.query("notes").collect())


FUNCTIONS = {
    "child:write": mutation(write),
    "child:environment": query(lambda ctx, args: sorted(os.environ)),
    "child:colour": query(lambda ctx, args: ctx.env["COLOUR"]),
}
