"""Fixtures every test may use."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

from convex_mastra_emulator import Emulator, ManualClock
from pytest_mastra_convex.node_project import Oracle, ensure_npm_project
from pytest_mastra_convex.options import Settings
from pytest_mastra_convex.targets import Setup
from pytest_mastra_convex.typescript_target import TypeScriptTarget

# The same examples on every run, so that a red run is a change of ours; a busy machine is none.
settings.register_profile(
    "tests", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tests")


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


@pytest.fixture(scope="session")
def deployed(report_progress: Callable[[str], None]) -> Iterator[Emulator]:
    """An emulator to which the package's TypeScript was deployed; for clones, it stays empty."""
    target = TypeScriptTarget(Settings(limits={}), report_progress)
    yield target.template(Setup())
    target.close()
