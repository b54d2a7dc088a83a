"""The kinds of deployment a run can use, and what a test gets of them.

A *target* lives as long as the session and is opened when a test first needs it; a *place* is one test's empty
deployment on it.  Test code never knows which target it runs on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from convex_mastra_emulator import Deployment, Emulator, EmulatorError, connect
from convex_mastra_emulator.journal import Journal
from convex_mastra_emulator.limits import DEFAULT_LIMITS
from convex_mastra_emulator.runtime.functions import Function
from convex_mastra_emulator.schema import Schema
from convex_mastra_emulator.server.process import ServedProcess
from convex_mastra_emulator.sources import load_functions, load_schema
from pytest_mastra_convex.call_log import LoggedDeployment
from pytest_mastra_convex.node_project import Oracle, ensure_npm_project
from pytest_mastra_convex.options import Settings

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
        test: the test's name.
    """

    schema: SchemaSource = None
    functions: Functions = None
    limits: Mapping[str, int] = field(default_factory=dict)
    seed: int | None = None
    loads: tuple[Load, ...] = ()
    in_process: bool = True
    test: str = ""

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for tests that can use one server, one after the other."""
        return (_identity(self.schema), _identity(self.functions), tuple(sorted(self.limits.items())), self.loads)


def _identity(source: object) -> object:
    return source if isinstance(source, (str, Path)) else id(source)


@dataclass(frozen=True, slots=True)
class Address:
    """Where clients find a deployment."""

    url: str
    admin_key: str


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
    """

    target: str
    deployment: Deployment
    journal: Journal
    address: Callable[[], Address]
    emulator: Emulator | None = None
    prefix: str = ""
    last_seen: Callable[[], str] | None = None


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
        self._servers = ServerTarget(settings)
        self._seeded: dict[tuple[Any, ...], Emulator] = {}

    @contextmanager
    def place(self, setup: Setup) -> Iterator[Place]:
        """A new emulator, or a seeded one that is rolled back at the end."""
        if not setup.in_process:
            with self._servers.place(setup) as place:
                yield replace(place, target=self.name)
            return
        with ExitStack() as stack:
            emulator = _new_emulator(setup) if not setup.loads else self._rolled_back(setup, stack)
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
            emulator = self._seeded[setup.key] = _new_emulator(setup)
            for load in setup.loads:
                load(emulator)
        stack.enter_context(emulator.rollback())
        emulator.journal.clear()
        return emulator

    def describe(self) -> str:
        """For the report's header."""
        return "emulator (in process)"

    def close(self) -> None:
        """Stops child processes."""
        self._servers.close()


def _new_emulator(setup: Setup) -> Emulator:
    schema = setup.schema if setup.schema is None or isinstance(setup.schema, Schema) else load_schema(setup.schema)
    limits = DEFAULT_LIMITS.lowered(setup.limits) if setup.limits else DEFAULT_LIMITS
    emulator = Emulator(schema, limits=limits, seed=setup.seed)
    functions = load_functions(setup.functions) if isinstance(setup.functions, str) else setup.functions
    for path, function in (functions or {}).items():
        emulator.define(path, function)
    return emulator


class _Child:
    """A served emulator in another process, marked where tests begin."""

    def __init__(self, setup: Setup, deadline_seconds: float) -> None:
        if setup.functions is not None and not isinstance(setup.functions, str):
            raise TargetCannot(
                "the target `server` needs functions it can import: give --convex-functions or the fixture "
                "convex_functions as `module:ATTRIBUTE`"
            )
        self.process = ServedProcess(
            schema=setup.schema,
            functions=setup.functions,
            limits=setup.limits,
            seed=setup.seed,
            env={"IS_TEST": "1"},
        )
        self.is_busy = False
        try:
            self._seconds = deadline_seconds
            for load in setup.loads:
                with self.connected() as deployment:
                    load(deployment)
            self.process.mark()
        except BaseException:
            self.process.stop()
            raise

    @contextmanager
    def connected(self) -> Iterator[LoggedDeployment]:
        with connect(self.process.url, self.process.admin_key, timeout_seconds=self._seconds) as inner:
            yield LoggedDeployment(inner)


class ServerTarget:
    """The emulator in a child process, through sockets."""

    name = "server"
    can_change = True
    has_sockets = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._children: dict[tuple[Any, ...], _Child] = {}

    @contextmanager
    def place(self, setup: Setup) -> Iterator[Place]:
        """The child for this kind of test; rolled back at the end."""
        child = self._children.get(setup.key)
        if child is None:
            child = self._children[setup.key] = _Child(setup, self._settings.deadline_seconds)
        if child.is_busy:
            raise TargetCannot("one deployment of the target `server` at a time: a test already has it")
        process, child.is_busy = child.process, True
        address = Address(process.url, process.admin_key)
        try:
            with child.connected() as deployment:
                yield Place(
                    target=self.name,
                    deployment=deployment,
                    journal=deployment.journal,
                    address=lambda: address,
                    last_seen=lambda: process.last_seen,
                )
        finally:
            process.rollback()
            child.is_busy = False

    def describe(self) -> str:
        """For the report's header."""
        return "server (emulator in a child process)"

    def close(self) -> None:
        """Stops the children."""
        for child in self._children.values():
            child.process.stop()
        self._children.clear()


class OracleTarget:
    """The published handlers on convex-test, in Node.

    Args:
        settings: the run's.
        report: is told what takes long.
    """

    name = "oracle"
    can_change = False
    has_sockets = False

    def __init__(self, settings: Settings, report: Callable[[str], None]) -> None:
        self._settings = settings
        self._report = report
        self._oracle: Oracle | None = None
        self._is_busy = False

    @contextmanager
    def place(self, setup: Setup) -> Iterator[Place]:
        """The oracle, emptied."""
        if self._is_busy:
            raise TargetCannot("one deployment of the target `oracle` at a time: a test already has it")
        if self._oracle is None:
            self._oracle = Oracle(ensure_npm_project(self._report)).__enter__()
        self._oracle.reset()
        address = Address(self._oracle.url, "")
        self._is_busy = True
        try:
            with connect(address.url, timeout_seconds=self._settings.deadline_seconds) as inner:
                for load in setup.loads:
                    load(inner)
                deployment = LoggedDeployment(inner)
                yield Place(
                    target=self.name, deployment=deployment, journal=deployment.journal, address=lambda: address
                )
        finally:
            self._is_busy = False

    def describe(self) -> str:
        """For the report's header."""
        return "oracle (published handlers on convex-test)"

    def close(self) -> None:
        """Stops Node."""
        if self._oracle is not None:
            self._oracle.__exit__(None, None, None)
            self._oracle = None


def open_target(name: str, settings: Settings, report: Callable[[str], None]) -> Target:
    """The target of that name; nothing is started yet."""
    if name == "live":
        from pytest_mastra_convex.live import LiveTarget

        return LiveTarget(settings, report)
    if name == "oracle":
        return OracleTarget(settings, report)
    return ServerTarget(settings) if name == "server" else EmulatorTarget(settings)
