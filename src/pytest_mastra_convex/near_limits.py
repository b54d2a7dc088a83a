"""Calls that came near a limit, told at the end of a run: the next hundred rows, and production refuses them.

Looked at are the last 1,000 calls of each test, and limits that are the run's: a test whose own marker lowers one
means to reach it.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_mastra_convex.fixtures import PLACE
from pytest_mastra_convex.markers import convex_marker
from pytest_mastra_convex.options import SETTINGS

if TYPE_CHECKING:
    from convex_mastra_emulator import Emulator

NEAR_LIMITS = "convex_near_limits"
"""The attribute of a report that carries the lines, from a worker of xdist to the controller."""
PERCENT = 80
_SHOWN_MAX = 30
# Fields of a usage with the limits they are held against, and how both are called.
_MEASURES = (
    ("documents_read", "documents_read_max", "documents read"),
    ("read_size", "read_size_max", "bytes read"),
    ("read_ranges", "read_ranges_max", "index ranges read"),
    ("documents_written", "documents_written_max", "documents written"),
    ("written_size", "written_size_max", "bytes written"),
)

Near = tuple[str, str, int, int]
"""A function, what was measured, how much it used, and the limit."""


class NearLimits:
    """Gathers the calls above the threshold and lists them in the summary.

    Args:
        config: of the run.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._settings = config.stash[SETTINGS]
        self._percent = PERCENT if self._settings.usage_warn is None else self._settings.usage_warn
        self._found: dict[tuple[str, str, str], tuple[int, int]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Looks at the calls of a test once it has run."""
        report = yield
        place = item.stash.get(PLACE, None)
        if report.when == "call" and place is not None and place.emulator is not None:
            found = near_limits(place.emulator, self._percent, except_for=frozenset(convex_marker(item).limits or ()))
            if found:
                setattr(report, NEAR_LIMITS, found)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keeps, for each function, measure and test, the largest number."""
        for path, what, used, limit in getattr(report, NEAR_LIMITS, ()):
            key = path, what, report.nodeid
            self._found[key] = max(self._found.get(key, (0, 0)), (used, limit))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Lists what was found, the nearest first."""
        if self._settings.usage_warn is not None and "emulator" not in self._settings.targets:
            terminalreporter.write_line(
                "convex: what calls use is known on the target emulator only, not on "
                + ", ".join(self._settings.targets)
            )
        if not self._found:
            return
        lines = [
            (used / limit, f"{used / limit:.0%} {path}: {used:,} of {limit:,} {what} in {test}")
            for (path, what, test), (used, limit) in self._found.items()
        ]
        lines.sort(key=lambda entry: (-entry[0], entry[1]))
        terminalreporter.section(f"Convex calls above {self._percent} % of a limit")
        for _, line in lines[:_SHOWN_MAX]:
            terminalreporter.write_line(line)
        if len(lines) > _SHOWN_MAX:
            terminalreporter.write_line(f"… and {len(lines) - _SHOWN_MAX} more")


def near_limits(emulator: Emulator, percent: int, *, except_for: frozenset[str] = frozenset()) -> list[Near]:
    """The calls of an emulator's journal that used more than a share of a limit; each function and measure once.

    Args:
        emulator: whose journal and limits.
        percent: of the limit.
        except_for: limits that are not looked at.
    """
    thresholds = [
        (field, what, limit, limit * percent / 100)
        for field, name, what in _MEASURES
        if name not in except_for and (limit := getattr(emulator.limits, name)) > 0
    ]
    largest: dict[tuple[str, str], tuple[int, int]] = {}
    for entry in emulator.journal:
        usage: Any = entry.usage
        if usage.is_sum:
            continue  # each transaction of an action has the limit to itself
        for field, what, limit, threshold in thresholds:
            used = getattr(usage, field)
            if used > threshold:
                key = entry.path, what
                largest[key] = max(largest.get(key, (0, 0)), (used, limit))
    return [(path, what, used, limit) for (path, what), (used, limit) in largest.items()]
