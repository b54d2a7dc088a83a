"""What a store of Mastra's in Python costs beside the functions it calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from benchmarks.measure import Peer, Result, paired_ratio
from convex_mastra_emulator import Emulator
from convex_mastra_emulator.stores import ConvexServerCache, ConvexStore, ConvexVector, Message, Thread

_NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Recorder:
    """A deployment that notes the calls it passes on."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self.calls: list[tuple[Callable[..., Any], str, Any]] = []

    def query(self, path: str, args: Any = None) -> Any:
        """Passes on."""
        return self._call(self._emulator.query, path, args)

    def mutation(self, path: str, args: Any = None) -> Any:
        """Passes on."""
        return self._call(self._emulator.mutation, path, args)

    def action(self, path: str, args: Any = None) -> Any:
        """Passes on."""
        return self._call(self._emulator.action, path, args)

    def _call(self, kind: Callable[..., Any], path: str, args: Any) -> Any:
        self.calls.append((kind, path, args))
        return kind(path, args)


Work = Callable[[Any], Callable[[], object]]
"""Takes a deployment, gives the call of a store on it."""


def _read_thread(deployment: Any) -> Callable[[], object]:
    memory = ConvexStore(deployment).memory
    return lambda: memory.get_thread_by_id(thread_id="t1")


def _save_thread(deployment: Any) -> Callable[[], object]:
    memory = ConvexStore(deployment).memory
    thread = Thread(id="t1", resource_id="r1", title="A title", metadata={}, created_at=_NOON, updated_at=_NOON)
    return lambda: memory.save_thread(thread=thread)


def _list_messages(deployment: Any) -> Callable[[], object]:
    memory = ConvexStore(deployment).memory
    return lambda: memory.list_messages(thread_id="t1")


def _load_snapshot(deployment: Any) -> Callable[[], object]:
    workflows = ConvexStore(deployment).workflows
    return lambda: workflows.load_workflow_snapshot(workflow_name="w", run_id="1")


def _read_cache(deployment: Any) -> Callable[[], object]:
    cache = ConvexServerCache(deployment)
    return lambda: cache.get("key")


def _vector_query(deployment: Any) -> Callable[[], object]:
    vectors = ConvexVector(deployment)
    return lambda: vectors.query("docs", query_vector=[1.0] * 64, top_k=5)


_WORK: dict[str, Work] = {
    "get_thread_by_id": _read_thread,
    "save_thread": _save_thread,
    "list_messages of 20": _list_messages,
    "load_workflow_snapshot": _load_snapshot,
    "cache.get": _read_cache,
    "ConvexVector.query of 20 rows": _vector_query,
}


def _filled() -> Emulator:
    emulator = Emulator()
    store = ConvexStore(emulator)
    _save_thread(emulator)()
    store.memory.save_messages(messages=[_message(number) for number in range(20)])
    snapshot = {"status": "running", "context": {"steps": [{"n": n} for n in range(10)]}}
    store.workflows.persist_workflow_snapshot(workflow_name="w", run_id="1", snapshot=snapshot)
    ConvexServerCache(emulator).set("key", {"text": "hello"})
    vectors = ConvexVector(emulator)
    vectors.create_index("docs", dimension=64)
    vectors.upsert("docs", vectors=[[float(n)] * 64 for n in range(20)], ids=[str(n) for n in range(20)])
    return emulator


def _message(number: int) -> Message:
    content = {"format": 2, "parts": [{"type": "text", "text": "hello there"}]}
    return Message(
        id=f"m{number}", thread_id="t1", resource_id="r1", role="user", type="v2", content=content, created_at=_NOON
    )


def _raw(emulator: Emulator, work: Work) -> Callable[[], None]:
    recorder = Recorder(emulator)
    work(recorder)()
    calls = list(recorder.calls)

    def replay() -> None:
        for kind, path, args in calls:
            kind(path, args)

    return replay


def results(peer: Peer) -> Iterator[Result]:
    """Measures and compares."""
    emulator = _filled()
    for name, work in _WORK.items():
        ratio = paired_ratio(work(emulator), _raw(emulator, work))
        yield Result(goal="", claim=f"{name} in process / the function calls it makes", measured=ratio, at_most=3)
