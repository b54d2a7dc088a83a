"""G14 and G17: what the plugin costs a run that does not use it, and a test that does."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.measure import Peer, Result

_PAIRS = 9
_TESTS = 1000
_EMPTY = "def test_nothing(): pass\n"
_PLAIN = f"""
import pytest

@pytest.mark.parametrize("n", range({_TESTS}))
def test_nothing(n): pass
"""
_USING = f"""
import pytest

ROW = {{"id": "", "thread_id": "t", "content": "hello", "role": "user", "type": "v2", "resourceId": "r",
       "createdAt": "2026-11-21T09:00:00.000Z"}}

def ten_inserts_and_a_query(ctx):
    for k in range(10):
        ctx.db.insert("mastra_messages", {{**ROW, "id": f"m{{k}}"}})
    return ctx.db.query("mastra_messages").with_index("by_record_id", lambda q: q.eq("id", "m5")).unique()

@pytest.mark.parametrize("n", range({_TESTS}))
def test_memory(convex_emulator, n):
    assert convex_emulator.run(ten_inserts_and_a_query)["id"] == "m5"
"""
_FIXTURE = f"""
import pytest

@pytest.mark.parametrize("n", range({_TESTS}))
def test_nothing(convex_deployment, n): pass
"""


def results(_peer: Peer) -> Iterator[Result]:
    """Measures and compares."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pytest.ini").write_text("[pytest]\n")
        for module, source in (("empty", _EMPTY), ("plain", _PLAIN), ("using", _USING), ("fixture", _FIXTURE)):
            (folder / f"test_{module}.py").write_text(source)
            (folder / f"test_{module}_once.py").write_text(source.replace(f"range({_TESTS})", "range(1)"))
        yield Result(
            goal="G14",
            claim="an empty run with the plugin / without",
            measured=median(
                _seconds(folder, "empty") / _seconds(folder, "empty", "-p", "no:mastra_convex") for _ in range(_PAIRS)
            ),
            at_most=1.1,
        )
        for module, claim in (
            ("fixture", "a test's empty deployment / pytest's own cost of a test"),
            ("using", "a test's deployment, 10 inserts and a query / pytest's own cost of a test"),
        ):
            yield Result(goal="G17", claim=claim, measured=median(_added(folder, module) for _ in range(5)), at_most=1)


def _added(folder: Path, module: str) -> float:
    """What a test adds, next to one that does nothing; what a session pays once is in both runs of the module."""
    one, all_tests = _seconds(folder, f"{module}_once"), _seconds(folder, module)
    empty, plain = _seconds(folder, "empty"), _seconds(folder, "plain")
    return (all_tests - one) / (plain - empty) - 1


def _seconds(folder: Path, module: str, *options: str) -> float:
    """A whole run, without the other plugins of this environment."""
    others = ("randomly", "xdist", "hypothesispytest", "faker", "timeout", "anyio", "cacheprovider")
    command = [sys.executable, "-m", "pytest", "-q", f"test_{module}.py", *options]
    command += [part for other in others for part in ("-p", f"no:{other}")]
    started = time.perf_counter()
    subprocess.run(
        command, cwd=folder, check=True, capture_output=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    )
    return time.perf_counter() - started
