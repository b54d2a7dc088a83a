"""How the benchmarks measure: medians, paired ratios, and the peer in Node.

A machine's speed drifts, a ratio of two things measured in turn does not (performance.md §6, "Recipes").
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from pytest_mastra_convex.node_project import ensure_npm_project, node_binary

_PAIRS = 31
_BATCH_SECONDS = 0.002


def _calls_per_batch(work: Callable[[], object]) -> int:
    calls = 1
    while True:
        started = time.perf_counter()
        for _ in range(calls):
            work()
        if time.perf_counter() - started >= _BATCH_SECONDS or calls >= 1 << 16:
            return calls
        calls *= 2


def _batch(work: Callable[[], object], calls: int) -> float:
    started = time.perf_counter()
    for _ in range(calls):
        work()
    return (time.perf_counter() - started) / calls


def paired_ratio(work: Callable[[], object], other: Callable[[], object]) -> float:
    """The median of time(work) / time(other), measured in turn."""
    calls, other_calls = _calls_per_batch(work), _calls_per_batch(other)
    return statistics.median(_batch(work, calls) / _batch(other, other_calls) for _ in range(_PAIRS))


def median_us(work: Callable[[], object]) -> float:
    """The median time of one call, in microseconds."""
    calls = _calls_per_batch(work)
    return statistics.median(_batch(work, calls) for _ in range(_PAIRS)) * 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One claim and what was measured."""

    goal: str
    claim: str
    measured: float
    at_most: float | None = None
    at_least: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the measured ratio is on the right side."""
        is_low_enough = self.at_most is None or self.measured <= self.at_most
        return is_low_enough and (self.at_least is None or self.measured >= self.at_least)

    def __str__(self) -> str:
        bound = f"<= {self.at_most:g}" if self.at_most is not None else f">= {self.at_least:g}"
        mark = "ok  " if self.holds else "MISS"
        return f"{mark} {self.goal:4} {self.measured:10.2f}  ({bound})  {self.claim}"


class Peer:
    """convex-test in Node, doing the same work."""

    def __init__(self) -> None:
        project = ensure_npm_project(lambda text: print(text, file=sys.stderr))
        script = Path(__file__).with_name("peer.mjs")
        self._process = subprocess.Popen(
            [str(node_binary()), "--no-warnings", str(script), str(project)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def median_us(self, work: str, **options: object) -> float:
        """The peer's median time of one call, in microseconds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"work": work, "runs": 21, **options}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the peer ended while it was doing {work!r}")
        return float(json.loads(line))

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
