"""G7: what a call costs beside its function."""

from __future__ import annotations

import json
from collections.abc import Iterator

from benchmarks.data import record
from benchmarks.measure import Peer, Result, median_us, paired_ratio
from convex_mastra_emulator import Emulator, query


def results(peer: Peer) -> Iterator[Result]:
    """Measures and compares."""
    emulator = Emulator()
    emulator.define("bench:echo", query(lambda ctx, args: args))
    message = {**record(1), "metadata": {"a": 1.0, "b": [1.0, 2.0]}, "extra": None}

    def round_trip() -> None:
        json.loads(json.dumps(message))
        json.loads(json.dumps(message))

    ratio = paired_ratio(lambda: emulator.query("bench:echo", message), round_trip)
    yield Result(
        goal="G7",
        claim="a call with a 9-field message / json round trip of argument and result",
        measured=ratio,
        at_most=4,
    )
    ours = median_us(lambda: emulator.query("bench:echo"))
    theirs = peer.median_us("empty_query", runs=501)
    yield Result(goal="G7", claim="convex-test / ours, an empty query", measured=theirs / ours, at_least=0.5)
