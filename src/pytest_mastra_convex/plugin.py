"""Hooks of the plugin.  Imports pytest and nothing heavy: every project that has the package installed pays for it."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from pytest_mastra_convex import fixtures
from pytest_mastra_convex.evidence import TARGET_FIXTURE, evidence_plugin, target_of
from pytest_mastra_convex.fixtures import PLACE
from pytest_mastra_convex.markers import MARKERS, convex_marker, diverging_id
from pytest_mastra_convex.near_limits import NearLimits
from pytest_mastra_convex.options import SETTINGS, add_options, read_settings


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declares the options."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Reads the options, registers markers and fixtures."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    settings = config.stash[SETTINGS] = read_settings(config)
    if "live" in settings.targets:
        _check_address()
    config.pluginmanager.register(fixtures, "convex-fixtures")
    config.pluginmanager.register(evidence_plugin(config), "convex-evidence")
    if settings.usage_warn != 0:
        config.pluginmanager.register(NearLimits(config), "convex-near-limits")


def _check_address() -> None:
    """A run that was meant for a real deployment must not go by as one of skipped tests."""
    from pytest_mastra_convex.live import LiveSettings, LiveTargetRefused

    try:
        LiveSettings.from_environment()
    except LiveTargetRefused as error:
        raise pytest.UsageError(str(error)) from None


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Says on what tests run."""
    from pytest_mastra_convex.versions import header

    return [header(config.stash[SETTINGS])]


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs every test that uses a deployment on each target."""
    targets = metafunc.config.stash[SETTINGS].targets
    if len(targets) > 1 and TARGET_FIXTURE in metafunc.fixturenames:
        metafunc.parametrize(TARGET_FIXTURE, targets, indirect=True, scope="session")


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Adds recordings, checks the markers, and turns ``diverges`` into a strict xfail with the register's reason."""
    if config.stash[SETTINGS].replay is not None:
        from pytest_mastra_convex.replay_items import replay_items

        items.extend(replay_items(session, config.stash[SETTINGS]))
    for item in items:
        if item.get_closest_marker("convex") is not None:
            convex_marker(item)
    marked = [(item, marker) for item in items for marker in item.iter_markers("diverges")]
    if not marked:
        return
    from pytest_mastra_convex.divergences import applies_to, load_divergences

    divergences = load_divergences()
    for item, marker in marked:
        divergence = divergences[diverging_id(item, marker, divergences)]
        target = target_of(item)
        # A test that runs on no target holds two of them against each other by itself.
        if target is None or applies_to(divergence, target):
            item.add_marker(pytest.mark.xfail(strict=True, reason=f"{divergence.id}: {divergence.reason}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows the calls of a test that failed, and keeps those of one that passed if they are recorded."""
    report = yield
    place = item.stash.get(PLACE, None)
    if place is None:
        return report
    record = item.config.stash[SETTINGS].record
    # The calls of a test that failed show its fault, not the deployment's answers; what teardown calls is no part.
    if record is not None and place.recording is not None and report.when == "call" and report.passed:
        place.recording.save(record)
    if report.failed and (lines := place.journal.lines()):
        report.sections.append((f"Convex calls on the target {place.target}", "\n".join(lines)))
    return report
