"""Fixtures of the conformance suite: its schema, its functions and the probe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from convex_mastra_emulator import Deployment
    from pytest_mastra_convex.client import GuardedClient
    from pytest_mastra_convex.conformance.crowd import Crowd
    from pytest_mastra_convex.conformance.live_queries import Watcher
    from pytest_mastra_convex.conformance.plain_http import PlainHttp
    from pytest_mastra_convex.conformance.scheduled import Finished
    from pytest_mastra_convex.probe import Probe
    from pytest_mastra_convex.site import Site
    from pytest_mastra_convex.targets import Place, Target


@pytest.fixture(scope="session")
def convex_schema() -> Path:
    """The tables of ``convex/schema.ts``, as npm convex exports them."""
    return Path(__file__).with_name("schema.json")


@pytest.fixture(scope="session")
def convex_functions() -> str:
    """The probe, in Python."""
    return "pytest_mastra_convex.probe:FUNCTIONS"


@pytest.fixture(scope="session")
def convex_http_router() -> str:
    """The routes of ``convex/http.ts``, in Python."""
    return "pytest_mastra_convex.probe.routes:ROUTER"


@pytest.fixture(scope="session")
def convex_folder() -> None:
    """The package's own TypeScript, whatever ``--convex-folder`` says: it has the probe."""


@pytest.fixture
def probe(convex_deployment: Deployment) -> Probe:
    """The probe on the test's deployment."""
    from pytest_mastra_convex.probe import Probe

    return Probe(convex_deployment)


@pytest.fixture
def crowd(probe: Probe, convex_prefix: str) -> Iterator[Crowd]:
    """Fills tables with thousands of rows."""
    from pytest_mastra_convex.conformance.crowd import crowd_of

    with crowd_of(probe, convex_prefix) as crowd:
        yield crowd


@pytest.fixture
def finished(probe: Probe, convex_place: Place) -> Finished:
    """Waits for scheduled functions."""
    from pytest_mastra_convex.conformance.scheduled import Finished

    return Finished(probe, convex_place.emulator)


@pytest.fixture
def own_deployment(convex_place: Place) -> None:
    """For cases whose requests are not let through to a deployment that is shared with others."""
    if convex_place.prefix:
        pytest.skip("on a shared deployment, operations nobody knows are refused before they are sent")


@pytest.fixture
def plain_http(request: pytest.FixtureRequest, convex_target: Target, probe: Probe) -> PlainHttp:
    """The deployment's own HTTP interface."""
    from pytest_mastra_convex.conformance.plain_http import PlainHttp

    __tracebackhide__ = True  # pytest --showlocals would print the key
    if not convex_target.has_sockets:
        pytest.skip(f"the HTTP routes of the target {convex_target.name} are this project's own, not a deployment's")
    # On a deployment that is shared, the first call of the probe keeps others out and empties the tables; what goes
    # around it does neither.
    probe.query()
    return PlainHttp(request.getfixturevalue("convex_url"), request.getfixturevalue("convex_admin_key"))


@pytest.fixture
def site(probe: Probe, convex_site: Site) -> Site:
    """The deployment's HTTP actions."""
    # On a deployment that is shared, what goes around the probe does not keep others out.
    probe.query()
    return convex_site


@pytest.fixture
def watcher(probe: Probe, convex_client: GuardedClient, convex_admin_key: str) -> Watcher:
    """A client with live queries; an administrator, so that it is told the text of every error."""
    from pytest_mastra_convex.conformance.live_queries import Watcher

    __tracebackhide__ = True
    probe.query()
    convex_client.set_admin_auth(convex_admin_key)
    return Watcher(convex_client)
