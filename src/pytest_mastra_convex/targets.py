"""The kinds of deployment a run can use, and what a test gets of them.

A *target* lives as long as the session and is opened when a test first needs it; a *place* is one test's empty
deployment on it.  Test code never knows which target it runs on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from convex_mastra_emulator import Clock, Deployment, Emulator, EmulatorError, ManualClock
from convex_mastra_emulator.journal import Journal
from convex_mastra_emulator.limits import DEFAULT_LIMITS
from convex_mastra_emulator.runtime.functions import Function
from convex_mastra_emulator.schema import Schema
from convex_mastra_emulator.sources import load_functions, load_schema
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
        functions: what is defined beside Mastra's.
        limits: numbers to change.
        seed: makes ids repeatable.
        loads: fill the deployment before the test begins.
        in_process: False when a client will block this process while it waits.
        stands_still: whether time passes only when the test moves the clock.
        test: the test's name.
    """

    schema: SchemaSource = None
    functions: Functions = None
    limits: Mapping[str, int] = field(default_factory=dict)
    seed: int | None = None
    loads: tuple[Load, ...] = ()
    in_process: bool = True
    stands_still: bool = False
    test: str = ""

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for tests that can use one server, one after the other."""
        limits = tuple(sorted(self.limits.items()))
        return (_identity(self.schema), _identity(self.functions), limits, self.loads, self.stands_still)


def _identity(source: object) -> object:
    return source if isinstance(source, (str, Path)) else id(source)


@dataclass(frozen=True, slots=True)
class Address:
    """Where clients find a deployment."""

    url: str
    admin_key: str = field(repr=False)


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


class EmulatorTarget:
    """The emulator in the test's process; in a child where a client blocks this one."""

    name = "emulator"
    can_change = True
    has_sockets = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._servers: Target | None = None
        self._seeded: dict[tuple[Any, ...], Emulator] = {}

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
            emulator = new_emulator(setup, _clock(setup)) if not setup.loads else self._rolled_back(setup, stack)
            addresses: list[Address] = []

            def address() -> Address:
                if not addresses:
                    served = stack.enter_context(emulator.serve())
                    addresses.append(Address(served.url, served.admin_key))
                return addresses[0]

            yield Place(
                target=self.name, deployment=emulator, journal=emulator.journal, address=address, emulator=emulator
            )

    def _rolled_back(self, setup: Setup, stack: ExitStack) -> Emulator:
        emulator = self._seeded.get(setup.key)
        if emulator is None:
            emulator = self._seeded[setup.key] = new_emulator(setup, _clock(setup))
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

    def describe(self) -> str:
        """For the report's header."""
        return "emulator (in process)"

    def close(self) -> None:
        """Stops child processes, and those of seeded emulators."""
        for emulator in self._seeded.values():
            emulator.close()
        self._seeded.clear()
        if self._servers is not None:
            self._servers.close()


def _clock(setup: Setup) -> Clock | None:
    return ManualClock() if setup.stands_still else None


def new_emulator(setup: Setup, clock: Clock | None = None) -> Emulator:
    """An emulator as a test asks for it.

    Raises:
        SourceError: when schema or functions cannot be had.
    """
    schema = setup.schema if setup.schema is None or isinstance(setup.schema, Schema) else load_schema(setup.schema)
    limits = DEFAULT_LIMITS.lowered(setup.limits) if setup.limits else DEFAULT_LIMITS
    emulator = Emulator(schema, limits=limits, seed=setup.seed, clock=clock)
    functions = load_functions(setup.functions) if isinstance(setup.functions, str) else setup.functions
    for path, function in (functions or {}).items():
        emulator.define(path, function)
    return emulator


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
    from pytest_mastra_convex.served_targets import OracleTarget, ServerTarget

    return OracleTarget(settings, report) if name == "oracle" else ServerTarget(settings)
