"""What ``convex-mastra-emulator demo`` does, step by step, with the requests `@mastra/convex` would send."""

from __future__ import annotations

import json
import time
from importlib.resources import files
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from convex_mastra_emulator.demo.documents import SourceDocument, project_documents
from convex_mastra_emulator.demo.embedding import DIMENSIONS, chunks_of, embed
from convex_mastra_emulator.emulator import Emulator
from convex_mastra_emulator.errors import FunctionError
from convex_mastra_emulator.mastra import define_native_vector_table, mastra_tables
from convex_mastra_emulator.schema import define_schema, v

_STORAGE = "mastra/storage:handle"
_TABLE = "demo_documents"
_CONFIG = {"tableName": _TABLE, "vectorIndexName": "by_embedding", "filterFields": ["kind"]}
_QUESTION = "How do cursors keep a page bound to its query?"
_BATCH = 25


class _Demo:
    """An emulator, and what its calls have used so far."""

    def __init__(self) -> None:
        tables = {
            **mastra_tables(),
            _TABLE: define_native_vector_table(dimensions=DIMENSIONS, filter_fields={"kind": v.optional(v.string())}),
        }
        self.emulator = Emulator(define_schema(tables), seed=1)
        self.calls = 0
        self.documents_read = 0
        self.read_size = 0
        self.documents_written = 0
        self.written_size = 0

    def _count(self) -> None:
        usage = self.emulator.usage
        self.calls += 1
        self.documents_read += usage.documents_read
        self.read_size += usage.read_size
        self.documents_written += usage.documents_written
        self.written_size += usage.written_size

    def storage(self, **request: Any) -> Any:
        try:
            return self.emulator.mutation(_STORAGE, request).get("result")
        finally:
            self._count()

    def native(self, kind: str, path: str, **args: Any) -> Any:
        call = {"mutation": self.emulator.mutation, "action": self.emulator.action, "query": self.emulator.query}[kind]
        try:
            return call(f"mastra/nativeVector:{path}", {"config": _CONFIG, **args})
        finally:
            self._count()


def run_demo(console: Console | None = None) -> None:
    """Runs the demonstration and prints it."""
    console = console or Console()
    started = time.perf_counter()
    demo = _Demo()
    _conversation(demo, console)
    _documents(demo, console)
    _search(demo, console)
    _refusal(demo, console)
    _totals(demo, console, time.perf_counter() - started)


def _conversation(demo: _Demo, console: Console) -> None:
    script = json.loads(files("convex_mastra_emulator.demo").joinpath("conversation.json").read_text("utf-8"))
    thread, now = script["thread"], "2026-11-21T09:00:00.000Z"
    demo.storage(
        op="insert", tableName="mastra_threads", record={**thread, "metadata": {}, "createdAt": now, "updatedAt": now}
    )
    demo.storage(
        op="updateResource",
        tableName="mastra_resources",
        resourceId=thread["resourceId"],
        workingMemory=script["working_memory"],
        createdAt=now,
        updatedAt=now,
    )
    records = [_message(thread, number, message) for number, message in enumerate(script["messages"])]
    demo.storage(op="batchInsert", tableName="mastra_messages", records=records)
    rows = demo.storage(
        op="queryTable", tableName="mastra_messages", filters=[{"field": "thread_id", "value": thread["id"]}]
    )
    table = Table(title=f"Thread {thread['id']}, read back from mastra_messages", title_justify="left")
    table.add_column("at")
    table.add_column("who")
    table.add_column("says")
    for row in rows:
        text = json.loads(row["content"])["parts"][0]["text"]
        table.add_row(row["createdAt"][11:16], row["role"], text)
    console.print(table)
    memory = demo.storage(op="load", tableName="mastra_resources", keys={"id": thread["resourceId"]})
    console.print(f"Working memory of {thread['resourceId']}:\n{memory['workingMemory']}")


def _message(thread: dict[str, Any], number: int, message: dict[str, str]) -> dict[str, Any]:
    content = {"format": 2, "parts": [{"type": "text", "text": message["text"]}]}
    return {
        "id": f"{thread['id']}-{number}",
        "thread_id": thread["id"],
        "resourceId": thread["resourceId"],
        "role": message["role"],
        "type": "v2",
        "content": json.dumps(content),
        "createdAt": f"2026-11-21T09:{number:02d}:00.000Z",
    }


def _documents(demo: _Demo, console: Console) -> None:
    documents = project_documents()
    pieces = [(document, chunk) for document in documents for chunk in chunks_of(document.text)]
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("Embedding and storing the project's documents", total=len(pieces))
        for start in range(0, len(pieces), _BATCH):
            batch = pieces[start : start + _BATCH]
            demo.native(
                "mutation",
                "write",
                op="upsert",
                ids=[f"chunk-{start + offset}" for offset in range(len(batch))],
                vectors=[embed(chunk) for _, chunk in batch],
                metadata=[_metadata(document, chunk) for document, chunk in batch],
            )
            progress.advance(task, len(batch))
    console.print(f"Stored {len(pieces)} chunks of {len(documents)} documents as vectors of {DIMENSIONS} dimensions.\n")


def _metadata(document: SourceDocument, chunk: str) -> dict[str, str]:
    return {"source": document.name, "kind": document.kind, "text": chunk}


def _search(demo: _Demo, console: Console) -> None:
    for title, arguments in (
        ("no filter", {}),
        ("filter kind = readme", {"filter": {"field": "kind", "value": "readme"}}),
    ):
        found = demo.native("action", "query", vector=embed(_QUESTION), limit=3, **arguments)
        rows = demo.native("query", "read", op="getByConvexIds", ids=[hit["id"] for hit in found])
        by_id = {row["_id"]: row["metadata"] for row in rows}
        table = Table(title=f'Nearest to "{_QUESTION}", {title}', title_justify="left")
        table.add_column("score", justify="right")
        table.add_column("source")
        table.add_column("begins with")
        for hit in found:
            metadata = by_id[hit["id"]]
            table.add_row(f"{hit['score']:.3f}", metadata["source"], metadata["text"].splitlines()[0][:70])
        console.print(table)


def _refusal(demo: _Demo, console: Console) -> None:
    record = {
        "id": "too-large",
        "thread_id": "support-2026-11-21",
        "resourceId": "customer-ada",
        "role": "user",
        "type": "v2",
        "content": "x" * (1 << 20),
        "createdAt": "2026-11-21T10:00:00.000Z",
    }
    console.print("\nA message of more than 1 MiB is refused as production refuses it:")
    try:
        demo.storage(op="insert", tableName="mastra_messages", record=record)
    except FunctionError as error:
        console.print(f"  {error.message}", style="red")
    kept = demo.storage(op="load", tableName="mastra_messages", keys={"id": "too-large"})
    console.print(f"  and nothing of it was kept: load gives {kept}\n")


def _totals(demo: _Demo, console: Console, seconds: float) -> None:
    table = Table(title="What this took", title_justify="left")
    table.add_column("calls", justify="right")
    table.add_column("documents read", justify="right")
    table.add_column("bytes read", justify="right")
    table.add_column("documents written", justify="right")
    table.add_column("bytes written", justify="right")
    table.add_column("time", justify="right")
    table.add_row(
        f"{demo.calls}",
        f"{demo.documents_read:,}",
        f"{demo.read_size:,}",
        f"{demo.documents_written:,}",
        f"{demo.written_size:,}",
        f"{seconds * 1000:.0f} ms",
    )
    console.print(table)
    counts = ", ".join(f"{name} {count}" for name, count in demo.emulator.table_counts().items())
    console.print(f"Tables: {counts}")
