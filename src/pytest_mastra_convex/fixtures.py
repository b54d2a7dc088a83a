"""The fixtures.  Everything heavy is imported when a fixture is first used."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_mastra_convex.markers import convex_marker, skip_reason
from pytest_mastra_convex.options import SETTINGS

if TYPE_CHECKING:
    from pathlib import Path

    from convex_mastra_emulator import Deployment, Emulator, ManualClock
    from convex_mastra_emulator.faults import Faults
    from convex_mastra_emulator.runtime.fetch import Fetches
    from convex_mastra_emulator.runtime.http_router import HttpRouter
    from convex_mastra_emulator.stores import (
        ConvexNativeVector,
        ConvexServerCache,
        ConvexStore,
        ConvexVector,
        NativeVectorIndex,
    )
    from pytest_mastra_convex.client import GuardedClient
    from pytest_mastra_convex.factories import MastraFactory
    from pytest_mastra_convex.site import Site
    from pytest_mastra_convex.targets import Functions, Place, SchemaSource, Setup, Target
    from pytest_mastra_convex.template import Template
    from pytest_mastra_convex.usage import UsageOfTest
    from pytest_mastra_convex.waiting import WaitUntil

_MOVE_TIME = frozenset({"convex_clock", "convex_wait_until"})

PLACE = pytest.StashKey[Any]()
"""The place of a test, for the report of its failure."""


def _progress(config: pytest.Config) -> Callable[[str], None]:
    """Tells something on the terminal at once, also while output is captured."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")

    def report(text: str) -> None:
        if reporter is not None:
            reporter.ensure_newline()
            reporter.write_line(text)

    return report


@pytest.fixture(scope="session")
def convex_target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """The kind of deployment; with several targets every test that uses it runs on each."""
    from pytest_mastra_convex.targets import open_target

    settings = request.config.stash[SETTINGS]
    name = getattr(request, "param", settings.targets[0])
    target = open_target(name, settings, _progress(request.config))
    yield target
    target.close()


@pytest.fixture(scope="session")
def convex_schema(request: pytest.FixtureRequest) -> SchemaSource:
    """The tables of the emulator, from ``--convex-schema``; override it for a folder of tests."""
    return request.config.stash[SETTINGS].schema


@pytest.fixture(scope="session")
def convex_functions(request: pytest.FixtureRequest) -> Functions:
    """Functions defined beside Mastra's, from ``--convex-functions``; override it for a folder of tests."""
    return request.config.stash[SETTINGS].functions


@pytest.fixture(scope="session")
def convex_http_router(request: pytest.FixtureRequest) -> HttpRouter | str | None:
    """The HTTP actions of the emulator, from ``--convex-http``; override it for a folder of tests."""
    return request.config.stash[SETTINGS].http


@pytest.fixture(scope="session")
def convex_folder(request: pytest.FixtureRequest) -> Path | None:
    """The TypeScript of the target ``typescript``, from ``--convex-folder``; override it for a folder of tests."""
    return request.config.stash[SETTINGS].folder


@pytest.fixture(scope="session")
def convex_env(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """Environment variables of the emulator, from ``--convex-env``; override it for a folder of tests."""
    return request.config.stash[SETTINGS].env


@pytest.fixture(scope="session")
def convex_template(request: pytest.FixtureRequest, convex_target: Target) -> Template:
    """What every test begins with; override it and call ``seed`` to begin with data."""
    from pytest_mastra_convex.targets import Setup
    from pytest_mastra_convex.template import Template

    # Asked for by name: pytest sets up every fixture a test is declared to need, each time, also those of the session.
    schema = request.getfixturevalue("convex_schema")
    functions = request.getfixturevalue("convex_functions")
    http = request.getfixturevalue("convex_http_router")
    folder = request.getfixturevalue("convex_folder")
    env = request.getfixturevalue("convex_env")
    limits = request.config.stash[SETTINGS].limits
    setup = Setup(schema=schema, functions=functions, http=http, folder=folder, env=env, limits=limits)
    return Template(convex_target, setup)


@pytest.fixture
def convex_place(request: pytest.FixtureRequest, convex_template: Template) -> Iterator[Place]:
    """The test's deployment with all that belongs to it; the other fixtures hand out its parts."""
    item = request.node
    reason = skip_reason(item, convex_template.target.name)
    if reason is not None:
        pytest.skip(reason)
    with convex_template.place(_setup_of(item, convex_template, request.fixturenames)) as place:
        item.stash[PLACE] = place
        yield place
    # Tests live as long as their session: what they held would add up.
    del item.stash[PLACE]


def _setup_of(item: pytest.Item, template: Template, fixturenames: list[str]) -> Setup:
    marker = convex_marker(item)
    if (marker.schema or marker.limits) and not template.target.can_change:
        pytest.skip(f"the target {template.target.name} has a schema and limits of its own")
    setup = template.setup
    return replace(
        setup,
        own_schema=marker.schema,
        limits={**setup.limits, **(marker.limits or {})},
        seed=zlib.crc32(item.nodeid.encode()) if marker.seed is None else marker.seed,
        in_process="convex_client" not in fixturenames,
        stands_still=not _MOVE_TIME.isdisjoint(fixturenames),
        test=item.nodeid,
    )


@pytest.fixture
def convex_deployment(convex_place: Place) -> Deployment:
    """An empty deployment, whatever the target: ``query``, ``mutation``, ``action``."""
    return convex_place.deployment


@pytest.fixture
def convex_store(convex_deployment: Deployment) -> ConvexStore:
    """Mastra's storage on it."""
    from convex_mastra_emulator.stores import ConvexStore

    return ConvexStore(convex_deployment)


@pytest.fixture
def convex_vector(convex_deployment: Deployment) -> ConvexVector:
    """Mastra's vector store on it."""
    from convex_mastra_emulator.stores import ConvexVector

    return ConvexVector(convex_deployment)


@pytest.fixture(scope="session")
def convex_native_indexes(convex_schema: SchemaSource) -> Mapping[str, NativeVectorIndex]:
    """The indexes of ``convex_native_vector``: every table of the schema with a vector index; override it at will."""
    from pytest_mastra_convex.native_indexes import native_indexes

    return native_indexes(convex_schema)


@pytest.fixture
def convex_native_vector(
    convex_deployment: Deployment, convex_native_indexes: Mapping[str, NativeVectorIndex]
) -> ConvexNativeVector:
    """Mastra's native vector store on it."""
    from convex_mastra_emulator.stores import ConvexNativeVector

    return ConvexNativeVector(convex_deployment, indexes=convex_native_indexes)


@pytest.fixture
def convex_server_cache(convex_deployment: Deployment) -> ConvexServerCache:
    """Mastra's server cache on it."""
    from convex_mastra_emulator.stores import ConvexServerCache

    return ConvexServerCache(convex_deployment)


@pytest.fixture
def convex_url(convex_place: Place) -> str:
    """The deployment's URL, for clients in this process that do not block it, and in others."""
    return convex_place.address().url


@pytest.fixture
def convex_admin_key(convex_place: Place) -> str:
    """The deployment's admin key."""
    return convex_place.address().admin_key


@pytest.fixture
def convex_site_url(convex_place: Place) -> str:
    """Where the deployment's HTTP actions answer, for clients of your own."""
    site_url = convex_place.address().site_url
    if site_url is None:
        pytest.skip("nobody knows where the HTTP actions of this deployment answer: set CONVEX_SITE_URL")
    return site_url


@pytest.fixture
def convex_site(request: pytest.FixtureRequest, convex_site_url: str) -> Iterator[Site]:
    """Asks the deployment's HTTP actions: ``convex_site.post("/hooks/agent", json={…})``."""
    from pytest_mastra_convex.site import Site

    site = Site(convex_site_url, seconds=request.config.stash[SETTINGS].deadline_seconds)
    yield site
    site.close()


@pytest.fixture
def convex_prefix(convex_place: Place) -> str:
    """What ids and names that a test gives to functions of its own should begin with; empty where nobody else is."""
    return convex_place.prefix


@pytest.fixture
def convex_client(request: pytest.FixtureRequest, convex_target: Target, convex_place: Place) -> GuardedClient:
    """PyPI ``convex.ConvexClient``, with a deadline around every call; the emulator then runs in a child process."""
    from pytest_mastra_convex.client import GuardedClient

    if not convex_target.has_sockets:
        pytest.skip(f"the target {convex_target.name} has no WebSocket protocol")
    seconds = request.config.stash[SETTINGS].deadline_seconds
    return GuardedClient(convex_place.address().url, seconds=seconds, last_seen=convex_place.last_seen)


@pytest.fixture
def convex_emulator(convex_place: Place) -> Emulator:
    """The emulator itself; tests that use it are skipped on other targets."""
    if convex_place.emulator is None:
        pytest.skip(f"needs the emulator in this process; this deployment is on the target {convex_place.target}")
    return convex_place.emulator


@pytest.fixture
def convex_usage(convex_emulator: Emulator) -> UsageOfTest:
    """What the test's calls read and wrote, and assertions about it; on the emulator only."""
    from pytest_mastra_convex.usage import UsageOfTest

    return UsageOfTest(convex_emulator)


@pytest.fixture
def convex_faults(convex_emulator: Emulator) -> Iterator[Faults]:
    """What is to go wrong: ``convex_faults.fail("mastra/*", "overloaded")``; on the emulator, until the test ends."""
    yield convex_emulator.faults
    convex_emulator.faults.clear()


@pytest.fixture
def convex_clock(convex_emulator: Emulator) -> ManualClock:
    """The emulator's clock, which stands still until ``convex_clock.advance(seconds)``; on the emulator only."""
    from convex_mastra_emulator import ManualClock

    if not isinstance(convex_emulator.clock, ManualClock):
        raise pytest.UsageError("convex_clock must stand among the arguments of the test or of its fixtures")
    return convex_emulator.clock


@pytest.fixture
def convex_wait_until(convex_place: Place) -> WaitUntil:
    """Waits for scheduled functions, whatever the target: ``convex_wait_until(lambda: …)``.

    On the emulator that takes no time; its clock then stands still otherwise.
    """
    from pytest_mastra_convex.waiting import WaitUntil

    return WaitUntil(convex_place)


@pytest.fixture
def convex_fetch(convex_emulator: Emulator) -> Iterator[Fetches]:
    """What answers ``ctx.fetch`` of actions: ``respond``, ``fail``, ``requests``; on the emulator only."""
    yield convex_emulator.fetch
    convex_emulator.fetch.clear()


@pytest.fixture
def mastra_factory(request: pytest.FixtureRequest, convex_deployment: Deployment) -> MastraFactory:
    """Makes Mastra's records, the same ones in every run of the test."""
    from pytest_mastra_convex.factories import MastraFactory

    return MastraFactory(convex_deployment, seed=request.node.nodeid)
