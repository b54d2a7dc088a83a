"""The kinds of deployment a run can use, and what a test gets of them.

A *target* lives as long as the session and is opened when a test first needs it; a *place* is one test's empty
deployment on it.  Test code never knows which target it runs on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from convex_mastra_emulator import Clock, Deployment, Emulator, EmulatorError, ManualClock
from convex_mastra_emulator.journal import Journal
from convex_mastra_emulator.limits import DEFAULT_LIMITS, Limits
from convex_mastra_emulator.runtime.functions import Function
from convex_mastra_emulator.runtime.http_router import HttpRouter
from convex_mastra_emulator.runtime.paths import parse_path
from convex_mastra_emulator.schema import Schema
from convex_mastra_emulator.sources import load_functions, load_router, load_schema
from pytest_mastra_convex.options import Settings

if TYPE_CHECKING:
    from pytest_mastra_convex.recording import Recording

Load = Callable[[Deployment], object]
"""Stores what tests begin with."""
Functions = Mapping[str, Function] | str | None
SchemaSource = Schema | Path | str | None


class TargetCannot(EmulatorError):
    """A target cannot do what a test asks of it; the text says which and what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a test asks of its deployment.

    Attributes:
        schema: the tables; Mastra's if None.
        own_schema: the tables this test asks for, in place of ``schema``.
        folder: whose TypeScript the target ``typescript`` deploys; the package's own if None.
        functions: what is defined beside Mastra's.
        http: the HTTP actions; none if None.
        env: environment variables that are there before anything is deployed.
        limits: numbers to change.
        seed: makes ids repeatable.
        loads: fill the deployment before the test begins.
        in_process: False when a client will block this process while it waits.
        stands_still: whether time passes only when the test moves the clock.
        test: the test's name.
    """

    schema: SchemaSource = None
    own_schema: Schema | None = None
    folder: Path | None = None
    functions: Functions = None
    http: HttpRouter | str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    seed: int | None = None
    loads: tuple[Load, ...] = ()
    in_process: bool = True
    stands_still: bool = False
    test: str = ""

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for tests that can use one server, one after the other."""
        limits, env = tuple(sorted(self.limits.items())), tuple(sorted(self.env.items()))
        sources = (self.own_schema or self.schema, self.folder, self.functions, self.http)
        return (*map(_identity, sources), limits, env, self.loads, self.stands_still)


def _identity(source: object) -> object:
    return source if isinstance(source, (str, Path)) else id(source)


@dataclass(frozen=True, slots=True)
class Address:
    """Where clients find a deployment.

    Attributes:
        url: of its functions.
        admin_key: its key.
        site_url: of its HTTP actions, without a slash at its end; None where nobody knows.
    """

    url: str
    admin_key: str = field(repr=False)
    site_url: str | None = None


@dataclass(slots=True, kw_only=True)
class Place:
    """One test's deployment.

    Attributes:
        target: the target's name.
        deployment: what is called.
        journal: the calls so far.
        address: gives URL and key; serves the emulator if it is not yet served.
        emulator: the emulator, where it lives in this process.
        prefix: begins every id and name the test makes on a deployment it shares with others.
        last_seen: what the server saw last.
        recording: what was asked and answered, if the run keeps that.
    """

    target: str
    deployment: Deployment
    journal: Journal
    address: Callable[[], Address]
    emulator: Emulator | None = None
    prefix: str = ""
    last_seen: Callable[[], str] | None = None
    recording: Recording | None = None


class Target(Protocol):
    """A kind of deployment."""

    name: str
    can_change: bool
    """Whether schema and limits are the test's choice."""
    has_sockets: bool
    """Whether it speaks the WebSocket protocol."""

    def place(self, setup: Setup) -> AbstractContextManager[Place]:
        """An empty deployment while the block runs."""

    def describe(self) -> str:
        """For the report's header."""

    def close(self) -> None:
        """Stops what was started."""


class Beginnings:
    """The emulators of this process, as tests begin with them.

    Args:
        make: gives an empty one.
    """

    def __init__(self, make: Callable[[Setup, Clock | None], Emulator]) -> None:
        self._make = make
        self._seeded: dict[tuple[Any, ...], Emulator] = {}

    def emulator(self, setup: Setup, stack: ExitStack) -> Emulator:
        """A new emulator, or a seeded one that is rolled back when ``stack`` is closed."""
        if not setup.loads:
            return self._make(setup, _clock(setup))
        emulator = self._seeded.get(setup.key)
        if emulator is None:
            emulator = self._seeded[setup.key] = self._make(setup, _clock(setup))
            for load in setup.loads:
                load(emulator)
        if setup.stands_still:
            # Time that was moved cannot be moved back: every test gets a clock of its own.
            return emulator.clone()
        stack.enter_context(emulator.rollback())
        emulator.journal.clear()
        emulator.faults.clear()
        emulator.fetch.clear()
        return emulator

    def close(self) -> None:
        """Closes the seeded ones, and with them the processes of what was deployed to them."""
        for emulator in self._seeded.values():
            emulator.close()
        self._seeded.clear()


def place_in_process(target: str, emulator: Emulator, stack: ExitStack) -> Place:
    """A test's deployment in this process; served, when that is asked for, until ``stack`` is closed."""
    addresses: list[Address] = []

    def address() -> Address:
        if not addresses:
            served = stack.enter_context(emulator.serve())
            addresses.append(Address(served.url, served.admin_key, served.site_url))
        return addresses[0]

    return Place(target=target, deployment=emulator, journal=emulator.journal, address=address, emulator=emulator)


class EmulatorTarget:
    """The emulator in the test's process; in a child where a client blocks this one."""

    name = "emulator"
    can_change = True
    has_sockets = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._servers: Target | None = None
        self._beginnings = Beginnings(new_emulator)

    @contextmanager
    def place(self, setup: Setup) -> Iterator[Place]:
        """A new emulator, or a seeded one that is rolled back at the end."""
        if not setup.in_process:
            if self._servers is None:
                self._servers = open_target("server", self._settings, lambda text: None)
            with self._servers.place(setup) as place:
                yield replace(place, target=self.name)
            return
        with ExitStack() as stack:
            yield place_in_process(self.name, self._beginnings.emulator(setup, stack), stack)

    def describe(self) -> str:
        """For the report's header."""
        return "emulator (in process)"

    def close(self) -> None:
        """Stops child processes."""
        self._beginnings.close()
        if self._servers is not None:
            self._servers.close()


def _clock(setup: Setup) -> Clock | None:
    return ManualClock() if setup.stands_still else None


def new_emulator(setup: Setup, clock: Clock | None = None) -> Emulator:
    """An emulator as a test asks for it.

    Raises:
        SourceError: when schema, functions or routes cannot be had.
    """
    source = setup.own_schema or setup.schema
    schema = source if source is None or isinstance(source, Schema) else load_schema(source)
    emulator = Emulator(schema, limits=lowered_limits(setup), seed=setup.seed, clock=clock)
    emulator.env.update(setup.env)
    define_functions(emulator, setup.functions)
    if setup.http is not None:
        emulator.define_http(load_router(setup.http) if isinstance(setup.http, str) else setup.http)
    return emulator


def lowered_limits(setup: Setup) -> Limits:
    """The limits a test asks for."""
    return DEFAULT_LIMITS.lowered(setup.limits) if setup.limits else DEFAULT_LIMITS


def define_functions(emulator: Emulator, source: Functions, *, but: Collection[str] = ()) -> None:
    """Defines functions of Python, except those whose paths are in ``but``.

    Raises:
        SourceError: when they cannot be had.
    """
    functions = load_functions(source) if isinstance(source, str) else source
    for path, function in (functions or {}).items():
        if parse_path(path).stripped not in but:
            emulator.define(path, function)


def open_target(name: str, settings: Settings, report: Callable[[str], None]) -> Target:
    """The target of that name; nothing is started yet.

    Args:
        name: one of the known ones.
        settings: the run's.
        report: is told what takes long.
    """
    # Each brings heavy imports along, which runs on other targets should not pay for.
    if name == "emulator":
        return EmulatorTarget(settings)
    if name == "live":
        from pytest_mastra_convex.live import LiveTarget

        return LiveTarget(settings, report)
    if name == "typescript":
        from pytest_mastra_convex.typescript_target import TypeScriptTarget

        return TypeScriptTarget(settings, report)
    from pytest_mastra_convex.served_targets import OracleTarget, ServerTarget

    return OracleTarget(settings, report) if name == "oracle" else ServerTarget(settings)
