"""Fixtures every test may use."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from convex_mastra_emulator import Emulator, ManualClock
from pytest_mastra_convex.node_project import Oracle, ensure_npm_project


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def emulator(clock: ManualClock) -> Iterator[Emulator]:
    with Emulator(seed=1, clock=clock) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def report_progress(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Tells something on the terminal at once, also while output is captured."""
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")

    def report(text: str) -> None:
        if reporter is not None:
            reporter.ensure_newline()
            reporter.write_line(text)

    return report


@pytest.fixture(scope="session")
def oracle(report_progress: Callable[[str], None]) -> Iterator[Oracle]:
    """The published handlers on convex-test, in Node."""
    with Oracle(ensure_npm_project(report_progress)) as oracle:
        yield oracle
