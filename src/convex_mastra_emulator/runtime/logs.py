"""What functions log: ``console`` inside a function, and the lines a response carries.

convex-backend crates/common/src/log_lines.rs, crates/udf/src/warnings.rs
(convex-engine.md §10.8, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Callable

from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.usage import READ_HELP, Usage
from convex_mastra_emulator.values.javascript import inspect
from convex_mastra_emulator.values.types import Value

_WARNING_SHARE = 0.8
TRUNCATED = " (truncated due to length)"
"""Ends a line that was cut."""


class LogLines:
    """The lines of one call, nested calls included."""

    __slots__ = ("_limits", "lines", "listener")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.lines: list[str] = []
        self.listener: Callable[[str], None] | None = None
        """Told of each line when it is logged; None for nobody."""

    def _append(self, line: str) -> None:
        self.lines.append(line)
        if self.listener is not None:
            self.listener(line)

    def add(self, level: str, text: str) -> None:
        """Adds a line; the last slot says that there would have been more."""
        room = self._limits.log_lines_max - len(self.lines)
        if room <= 0:
            return
        if room == 1:
            level = "ERROR"
            text = f"Log overflow (maximum {self._limits.log_lines_max}). Remaining log lines omitted."
        self._append(f"[{level}] {self._cut(text)}")

    def warn_of_limit(self, what: str, actual: int, limit: int, *, unit: str = "", help_text: str = "") -> None:
        """Adds the deployment's own warning if more than four fifths of a limit are used."""
        if int(_WARNING_SHARE * limit) < actual <= limit:
            suffix = f" {help_text}" if help_text else ""
            self._append(f"[WARN] {what} (actual: {actual}{unit}, limit: {limit}{unit}).{suffix}")

    def warn(self, text: str) -> None:
        """Adds a warning of the deployment's own."""
        self._append(f"[WARN] {text}")

    def error(self, text: str) -> None:
        """Adds an error of the deployment's own."""
        self._append(f"[ERROR] {text}")

    def _cut(self, text: str) -> str:
        data = text.encode()
        if len(data) <= self._limits.log_line_size_max:
            return text
        return data[: self._limits.log_line_size_max].decode(errors="ignore") + TRUNCATED


class Console:
    """``ctx.console``: the five methods of JavaScript's console that a deployment keeps."""

    __slots__ = ("_lines",)

    def __init__(self, lines: LogLines) -> None:
        self._lines = lines

    def _write(self, level: str, values: tuple[Value, ...]) -> None:
        self._lines.add(level, " ".join(map(inspect, values)))

    def write(self, level: str, text: str) -> None:
        """Logs a line that is written already."""
        self._lines.add(level, text)

    def warn_of_deployment(self, text: str) -> None:
        """What the deployment itself has to say."""
        self._lines.warn(text)

    def log(self, *values: Value) -> None:
        """Logs at level LOG."""
        self._write("LOG", values)

    def debug(self, *values: Value) -> None:
        """Logs at level DEBUG."""
        self._write("DEBUG", values)

    def info(self, *values: Value) -> None:
        """Logs at level INFO."""
        self._write("INFO", values)

    def warn(self, *values: Value) -> None:
        """Logs at level WARN."""
        self._write("WARN", values)

    def error(self, *values: Value) -> None:
        """Logs at level ERROR."""
        self._write("ERROR", values)


def warn_of_usage(lines: LogLines, usage: Usage, limits: Limits) -> None:
    """Adds the warnings about what a transaction read and wrote, in the deployment's order."""
    in_one = "in a single function execution"
    lines.warn_of_limit(
        f"Many documents read {in_one}", usage.documents_read, limits.documents_read_max, help_text=READ_HELP
    )
    lines.warn_of_limit(f"Many reads {in_one}", usage.read_ranges, limits.read_ranges_max, help_text=READ_HELP)
    lines.warn_of_limit(
        f"Many bytes read {in_one}", usage.read_size, limits.read_size_max, unit=" bytes", help_text=READ_HELP
    )
    lines.warn_of_limit(f"Many writes {in_one}", usage.documents_written, limits.documents_written_max)
    lines.warn_of_limit(f"Many bytes written {in_one}", usage.written_size, limits.written_size_max, unit=" bytes")
    if usage.largest_document is not None:
        document_id, size = usage.largest_document
        lines.warn_of_limit(
            f'Large document written with ID "{document_id}"', size, limits.document_size_max, unit=" bytes"
        )
    if usage.deepest_document is not None:
        document_id, nesting = usage.deepest_document
        lines.warn_of_limit(
            f'Deeply nested document written with ID "{document_id}"',
            nesting,
            limits.document_nesting_max,
            unit=" levels",
        )
