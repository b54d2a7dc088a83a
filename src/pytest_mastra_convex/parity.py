"""What the results of several targets say together: a table of cases and targets, and where they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

from pytest_mastra_convex.divergences import TARGETS
from pytest_mastra_convex.results import CaseResult

# A case that no result is there for, next to the outcomes of those that have one.
NOT_RUN = "not run"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityRow:
    """One case on all the targets it ran on."""

    case: str
    results: Mapping[str, CaseResult]

    @property
    def module(self) -> str:
        """The module of the case, ``test_order.py``."""
        return self.case.partition("::")[0]

    @property
    def name(self) -> str:
        """The case within its module."""
        module, _, name = self.case.partition("::")
        return name or module

    @property
    def comment(self) -> str:
        """Why the case exists; it is the same test on every target."""
        return next((result.comment for result in self.results.values() if result.comment), "")

    @property
    def differs(self) -> bool:
        """Whether the case does not simply hold wherever it ran."""
        return any(result.outcome in ("failed", "diverges") for result in self.results.values())

    def outcome(self, target: str) -> str:
        """What it did on a target, or :data:`NOT_RUN`."""
        return self.results[target].outcome if target in self.results else NOT_RUN


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLog:
    """What was called on some targets, line by line, and which lines are not the same on all targets."""

    targets: tuple[str, ...]
    lines: tuple[str, ...]
    differs: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityTable:
    """All cases by name, all targets in the order of the register, then by name."""

    targets: tuple[str, ...]
    rows: tuple[ParityRow, ...]

    def counts(self, target: str) -> Counter[str]:
        """How many cases had which outcome."""
        return Counter(row.outcome(target) for row in self.rows)

    def seconds(self, target: str) -> float:
        """How long the cases of one target took together."""
        return sum(row.results[target].seconds for row in self.rows if target in row.results)


def parity_table(results: Iterable[CaseResult]) -> ParityTable:
    """Puts the results together; of two for one case and target a failure stays, else the later one."""
    cases: dict[str, dict[str, CaseResult]] = {}
    for result in results:
        of_case = cases.setdefault(result.case, {})
        if result.target not in of_case or of_case[result.target].outcome != "failed":
            of_case[result.target] = result
    targets = sorted({target for of_case in cases.values() for target in of_case}, key=_place)
    rows = [
        ParityRow(case=case, results={target: cases[case][target] for target in targets if target in cases[case]})
        for case in sorted(cases)
    ]
    return ParityTable(targets=tuple(targets), rows=tuple(rows))


def compared_calls(row: ParityRow) -> list[CallLog]:
    """What was called on the targets: one log for all that have the same, with the lines that differ marked.

    The log of the first target is what the others are held against: their lines differ from its, and its own line
    differs where one of the others does not have it.
    """
    targets: dict[tuple[str, ...], list[str]] = {}
    for target, result in row.results.items():
        if result.calls:
            targets.setdefault(result.calls, []).append(target)
    differing: dict[tuple[str, ...], set[int]] = {lines: set() for lines in targets}
    first, *others = targets or [()]
    for other in others:
        matcher = SequenceMatcher(None, first, other, autojunk=False)
        for kind, first_from, first_to, other_from, other_to in matcher.get_opcodes():
            if kind != "equal":
                differing[first].update(range(first_from, first_to))
                differing[other].update(range(other_from, other_to))
    return [
        CallLog(
            targets=tuple(targets[lines]),
            lines=lines,
            differs=tuple(number in differing[lines] for number in range(len(lines))),
        )
        for lines in targets
    ]


def _place(target: str) -> tuple[int, str]:
    return (TARGETS.index(target) if target in TARGETS else len(TARGETS), target)
