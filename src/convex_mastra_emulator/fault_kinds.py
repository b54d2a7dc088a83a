"""The kinds of faults, where a call can meet one, and what one does to a call.

Kinds, codes and statuses: convex-backend crates/errors/src/lib.rs (convex-engine.md §10.3 and §10.10, checked
2026-11-21).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import AnyStr

Raised = Exception | type[Exception]
"""What a function can be made to raise."""


class FaultKind(Enum):
    """What can go wrong with a call; :meth:`Faults.fail` takes the values, too."""

    WRITE_CONFLICT = "write_conflict"
    """The mutation runs, is undone instead of committed, and is tried again as a deployment does."""
    OVERLOADED = "overloaded"
    """503, nothing runs."""
    RATE_LIMITED = "rate_limited"
    """429, nothing runs."""
    REFUSED = "refused"
    """400, nothing runs; code and message are the test's choice."""
    INTERNAL = "internal"
    """500, nothing runs."""
    CONNECTION_CUT = "connection_cut"
    """Nothing runs, nothing is answered."""
    ANSWER_LOST = "answer_lost"
    """The function runs and commits, and nothing is answered."""
    MALFORMED_JSON = "malformed_json"
    """The function runs and commits, and half of the answer comes."""


REFUSALS = frozenset({FaultKind.OVERLOADED, FaultKind.RATE_LIMITED, FaultKind.REFUSED, FaultKind.INTERNAL})
ANSWER_FAULTS = frozenset({FaultKind.CONNECTION_CUT, FaultKind.ANSWER_LOST, FaultKind.MALFORMED_JSON})
WITHOUT_ANSWER = frozenset({FaultKind.CONNECTION_CUT, FaultKind.ANSWER_LOST})
WITH_TEXT = frozenset({FaultKind.OVERLOADED, FaultKind.RATE_LIMITED, FaultKind.REFUSED})


class Place(Enum):
    """Where a call is when the faults are asked."""

    CLIENT = auto()
    """A call from outside."""
    ACTION = auto()
    """A call of an action: there is no connection to cut."""
    SCHEDULED = auto()
    """A scheduled function or a cron: nobody is told of a refusal, a deployment only tries again later."""
    NESTED = auto()
    """A call inside the transaction of a query or mutation, which is part of it."""
    COMMIT = auto()
    """A mutation that has written something and is about to commit."""


@dataclass(frozen=True, slots=True)
class Strike:
    """What the faults do to one call.

    Attributes:
        texts: one per fault that struck, as the journal shows them.
        kind: what goes wrong; None for an exception and for a mere delay.
        raised: what the function raises.
        code: of a refusal, if the test chose one.
        message: of a refusal, if the test chose one.
        delay_seconds: how much later the answer comes.
    """

    texts: tuple[str, ...]
    kind: FaultKind | None = None
    raised: Raised | None = None
    code: str | None = None
    message: str | None = None
    delay_seconds: float = 0.0

    def __str__(self) -> str:
        counts = Counter(self.texts)
        return ", ".join(text if count == 1 else f"{text} ×{count}" for text, count in counts.items())  # noqa: RUF001

    def at(self, path: str) -> Strike:
        """As the caller's journal entry tells of a strike inside: it is over, and only the text is left."""
        return Strike(tuple(f"{text} at {path}" for text in self.texts))

    def joined(self, other: Strike | None) -> Strike:
        """Both in one; what this one does stays."""
        if other is None:
            return self
        return replace(self, texts=(*self.texts, *other.texts), delay_seconds=self.delay_seconds + other.delay_seconds)


def cut_off(text: AnyStr) -> AnyStr:
    """The first half of the JSON text of an object, which is none."""
    return text[: max(1, len(text) // 2)]
