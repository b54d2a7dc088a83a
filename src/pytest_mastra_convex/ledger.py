"""The ledger: on which day each case of the conformance suite last held on each target, and with which versions.

A file for the repository.  Its keys are sorted and each case on each target has a line of its own, so that a run
changes the lines of what it ran.  Versions stand once, in a table; lines refer to them by a short hash.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Self

from pytest_mastra_convex.results import CaseResult

FORMAT = 1
# A difference that is as registered is known, too; what failed or was skipped says nothing about the target.
HOLDS = ("passed", "diverges")

_VERSIONS_KEY_LENGTH = 8


class LedgerError(ValueError):
    """A ledger that cannot be read; the text names the file and the field."""

    def __init__(self, path: Path, place: str, problem: str) -> None:
        self.path, self.place = path, place
        super().__init__(f"{path}: {place}: {problem}" if place else f"{path}: {problem}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """When a case last held on a target, and the versions it held with."""

    held_on: date
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleEntry:
    """A case that has not held on a target for too long; ``held_on`` is None if it never did."""

    case: str
    target: str
    held_on: date | None


@dataclass(slots=True)
class Ledger:
    """Entries by case and target."""

    entries: dict[str, dict[str, LedgerEntry]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a ledger; a file that is not there is an empty one.

        Raises:
            LedgerError: if the file is no ledger.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return cls()
        try:
            document = json.loads(text)
        except ValueError as error:
            raise LedgerError(path, "", f"no JSON: {error}") from None
        return cls(_read(path, document))

    def record(
        self,
        results: Iterable[CaseResult],
        versions: Mapping[str, str],
        today: date,
        *,
        known_cases: Collection[str] | None = None,
    ) -> None:
        """Writes down what held today.

        Args:
            results: of one run; those that passed and those that differ as registered count.
            versions: what took part in the run.
            today: the day of the run.
            known_cases: all cases there are; entries of others go.
        """
        results = list(results)
        # A test may pass and then fail to clean up: two results, and it has not held.
        failed = {(result.case, result.target) for result in results if result.outcome == "failed"}
        for result in results:
            if result.outcome in HOLDS and (result.case, result.target) not in failed:
                entry = LedgerEntry(held_on=today, versions=dict(versions))
                self.entries.setdefault(result.case, {})[result.target] = entry
        if known_cases is not None:
            for case in self.entries.keys() - set(known_cases):
                del self.entries[case]

    def stale(self, days: int, today: date, cases: Iterable[str], targets: Collection[str]) -> list[StaleEntry]:
        """The cases that never held on one of the targets, or more than so many days ago."""
        found = []
        for case in cases:
            for target in targets:
                entry = self.entries.get(case, {}).get(target)
                held_on = entry.held_on if entry else None
                if held_on is None or (today - held_on).days > days:
                    found.append(StaleEntry(case=case, target=target, held_on=held_on))
        return found

    def save(self, path: Path) -> None:
        """Writes the file whole or not at all: readers never see half of it."""
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            unfinished.write_text(self._text(), encoding="utf-8", newline="\n")
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)

    def _text(self) -> str:
        versions: dict[str, str] = {}
        cases: dict[str, str] = {}
        for case, targets in self.entries.items():
            lines = {}
            for target, entry in targets.items():
                key = _versions_key(entry.versions)
                versions[key] = _json(entry.versions)
                lines[target] = _json({"date": entry.held_on.isoformat(), "versions": key})
            cases[case] = _block(lines, indent=2)
        blocks = {"cases": _block(cases, indent=1), "format": str(FORMAT), "versions": _block(versions, indent=1)}
        return _block(blocks, indent=0) + "\n"


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def _block(members: Mapping[str, str], *, indent: int) -> str:
    """An object of finished JSON texts, one member to a line."""
    if not members:
        return "{}"
    lines = ",\n".join(" " * (indent + 1) + f"{_json(name)}: {members[name]}" for name in sorted(members))
    return f"{{\n{lines}\n{' ' * indent}}}"


def _versions_key(versions: Mapping[str, str]) -> str:
    return hashlib.sha256(_json(dict(versions)).encode()).hexdigest()[:_VERSIONS_KEY_LENGTH]


def _read(path: Path, document: Any) -> dict[str, dict[str, LedgerEntry]]:
    members = _object(path, "", document)
    if members.get("format") != FORMAT:
        raise LedgerError(path, "format", f"must be {FORMAT}, not {members.get('format')!r}")
    table = {key: _versions(path, key, value) for key, value in _member(path, "versions", members).items()}
    entries: dict[str, dict[str, LedgerEntry]] = {}
    for case, targets in _member(path, "cases", members).items():
        place = f"cases[{case!r}]"
        entries[case] = {
            target: _entry(path, f"{place}[{target!r}]", value, table)
            for target, value in _object(path, place, targets).items()
        }
    return entries


def _object(path: Path, place: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise LedgerError(path, place, "must be an object")
    return value


def _member(path: Path, name: str, members: Mapping[str, Any]) -> dict[str, Any]:
    if name not in members:
        raise LedgerError(path, name, "is missing")
    return _object(path, name, members[name])


def _versions(path: Path, key: str, value: Any) -> dict[str, str]:
    place = f"versions[{key!r}]"
    versions = _object(path, place, value)
    if not all(isinstance(version, str) for version in versions.values()):
        raise LedgerError(path, place, "must hold texts")
    return versions


def _entry(path: Path, place: str, value: Any, table: Mapping[str, Mapping[str, str]]) -> LedgerEntry:
    members = _object(path, place, value)
    held_on, key = members.get("date"), members.get("versions")
    try:
        # Python reads other forms of ISO 8601, too; two spellings of one day would make two lines of it.
        day = date.fromisoformat(held_on) if isinstance(held_on, str) else None
    except ValueError:
        day = None
    if day is None or day.isoformat() != held_on:
        raise LedgerError(path, f"{place}.date", f"must be YYYY-MM-DD, not {held_on!r}")
    if not isinstance(key, str) or key not in table:
        raise LedgerError(path, f"{place}.versions", f"must be a key of the table of versions, not {key!r}")
    return LedgerEntry(held_on=day, versions=table[key])
