"""What a test made on a shared deployment, and how it goes again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from convex_mastra_emulator import Deployment, FunctionError
from pytest_mastra_convex.isolation.paths import MastraPaths

# An id costs one query of the 4,096 a function may make, of a background task two (convex-engine.md §6).
_IDS_AT_ONCE = 1000
# A native vector has up to 4,096 numbers of eight bytes, and a function reads 16 MiB (convex-engine.md §6).
_VECTORS_AT_ONCE = 250
# Rows that one call clears (mastra-adapter.md §2).
_CLEARED_AT_ONCE = 25
# Mastra's own cache client gives up after as many (mastra-adapter.md §12).
_REPETITIONS_MAX = 1000

Ids = dict[str, None]
"""A set that keeps its order."""
Key = TypeVar("Key")
Content = TypeVar("Content")


class CleanUpFailed(Exception):
    """A deployment refuses to delete what a test made."""


@dataclass(frozen=True, slots=True)
class NativeTable:
    """Vectors in a table with a vector index of its own."""

    config: dict[str, Any]
    ids: Ids = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Made:
    """Names of everything that was made, with the prefix; added before the request that makes it is sent.

    Attributes:
        rows: ids by typed table, which is shared.
        own_tables: ids by vector or fallback table, which is the test's alone.
        cache_prefixes: what the keys in the cache begin with.
        native: native vectors by table and by how it is asked for ids.
    """

    rows: dict[str, Ids] = field(default_factory=dict)
    own_tables: dict[str, Ids] = field(default_factory=dict)
    cache_prefixes: Ids = field(default_factory=dict)
    native: dict[tuple[str, str, str], NativeTable] = field(default_factory=dict)

    def add_rows(self, table: str, ids: Iterable[Any]) -> None:
        """Remembers rows of a typed table."""
        self.rows.setdefault(table, {}).update(_texts(ids))

    def add_own_table(self, table: str, ids: Iterable[Any]) -> None:
        """Remembers a vector or fallback table and rows of it."""
        self.own_tables.setdefault(table, {}).update(_texts(ids))

    def add_native(self, key: tuple[str, str, str], config: dict[str, Any], ids: Iterable[Any]) -> Ids:
        """Remembers native vectors and tells which of them are new."""
        known = self.native.setdefault(key, NativeTable(config)).ids
        added = {record_id: None for record_id in _texts(ids) if record_id not in known}
        known.update(added)
        return added

    def forget_native(self, key: tuple[str, str, str], ids: Ids) -> None:
        """Forgets native vectors that were not made after all."""
        known = self.native[key].ids
        for record_id in ids:
            del known[record_id]
        if not known:
            del self.native[key]

    def delete(self, deployment: Deployment, paths: MastraPaths) -> list[Exception]:
        """Deletes it all; what could not be deleted stays remembered, and the failures are answered."""
        failures: list[Exception] = []

        def rows(table: str, ids: Ids) -> None:
            request = {"op": "deleteMany", "tableName": table}
            _in_portions(
                list(ids), _IDS_AT_ONCE, lambda some: _send(deployment, paths.storage, {**request, "ids": some})
            )

        def own_table(table: str, ids: Ids) -> None:
            if len(ids) > _CLEARED_AT_ONCE:
                rows(table, ids)
            # Whatever has no text for an id, and all of a small table in one call.
            _repeat(deployment, paths.storage, {"op": "clearTable", "tableName": table})

        def cache(prefix: str, _: None) -> None:
            _repeat(deployment, paths.cache, {"op": "clear", "keyPrefix": prefix})

        def native(_: tuple[str, str, str], table: NativeTable) -> None:
            def send(some: list[str]) -> None:
                request = {"op": "deleteByIds", "config": table.config, "ids": some}
                _send(deployment, paths.native_write, request)

            _in_portions(list(table.ids), _VECTORS_AT_ONCE, send)

        _work_off(self.rows, rows, failures)
        _work_off(self.own_tables, own_table, failures)
        _work_off(self.cache_prefixes, cache, failures)
        _work_off(self.native, native, failures)
        return failures


def _texts(ids: Iterable[Any]) -> Ids:
    return dict.fromkeys(item for item in ids if isinstance(item, str))


def _work_off(made: dict[Key, Content], work: Callable[[Key, Content], None], failures: list[Exception]) -> None:
    """One failure must not keep the rest from going."""
    for key, content in list(made.items()):
        try:
            work(key, content)
        except Exception as error:
            failures.append(error)
        else:
            del made[key]


def _in_portions(ids: list[str], size: int, send: Callable[[list[str]], object]) -> None:
    """Sends ids some at a time, and fewer of them where a deployment says that they are too many."""
    for start in range(0, len(ids), size):
        portion = ids[start : start + size]
        try:
            send(portion)
        except (FunctionError, CleanUpFailed):
            if len(portion) == 1:
                raise
            _in_portions(portion, -(-len(portion) // 2), send)


def _send(deployment: Deployment, path: str, request: dict[str, Any]) -> dict[str, Any]:
    answer = deployment.mutation(path, request)
    if not isinstance(answer, dict) or answer.get("ok") is not True:
        raise CleanUpFailed(f"{path} {request['op']}: {answer!r}")
    return answer


def _repeat(deployment: Deployment, path: str, request: dict[str, Any]) -> None:
    for _ in range(_REPETITIONS_MAX):
        if not _send(deployment, path, request).get("hasMore"):
            return
    raise CleanUpFailed(f"{path} {request['op']}: more is left after {_REPETITIONS_MAX} calls")
