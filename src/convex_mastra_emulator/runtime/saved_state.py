"""What a deployment keeps in its file of data beside documents, and how a deployment is opened from such a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from os import PathLike
from typing import TYPE_CHECKING, TypeAlias

from convex_mastra_emulator.database.stored_rows import check_documents, put_row
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.errors import DataFileRefused, EmulatorError, SchemaViolation
from convex_mastra_emulator.runtime.cron_state import read_crons, write_crons
from convex_mastra_emulator.runtime.crons import CronJob
from convex_mastra_emulator.runtime.executor import Executor
from convex_mastra_emulator.runtime.job_runner import fail_interrupted
from convex_mastra_emulator.schema.schema import Schema
from convex_mastra_emulator.values.json_text import write_json

if TYPE_CHECKING:
    from convex_mastra_emulator.database.persistence import DataFile
    from convex_mastra_emulator.runtime.node.host import TypeScriptHost

LoadProgress: TypeAlias = Callable[[int, int], None]
"""Told how many documents are loaded, and of how many."""

_CRONS, _SCHEMA, _DEPLOY = "crons", "schema", "deploy"
_DOCUMENTS_BETWEEN_REPORTS = 500


def settings_of(executor: Executor, crons: Iterable[CronJob]) -> dict[str, str]:
    """What is written beside documents; nothing for a deployment without a file."""
    return {} if executor.file is None else {_CRONS: write_crons(crons, executor.limits)}


def deploy_settings(executor: Executor, schema: Schema, typescript: TypeScriptHost | None) -> dict[str, str]:
    """What is written when a deploy takes effect; nothing for a deployment without a file."""
    if executor.file is None:
        return {}
    return {_SCHEMA: _schema_text(schema), _DEPLOY: "" if typescript is None else typescript.saved_text}


def settings_in_effect(executor: Executor) -> dict[str, str]:
    """What stands in the file, to be written again when all is undone; nothing for a deployment without one."""
    crons = settings_of(executor, executor.crons.state().values())
    return (
        {**{name: executor.file.settings.get(name, "") for name in (_SCHEMA, _DEPLOY)}, **crons}
        if executor.file
        else {}
    )


def saved_deploy(file: DataFile | None) -> tuple[Schema | None, str]:
    """The schema and the text of the deploy of TypeScript in a file; None and nothing if there is none.

    Raises:
        DataFileRefused: for a damaged schema; the file is closed.
    """
    text = "" if file is None else file.settings.get(_DEPLOY, "")
    if file is None or not text:
        return None, ""
    try:
        return Schema.from_json(json.loads(file.settings[_SCHEMA])), text
    except (EmulatorError, ValueError, LookupError, TypeError, AttributeError) as error:
        file.close()
        raise DataFileRefused(f"{file.path}: the schema of its deploy cannot be read: {error!r}") from error


def open_file(path: str | PathLike[str] | None) -> DataFile | None:
    """The file at a path; None for no path.

    Raises:
        DataFileRefused: when it cannot be opened, saying why.
    """
    if path is None:
        return None
    # Most emulators keep their data in memory and need no SQLite.
    from convex_mastra_emulator.database.persistence import DataFile

    return DataFile(path)


def begin_with_data(executor: Executor, file: DataFile | None, progress: LoadProgress | None) -> None:
    """Fills an empty deployment from its file, if it has one; from then on it writes into it.

    What fails closes the file.

    Raises:
        DataFileRefused: for a damaged file, and for documents that do not match the schema; the file stays as it is.
        DataNotWritten: when what a new schema changes cannot be written.
    """
    if file is None:
        return
    try:
        schema = _schema_text(executor.store.schema)

        def load(_: Transaction) -> None:
            _load_documents(executor, file, progress)
            if file.settings.get(_SCHEMA) != schema:
                check_documents(executor.store)

        try:
            executor.in_transaction(load, not_before_ns=file.latest_ns)
        except (DataFileRefused, SchemaViolation) as error:
            raise DataFileRefused(f"{file.path}: {error}") from error
        executor.env.tell()
        executor.crons.restore(read_crons(file.settings.get(_CRONS, "[]")))
        _begin_to_write(executor, file, schema)
    except BaseException:
        executor.file = None
        file.close()
        raise


def _schema_text(schema: Schema) -> str:
    return write_json(schema.to_json())


def _load_documents(executor: Executor, file: DataFile, progress: LoadProgress | None) -> None:
    store, count = executor.store, file.document_count
    for name, number in file.table_numbers.items():
        if name not in store.schema.tables:
            store.add_table(store.new_table(name, number))
    tables = {table.number: table for name in file.table_numbers if (table := store.table(name)) is not None}
    for done, row in enumerate(file.documents(), start=1):
        put_row(store, tables, row)
        if progress is not None and (done % _DOCUMENTS_BETWEEN_REPORTS == 0 or done == count):
            progress(done, count)


def _begin_to_write(executor: Executor, file: DataFile, schema: str) -> None:
    store = executor.store
    numbers = {name: store.table_number(name) for name in store.schema.tables}
    new_tables = {
        name: number for name, number in numbers.items() if number is not None and name not in file.table_numbers
    }
    file.write((), file.latest_ns, {_SCHEMA: schema}, new_tables)
    executor.file = file
    fail_interrupted(executor)
