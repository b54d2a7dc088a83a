"""A server under load, and what of it can be measured: `python -m tests.server.load` (`make load`).

REQUESTS (default 100,000) go from CLIENTS (16) in two processes to a served emulator in a third.  In the end every
counter is what its clients know of it, and the server has no more memory, threads and open files than before.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convex_mastra_emulator import connect
from convex_mastra_emulator.server import ServedProcess

FUNCTIONS = "tests.server.load_functions:FUNCTIONS"
PROCESSES = 2
SETTLE_SECONDS_MAX = 30
MEMORY_GROWTH_MAX = 48 << 20
# How often the server itself fails, beside what its clients do to it.
SERVER_FAULTS: Mapping[str, float] = {
    "write_conflict": 0.05,
    "overloaded": 0.01,
    "rate_limited": 0.01,
    "answer_lost": 0.01,
    "malformed_json": 0.01,
    "connection_cut": 0.01,
}


@dataclass(frozen=True, slots=True)
class Resources:
    """What a process has."""

    memory: int
    threads: int
    files: int

    @classmethod
    def of(cls, pid: int) -> "Resources":
        shown = Path("/proc") / str(pid)
        lines = dict(line.split(":", 1) for line in (shown / "status").read_text().splitlines())
        files = len(list((shown / "fd").iterdir()))
        return cls(int(lines["VmRSS"].split()[0]) << 10, int(lines["Threads"]), files)

    def __str__(self) -> str:
        return f"{self.memory / (1 << 20):.1f} MiB, {self.threads} threads, {self.files} files"


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What came of it.

    Attributes:
        seconds: how long it took.
        outcomes: how often what happened.
        problems: what must not be.
        before: what the server had after a tenth of the requests.
        after: what it had in the end, all its clients gone.
    """

    seconds: float
    outcomes: Mapping[str, int]
    problems: list[str]
    before: Resources
    after: Resources


def switch_faults_on(served: ServedProcess) -> None:
    """Makes the server itself fail now and then."""
    for path in ("counters:up", "counters:act"):
        for error, probability in SERVER_FAULTS.items():
            served.fail(path, error, probability=probability)


def run_load(requests: int, clients: int = 16) -> LoadReport:
    """Runs the load and holds the counters against what the clients know."""
    with ServedProcess(functions=FUNCTIONS) as served:
        switch_faults_on(served)
        tallies = _round(served, requests // 10, clients, first=0)
        before = _settled(served.pid, None)
        started = time.perf_counter()
        tallies += _round(served, requests - requests // 10, clients, first=1_000)
        seconds = time.perf_counter() - started
        after = _settled(served.pid, before)
        with connect(served.url, served.admin_key, timeout_seconds=60) as deployment:
            counters = deployment.query("counters:all")
    problems = [problem for tally in tallies for problem in tally["problems"]]
    problems += _wrong_counters(counters, tallies) + _leaks(before, after)
    outcomes = sum((Counter(tally["outcomes"]) for tally in tallies), Counter())
    return LoadReport(seconds, outcomes, problems, before, after)


def _round(served: ServedProcess, requests: int, clients: int, *, first: int) -> list[dict[str, Any]]:
    """One run of all clients, which are those from ``first`` on."""
    share = clients // PROCESSES
    processes = []
    for number in range(PROCESSES):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.server.load_client"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        told = {
            "url": served.url,
            "key": served.admin_key,
            "first": first + number * share,
            "clients": share,
            "requests": requests // PROCESSES,
        }
        assert process.stdin is not None
        process.stdin.write(json.dumps(told) + "\n")
        process.stdin.flush()
        processes.append(process)
    outputs = [process.communicate()[0] for process in processes]
    return [json.loads(output) for output in outputs]


def _settled(pid: int, wanted: Resources | None) -> Resources:
    """What the server has once its clients are gone; idle threads of its pool stay a while, and may."""
    ends = time.monotonic() + (SETTLE_SECONDS_MAX if wanted is not None else 1)
    while True:
        now = Resources.of(pid)
        if time.monotonic() > ends or (wanted is not None and not _leaks(wanted, now)):
            return now
        time.sleep(0.1)


def _wrong_counters(counters: Mapping[str, float], tallies: list[dict[str, Any]]) -> list[str]:
    def total(name: str) -> Counter[str]:
        return sum((Counter(tally[name]) for tally in tallies), Counter())

    answered, unanswered, exact = total("answered"), total("unanswered"), total("exact")
    problems = []
    for name in {*answered, *unanswered, *exact, *counters}:
        least = answered[name] + exact[name]
        if not least <= counters.get(name, 0) <= least + unanswered[name]:
            problems.append(f"{name} is {counters.get(name, 0):g}, not {least} to {least + unanswered[name]}")
    return problems


def _leaks(before: Resources, after: Resources) -> list[str]:
    problems = []
    if after.memory > before.memory + MEMORY_GROWTH_MAX:
        problems.append(f"memory grew from {before} to {after}")
    # The pool for what may wait has up to forty threads, which come as they are needed.
    if after.threads > max(before.threads, 60):
        problems.append(f"threads grew from {before} to {after}")
    if after.files > before.files + 2:
        problems.append(f"open files grew from {before} to {after}")
    return problems


def main() -> int:
    """Runs the whole and tells what came of it."""
    requests = int(os.environ.get("REQUESTS", "100000"))
    report = run_load(requests, int(os.environ.get("CLIENTS", "16")))
    for outcome, count in sorted(report.outcomes.items()):
        print(f"{count:>9,}  {outcome}")
    print(f"{requests:,} requests, the last nine tenths in {report.seconds:.1f} s", end=", ")
    print(f"{requests * 0.9 / report.seconds:,.0f} per second")
    print(f"server after a tenth: {report.before}; in the end: {report.after}")
    print("\n".join(report.problems) or "no problems")
    return int(bool(report.problems))


if __name__ == "__main__":
    sys.exit(main())
