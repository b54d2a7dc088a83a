"""G16: functions in TypeScript, beside a bare pipe to Node, `node -e 0`, and Mastra's functions on convex-test."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path

from benchmarks.data import UNLIMITED, record, with_messages
from benchmarks.measure import Peer, Result, median_us
from convex_mastra_emulator import Emulator
from convex_mastra_emulator.runtime.node import pipes
from convex_mastra_emulator.runtime.node.binary import node_binary
from pytest_mastra_convex.node_project import ensure_npm_project

_CALLS = 200
_STARTS = 11
_FRAME = b"x" * 80  # about a syscall's
_FUNCTIONS = """
import { mutationGeneric as mutation, queryGeneric as query } from "convex/server";
export const none = mutation(async (ctx, { id, times }: any) => {});
export const reads = mutation(async (ctx, { id, times }: any) => {
  for (let n = 0; n < times; n += 1) await ctx.db.get(id);
});
export const collected = query(async (ctx) => (await ctx.db.query("notes").take(100)).length);
"""


def results(peer: Peer) -> Iterator[Result]:
    """Measures and compares."""
    with tempfile.TemporaryDirectory() as temporary:
        project = Path(temporary)
        (project / "node_modules").symlink_to(ensure_npm_project(print) / "node_modules")
        yield from _calls(_written(project, "convex", {"a.ts": _FUNCTIONS}))
        yield _start()
        yield from _deploys(_fifty_modules(project))
        yield from _batch_inserts(peer, project)


def _written(project: Path, name: str, files: dict[str, str]) -> Path:
    folder = project / name
    folder.mkdir()
    for path, text in files.items():
        (folder / path).write_text(text)
    return folder


def _calls(folder: Path) -> Iterator[Result]:
    with Emulator(limits=UNLIMITED) as emulator, _echo() as echo:
        emulator.deploy(folder)
        note = emulator.run(lambda ctx: ctx.db.insert("notes", {"n": 0.0}))

        def calling(name: str) -> Callable[[], object]:
            return lambda: emulator.mutation(f"a:{name}", {"id": note, "times": float(_CALLS)})

        nothing, reads = calling("none"), calling("reads")
        ratios = []
        for _ in range(15):
            per_call = (_seconds(reads) - _seconds(nothing)) / _CALLS
            ratios.append(per_call / (_seconds(lambda: [echo() for _ in range(_CALLS)]) / _CALLS))
        ratio = statistics.median(ratios)
        yield Result(goal="G16", claim="a call of the database / a bare pipe echo", measured=ratio, at_most=3)
        yield Result(goal="G16", claim="round trips of 100 documents", measured=_round_trips(emulator), at_most=1)


def _round_trips(emulator: Emulator) -> int:
    emulator.run(lambda ctx: [ctx.db.insert("notes", {"n": 1.0}) for _ in range(100)])
    syscalls = 0
    receive = pipes.NodeProcess.receive

    def counted(process: pipes.NodeProcess, seconds: float | None) -> tuple[int, str]:
        nonlocal syscalls
        frame = receive(process, seconds)
        syscalls += frame[0] == pipes.SYSCALL
        return frame

    pipes.NodeProcess.receive = counted  # type: ignore[method-assign, assignment]
    try:
        emulator.query("a:collected")
    finally:
        pipes.NodeProcess.receive = receive  # type: ignore[method-assign]
    return syscalls


@contextmanager
def _echo() -> Iterator[Callable[[], object]]:
    to_read, write = os.pipe()
    read, to_write = os.pipe()
    script = Path(__file__).with_name("echo.mjs")
    process = subprocess.Popen([node_binary(), script, str(to_read), str(to_write)], pass_fds=(to_read, to_write))

    def echo() -> None:
        os.write(write, _FRAME)
        os.read(read, len(_FRAME))

    echo()
    try:
        yield echo
    finally:
        os.close(write)
        process.wait(10)
        for pipe in (to_read, read, to_write):
            os.close(pipe)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _start() -> Result:
    script = Path(pipes.__file__).with_name("transactions.mjs")

    def worker() -> None:
        process = pipes.NodeProcess(node_binary(), script, heap_mib_max=64)
        process.send(pipes.LOAD, '{"folder": "", "root": "", "paths": [], "env": {}}')
        process.receive(30)
        process.close()

    def bare() -> None:
        subprocess.run([node_binary(), "-e", "0"], check=True)

    ratio = statistics.median(_seconds(worker) / _seconds(bare) for _ in range(_STARTS))
    return Result(goal="G16", claim="the start of a worker / `node -e 0`", measured=ratio, at_most=1.5)


def _fifty_modules(project: Path) -> Path:
    tables = "".join(f't{n}: defineTable(v.any()).index("by_n", ["n"]),' for n in range(50))
    schema = 'import { defineSchema, defineTable } from "convex/server";\nimport { v } from "convex/values";\n'
    modules = {f"m{n}.ts": _FUNCTIONS.replace("notes", f"t{n}") for n in range(50)}
    return _written(project, "fifty", {**modules, "schema.ts": f"{schema}export default defineSchema({{{tables}}});"})


def _deploys(folder: Path) -> Iterator[Result]:
    with Emulator() as emulator:
        emulator.deploy(folder)

        def changed(number: int) -> float:
            (folder / "m1.ts").write_text(f"{_FUNCTIONS}\n// {number}")
            return _seconds(lambda: emulator.deploy(folder))

        seconds = statistics.median(changed(number) for number in range(5))
        yield Result(
            goal="G16", claim="a deploy of 50 modules, one of them changed, seconds", measured=seconds, at_most=1
        )
        again = statistics.median(_seconds(lambda: emulator.deploy(folder)) for _ in range(5))
        yield Result(goal="G16", claim="the same with none changed, seconds", measured=again, at_most=0.2)


def _batch_inserts(peer: Peer, project: Path) -> Iterator[Result]:
    source = ensure_npm_project(print)
    folder = project / "mastra_functions"
    shutil.copytree(source / "mastra", folder / "mastra")
    shutil.copy(source / "schema.ts", folder)
    for rows, at_least in ((0, 0.8), (1000, 5.0)):
        with with_messages(rows) as emulator:
            with warnings.catch_warnings(action="ignore"):
                emulator.deploy(folder)
            ours = median_us(partial(_batch, emulator, count(5_000_000)))
        theirs = peer.median_us("batch_insert", rows=rows)
        claim = f"convex-test / TypeScript here, Mastra's batchInsert of 100 messages beside {rows}"
        yield Result(goal="G16", claim=claim, measured=theirs / ours, at_least=at_least)


def _batch(emulator: Emulator, numbers: Iterator[int]) -> None:
    records = [record(next(numbers)) for _ in range(100)]
    with emulator.rollback():
        emulator.mutation(
            "mastra/storage:handle", {"op": "batchInsert", "tableName": "mastra_messages", "records": records}
        )
