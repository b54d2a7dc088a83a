"""Entries of the deployment's log as JSON, as ``npx convex logs`` and dashboards read them.

convex-backend crates/common/src/log_streaming.rs ``FunctionExecutionJson`` and ``UsageStatsJson``,
crates/common/src/log_lines.rs ``LogLineJson``, crates/common/src/identity.rs ``InertIdentity::tag``,
crates/local_backend/src/logs.rs ``execution_to_json`` (convex-wire.md §5.2, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from convex_mastra_emulator.runtime.function_log import Entry, Line, Run
from convex_mastra_emulator.runtime.identity import Identity
from convex_mastra_emulator.runtime.logs import TRUNCATED
from convex_mastra_emulator.runtime.paths import FunctionPath

_SECOND_NS = 1_000_000_000
_MILLISECOND_NS = 1_000_000
# crates/common/src/knobs.rs ISOLATE_MAX_USER_HEAP_SIZE, which a deployment counts for every run outside of Node.
_MEMORY_MB = 64


def entry_json(entry: Entry, line_size_max: int, *, is_structured: bool) -> dict[str, Any]:
    """One entry.

    Args:
        entry: a run that has ended and been named, or a line of one.
        line_size_max: bytes of a line, beyond which it was cut.
        is_structured: whether lines are objects instead of texts.
    """
    if isinstance(entry, Line):
        lines = _lines([entry.text], entry.logged_ns, line_size_max, is_structured=is_structured)
        return {
            "kind": "Progress",
            **_source(entry.run),
            "timestamp": entry.run.began_ns / _SECOND_NS,
            "logLines": lines,
            **_ids(entry.run),
        }
    own_lines = () if entry.streams_lines else entry.log_lines
    return {
        "kind": "Completion",
        **_source(entry),
        "logLines": _lines(own_lines, entry.began_ns, line_size_max, is_structured=is_structured),
        "timestamp": entry.ended_ns / _SECOND_NS,
        "cachedResult": False,  # there is no cache of results
        "caller": entry.caller,
        "parentExecutionId": None if entry.parent is None else entry.parent.id,
        "executionTime": entry.duration_ns / _SECOND_NS,
        "userExecutionTime": None,
        "success": None if entry.status is None else {"status": str(entry.status)},
        "error": entry.error,
        **_ids(entry),
        "usageStats": _usage(entry),
        "returnBytes": None if entry.return_size is None else float(entry.return_size),
        "occInfo": None,
        "willRetry": False,
        "executionTimestamp": entry.began_ns / _SECOND_NS,
        "identityType": _identity_type(entry.identity),
        "environment": entry.environment,
    }


def _source(run: Run) -> dict[str, Any]:
    name = run.name.stripped if isinstance(run.name, FunctionPath) else run.name
    return {"udfType": run.kind, "componentPath": None, "identifier": name}


def _ids(run: Run) -> dict[str, Any]:
    return {"requestId": run.request.id, "executionId": run.id}


def _lines(lines: Iterable[str], logged_ns: int, size_max: int, *, is_structured: bool) -> list[Any]:
    if not is_structured:
        return list(lines)
    return [_structured(line, logged_ns // _MILLISECOND_NS, size_max) for line in lines]


def _structured(line: str, timestamp_ms: int, size_max: int) -> dict[str, Any]:
    level, _, text = line.removeprefix("[").partition("] ")
    is_cut = text.endswith(TRUNCATED) and len(text.encode()) > size_max
    return {
        # A deployment keeps the values of a line apart; all its readers join them by a space.
        "messages": [text.removesuffix(TRUNCATED) if is_cut else text],
        "isTruncated": is_cut,
        "timestamp": timestamp_ms,
        "level": level,
        "systemMetadata": None,
    }


def _usage(run: Run) -> dict[str, int]:
    # What is 0 is not measured here.
    return {
        "databaseReadBytes": run.usage.read_size,
        "databaseWriteBytes": run.usage.written_size,
        "databaseIoReadBytes": 0,
        "databaseIoWriteBytes": 0,
        "databaseReadDocuments": run.usage.documents_read,
        "databaseWriteDocuments": run.usage.documents_written,
        "storageReadBytes": 0,
        "storageWriteBytes": 0,
        "vectorIndexReadBytes": 0,
        "vectorIndexWriteBytes": 0,
        "textIndexQueryBytes": 0,
        "textIndexWriteQueryBytes": 0,
        "vectorIndexReadQueryBytes": 0,
        "vectorIndexWriteQueryBytes": 0,
        "networkEgressBytes": 0,
        "memoryUsedMb": _MEMORY_MB if run.environment == "isolate" else 0,
    }


def _identity_type(identity: Identity) -> str:
    if identity.is_admin:
        return "instance_admin" if identity.user is None else "member_acting_user"
    return "unknown" if identity.user is None else "user"
