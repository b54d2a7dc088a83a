"""Data in and out of a deployment: exports, and imports of them, of single tables and of folders."""

from __future__ import annotations

from os import PathLike
from typing import Unpack

from convex_mastra_emulator.data.export_zip import write_export
from convex_mastra_emulator.data.files import FileOrPath, TableFormat, read_files, read_table, read_zip
from convex_mastra_emulator.data.rows import Progress
from convex_mastra_emulator.data.table_import import ImportOptions, ImportResult, import_tables
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.runtime.executor import Executor
from convex_mastra_emulator.runtime.snapshot import take_snapshot
from convex_mastra_emulator.schema import Schema


class DataOperations:
    """What an emulator does with files of data."""

    limits: Limits
    _executor: Executor

    @property
    def schema(self) -> Schema:
        """The tables the deployment knows from the start."""
        return self._executor.store.schema

    def export_zip(
        self, target: FileOrPath, *, include_storage: bool = False, progress: Progress | None = None
    ) -> None:
        """Writes the ZIP of ``npx convex export``: to a path, or into a file opened for bytes.

        Args:
            target: where it is written.
            include_storage: whether the stored files are in it, as with ``--include-file-storage``.
            progress: told how many documents are written, and of how many.
        """
        write_export(take_snapshot(self._executor).state, target, progress, include_storage=include_storage)

    def import_zip(self, source: FileOrPath, **options: Unpack[ImportOptions]) -> ImportResult:
        """Reads the ZIP of ``npx convex export``; tables, numbers, ids, creation times, stored files, URLs are kept.

        Options: :class:`~convex_mastra_emulator.data.ImportOptions`.

        Raises:
            ImportRefused: when nothing was imported, naming what is wrong.
            NotEmulated: for components.
        """
        return import_tables(self._executor, read_zip(source), **options)

    def import_table(
        self, table: str, source: FileOrPath, *, format: TableFormat | None = None, **options: Unpack[ImportOptions]
    ) -> ImportResult:
        """Reads one table, as :meth:`import_zip`; JSON lines, a JSON array or CSV, by the file's name if not said."""
        read = read_table(table, source, format, self.schema, self.limits)
        return import_tables(self._executor, read, **options)

    def import_files(self, path: str | PathLike[str], **options: Unpack[ImportOptions]) -> ImportResult:
        """Reads a ZIP, the file of a table, or a folder of such files or of an unpacked ZIP, as :meth:`import_zip`."""
        return import_tables(self._executor, read_files(path, self.schema, self.limits), **options)
