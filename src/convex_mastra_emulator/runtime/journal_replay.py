"""The calls of a journal made again, on any deployment, and what it answers differently.

Ids, creation times and cursors differ between deployments: what the first one gave stands for what the second one
gives in its place, in arguments and in answers (:mod:`~convex_mastra_emulator.values.references`).
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from convex import ConvexError

from convex_mastra_emulator.clock import ManualClock, SystemClock
from convex_mastra_emulator.deployment import Deployment
from convex_mastra_emulator.errors import EmulatorError, InvalidValue
from convex_mastra_emulator.journal import CALLS_FROM_OUTSIDE, JournalEntry, shown
from convex_mastra_emulator.limits import DEFAULT_LIMITS
from convex_mastra_emulator.runtime.failures import developer_text
from convex_mastra_emulator.runtime.identity import ADMIN
from convex_mastra_emulator.runtime.journal_file import encoded
from convex_mastra_emulator.values.bindings import Bindings
from convex_mastra_emulator.values.codec import decode
from convex_mastra_emulator.values.references import References

_PLACES_SHOWN_MAX = 10
# What the deployment runs itself, and what happened to a connection.
_NO_CALLS = ("scheduled", "socket")


class JournalNotReplayable(EmulatorError):
    """Some calls of a journal cannot be made again; the text says which and why.  Nothing was called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One call that was made again.

    Attributes:
        entry: the call as it was, with what came of it then.
        value: what it returned now; None if it failed.
        error: the developer's text of its failure now; None if it did not fail.
        differences: one line for every place in which the answers are not the same, apart from ids and times.
    """

    entry: JournalEntry
    value: Any = None
    error: str | None = None
    differences: tuple[str, ...] = ()

    @property
    def is_same(self) -> bool:
        """Whether it ended as it did before."""
        return not self.differences

    def __str__(self) -> str:
        call = f"{self.entry.kind} {self.entry.path} {shown(self.entry.arguments)}"
        if self.is_same:
            return f"{call}: the same"
        lines = list(self.differences[:_PLACES_SHOWN_MAX])
        if len(self.differences) > _PLACES_SHOWN_MAX:
            lines.append(f"… and {len(self.differences) - _PLACES_SHOWN_MAX} more")
        return "\n    ".join([f"{call}: differs", *lines])


def replay(
    entries: Iterable[JournalEntry], on: Deployment, *, partial: bool, clock: ManualClock | None
) -> list[Replayed]:
    """Makes the calls that came from outside again, in their order.

    Args:
        entries: of a journal, oldest first.
        on: the deployment to call.
        partial: whether calls that cannot be made again are left out.
        clock: the deployment's, if it is to be moved on as time went by between the calls.

    Raises:
        JournalNotReplayable: without ``partial``, when there are such calls.
    """
    takes_identity = "identity" in inspect.signature(on.query).parameters
    chosen = []
    for entry in entries:
        if entry.kind in _NO_CALLS:
            continue
        problem = _problem(entry, takes_identity=takes_identity)
        if problem is None:
            chosen.append(entry)
        elif not partial:
            raise JournalNotReplayable(f"{problem}: {entry}; partial=True leaves such calls out")
    return _Player(on, clock, takes_identity=takes_identity).play(chosen)


def _problem(entry: JournalEntry, *, takes_identity: bool) -> str | None:
    """Why a call cannot be made again."""
    if entry.kind == "function":
        return "a call that did not say what kind of function it wants, and found none, cannot be made by a client"
    if entry.kind not in CALLS_FROM_OUTSIDE:
        return "what is no query, mutation or action cannot be called"
    if not _has_arguments(entry):
        return "a call whose arguments were no object, or could not be read, cannot be made by a client"
    if entry.identity not in (None, ADMIN) and not takes_identity:
        return "the deployment's calls take no identity, and this one was not made by an administrator"
    return None


def _has_arguments(entry: JournalEntry) -> bool:
    return isinstance(entry.arguments, Mapping) or (entry.arguments is None and entry.error is None)


class _Player:
    """Makes calls, and knows what stands for what."""

    def __init__(self, on: Deployment, clock: ManualClock | None, *, takes_identity: bool) -> None:
        self._on = on
        self._clock = clock
        self._takes_identity = takes_identity
        self._references = References()
        self._bindings = Bindings()
        self._last_ns: int | None = None

    def play(self, entries: list[JournalEntry]) -> list[Replayed]:
        written = [(self._arguments(entry), self._answer(entry)) for entry in entries]
        return [
            self._replayed(entry, *self._references.in_order_of_time(list(pair)))
            for entry, pair in zip(entries, written, strict=True)
        ]

    def _arguments(self, entry: JournalEntry) -> Any:
        return self._references.in_arguments(encoded(entry.arguments or {}))

    def _answer(self, entry: JournalEntry) -> Any:
        return self._references.in_answer(_answer_json(entry.value, entry.error), entry.timestamp_ns / 1_000_000)

    def _replayed(self, entry: JournalEntry, arguments: Any, expected: Any) -> Replayed:
        self._move_on(entry)
        value, error = self._called(entry, self._bindings.filled(arguments))
        got = _answer_json(value, error)
        if expected.keys() == got.keys():
            [name] = expected
            differences = tuple(
                self._bindings.differences(
                    expected[name], got[name], now_ms=self._now_ms(), tolerances={}, where=name, name=name
                )
            )
        else:
            differences = (f"expected {_told(entry.value, entry.error)}, got {_told(value, error)}",)
        return Replayed(entry=entry, value=value, error=error, differences=differences)

    def _called(self, entry: JournalEntry, filled: Any) -> tuple[Any, str | None]:
        # What a deployment with other limits refuses to read is for this one to refuse.
        arguments = filled
        with suppress(InvalidValue):
            arguments = decode(filled, DEFAULT_LIMITS)
        options = {"identity": entry.identity or ADMIN} if self._takes_identity else {}
        try:
            return getattr(self._on, entry.kind)(entry.path, arguments, **options), None
        except (EmulatorError, ConvexError) as error:
            return None, developer_text(str(error))

    def _move_on(self, entry: JournalEntry) -> None:
        if not entry.timestamp_ns:
            return  # it was refused before it had a time
        if self._clock is not None and self._last_ns is not None:
            self._clock.advance(max(0, entry.timestamp_ns - self._last_ns) / 1_000_000_000)
        self._last_ns = entry.timestamp_ns

    def _now_ms(self) -> float:
        clock = self._clock or getattr(self._on, "clock", None) or SystemClock()
        now_ms: float = clock.now_ns() / 1_000_000
        return now_ms


def _answer_json(value: Any, error: str | None) -> dict[str, Any]:
    return {"value": encoded(value)} if error is None else {"error": developer_text(error)}


def _told(value: Any, error: str | None) -> str:
    return f"value {shown(value)}" if error is None else f"error {shown(error)}"
