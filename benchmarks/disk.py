"""G19: what it costs to keep data in a file, against SQLite alone; and that it costs nothing to keep none."""

from __future__ import annotations

import copy
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.data import record
from benchmarks.measure import Peer, Result, paired_ratio
from convex_mastra_emulator import Emulator, mutation
from convex_mastra_emulator.database.persistence import DataFile
from convex_mastra_emulator.values.codec import encode
from convex_mastra_emulator.values.json_text import write_json

# Before data could be kept in a file a patch in memory took as long as 22 copies of its document; a tenth is noise.
_COPIES_MAX = 25


def results(peer: Peer) -> Iterator[Result]:
    """Measures and compares."""
    yield Result(
        goal="G19",
        claim="a mutation with a file / the same rows in a transaction of SQLite",
        measured=_ratio(),
        at_most=2,
    )
    yield Result(
        goal="G19",
        claim="a mutation without a file / deepcopy of its document; 22 before there were files",
        measured=_ratio_in_memory(),
        at_most=_COPIES_MAX,
    )


def _define(emulator: Emulator) -> Callable[[], Any]:
    """A message is stored; what is returned patches it by a mutation."""
    document_id = emulator.run(lambda ctx: ctx.db.insert("mastra_messages", record(1)))
    emulator.define("bench:patch", mutation(lambda ctx, args: ctx.db.patch(document_id, {"content": args["content"]})))
    texts = count()
    return lambda: emulator.mutation("bench:patch", {"content": f"text {next(texts)}"})


def _ratio() -> float:
    with (
        tempfile.TemporaryDirectory() as folder,
        Emulator(path=Path(folder) / "ours.db") as emulator,
        _bare(Path(folder) / "bare.db") as bare,
    ):
        return paired_ratio(_define(emulator), bare)


@contextmanager
def _bare(path: Path) -> Iterator[Callable[[], None]]:
    """What writes a new version of a message and a timestamp, as an emulator's commit does, and nothing else."""
    DataFile(path).close()
    row = write_json(encode({"_creationTime": 1700000000000.0, "_id": "m57fbcb54955hdwhvxnf3p31sn8jngb1", **record(1)}))
    numbers = count()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA synchronous = FULL")

        def write() -> None:
            number = next(numbers)
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "INSERT INTO documents (id, value) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET value = excluded.value",
                ("m57fbcb54955hdwhvxnf3p31sn8jngb1", f"{row} {number}"),
            )
            connection.execute("INSERT OR REPLACE INTO settings (name, value) VALUES ('latest_ns', ?)", (str(number),))
            connection.execute("COMMIT")

        yield write


def _ratio_in_memory() -> float:
    row = record(1)

    def copies() -> None:
        copy.deepcopy(row)

    return paired_ratio(_define(Emulator()), copies)
