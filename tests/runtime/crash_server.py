"""A process that forks children under load, which a test kills.

Reads paths, one a line; each starts a child, whose id comes back as ``child N``.  The child opens the file, says
``ready``, and then reports everything that was answered: ``mutation 5``, ``env 5``, ``job 5``.  After its end comes
``ended``.  Forking costs a fraction of what a new interpreter does.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from convex_mastra_emulator import Emulator, internal_mutation, mutation
from convex_mastra_emulator.limits import DEFAULT_LIMITS

CHECKPOINTS = 40
"""Entries after which one is deleted again, so that deletes are under way, too."""


def count_up(ctx: Any, args: Any) -> float:
    """Adds one to the counter, a row to two tables, and a job: all of it or nothing must be there."""
    counter = ctx.db.query("counters").first()
    number: float = 1.0 if counter is None else counter["n"] + 1
    if counter is None:
        ctx.db.insert("counters", {"n": number})
    else:
        ctx.db.patch(counter["_id"], {"n": number})
    ctx.db.insert("entries", {"n": number})
    ctx.db.insert("shadows", {"n": number, "text": "x" * int(number % 7) * 500})
    gone = ctx.db.query("entries").first() if number > CHECKPOINTS else None
    if gone is not None:
        ctx.db.delete(gone["_id"])
    ctx.scheduler.run_after(0, "load:job", {"n": number})
    return number


FUNCTIONS = {
    "load:count_up": mutation(count_up),
    "load:job": internal_mutation(lambda ctx, args: ctx.db.insert("done", {"n": args["n"]})),
}


def opened(path: str) -> Emulator:
    """The emulator of a file, with the functions of the load."""
    emulator = Emulator(path=path, limits=DEFAULT_LIMITS)
    for name, function in FUNCTIONS.items():
        emulator.define(name, function)
    return emulator


def say(text: str) -> None:
    """One write, which a kill cannot cut."""
    os.write(1, f"{text}\n".encode())


def load(path: str) -> None:
    """Writes until it is killed, and says what was answered."""
    emulator = opened(path)
    say("ready")
    while True:
        number = int(emulator.mutation("load:count_up"))
        say(f"mutation {number}")
        emulator.env.update({"A": str(number), "B": str(number)})
        say(f"env {number}")
        if number % 3 == 0:
            emulator.scheduler.run_due()
            say(f"job {number}")


def main() -> None:
    """Serves until standard input ends."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                load(line.strip())
            finally:
                os._exit(1)
        say(f"child {child}")
        os.waitpid(child, 0)
        say("ended")


if __name__ == "__main__":
    main()
