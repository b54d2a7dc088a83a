"""Processes killed while they write: what was answered is there, nothing is half there, one thing more at most."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from convex_mastra_emulator import Emulator
from tests.runtime.crash_server import CHECKPOINTS, opened

ROOT = Path(__file__).parents[2]
CHUNKS, KILLS_PER_CHUNK, KILLS_PER_FILE = 8, 25, 5
WAIT_SECONDS_MAX = 30


class Answered:
    """What the children have reported of one file."""

    def __init__(self) -> None:
        self.numbers = {"mutation": 0, "env": 0, "job": 0}

    def note(self, line: str) -> bool:
        """Takes a report; False for other lines."""
        what, _, number = line.partition(" ")
        if what not in self.numbers:
            return False
        self.numbers[what] = int(number)
        return True


class CrashServer:
    """The process that forks children."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the crash server has ended"
        return line.strip()

    def kill_one(self, path: Path, answered: Answered, *, reports: int, delay_seconds: float) -> None:
        """Starts a child, and kills it some time after it has said so many lines; with 0 it may be opening the file."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        child: int | None = None
        while child is None or reports > 0:
            line = self._line()
            assert line != "ended", "the child has failed"
            if line.startswith("child "):
                child = int(line.removeprefix("child "))
            else:
                assert line == "ready" or answered.note(line), line
                reports -= 1
        # Any moment of a write, of the disk's work for it and of the next call may be hit.
        time.sleep(delay_seconds)
        os.kill(child, signal.SIGKILL)
        while (line := self._line()) != "ended":
            assert line == "ready" or answered.note(line), line


@contextmanager
def crash_server() -> Iterator[CrashServer]:
    command = [sys.executable, "-m", "tests.runtime.crash_server"]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield CrashServer(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(WAIT_SECONDS_MAX)


def numbers(emulator: Emulator, table: str) -> list[int]:
    def body(ctx: Any) -> list[int]:
        return [int(row["n"]) for row in ctx.db.query(table).collect()]

    return list(emulator.run(body))


def check(path: Path, answered: Answered) -> None:
    """Opens what a killed child has left."""
    with opened(str(path)) as emulator:
        count = (numbers(emulator, "counters") or [0])[0]
        assert answered.numbers["mutation"] <= count <= answered.numbers["mutation"] + 1
        everything = list(range(1, count + 1))
        assert numbers(emulator, "shadows") == everything
        assert numbers(emulator, "entries") == everything[max(0, count - CHECKPOINTS) :]
        jobs = emulator.scheduler.all()
        assert [int(job.arguments["n"]) for job in jobs] == everything
        assert {job.state for job in jobs} <= {"pending", "success"}
        done = sorted(numbers(emulator, "done"))
        assert done == [int(job.arguments["n"]) for job in jobs if job.state == "success"]
        assert answered.numbers["job"] <= len(done)
        variables = dict(emulator.env)
        assert variables.get("A") == variables.get("B")
        # One thing more at most: the variables of the last mutation, if it was answered and they were not.
        in_flight = answered.numbers["mutation"] if count == answered.numbers["mutation"] else answered.numbers["env"]
        assert int(variables.get("A", "0")) in (answered.numbers["env"], in_flight)
        # What turned out to be there counts from now on as answered.
        answered.numbers = {"mutation": count, "env": int(variables.get("A", "0")), "job": len(done)}


# 200 kills in all. A test of one's own data that was lost once would not be trusted again.
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_nothing_answered_is_lost_and_nothing_is_half_there(tmp_path: Path, chunk: int) -> None:
    chance = random.Random(chunk)
    with crash_server() as server:
        for number in range(KILLS_PER_CHUNK):
            if number % KILLS_PER_FILE == 0:
                path, answered = tmp_path / f"data{number}.db", Answered()
            server.kill_one(path, answered, reports=chance.randrange(8), delay_seconds=chance.uniform(0, 0.012))
            check(path, answered)
