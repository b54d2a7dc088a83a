"""The targets behind sockets: the emulator in a child process, and the oracle in Node."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from convex_mastra_emulator import connect
from convex_mastra_emulator.server.process import ServedProcess
from pytest_mastra_convex.call_log import LoggedDeployment
from pytest_mastra_convex.node_project import Oracle, ensure_npm_project
from pytest_mastra_convex.options import Settings
from pytest_mastra_convex.recording import Recording, RecordingDeployment
from pytest_mastra_convex.targets import Address, Place, Setup, TargetCannot
from pytest_mastra_convex.versions import versions


class _Child:
    """A served emulator in another process, marked where tests begin."""

    def __init__(self, setup: Setup, deadline_seconds: float) -> None:
        if setup.functions is not None and not isinstance(setup.functions, str):
            raise TargetCannot(
                "an emulator in another process needs functions it can import: give --convex-functions or the fixture "
                "convex_functions as `module:ATTRIBUTE`"
            )
        if setup.http is not None and not isinstance(setup.http, str):
            raise TargetCannot(
                "an emulator in another process needs HTTP actions it can import: give --convex-http or the fixture "
                "convex_http_router as `module:ATTRIBUTE`"
            )
        self.process = ServedProcess(
            schema=setup.own_schema or (setup.schema if setup.folder is None else None),
            http=setup.http if setup.folder is None else None,
            deploy=setup.folder,
            functions=setup.functions,
            limits=setup.limits,
            seed=setup.seed,
            env={"IS_TEST": "1", **setup.env},
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
        address = Address(process.url, process.admin_key, process.site_url)
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
        address = Address(self._oracle.url, "", f"{self._oracle.url}/oracle/site")
        self._is_busy = True
        try:
            with connect(address.url, timeout_seconds=self._settings.deadline_seconds) as inner:
                recording = None
                if self._settings.record is not None:
                    recording = Recording(test=setup.test, target=self.name, versions=versions())
                recorded = inner if recording is None else RecordingDeployment(inner, recording)
                for load in setup.loads:
                    load(recorded)
                deployment = LoggedDeployment(recorded)
                yield Place(
                    target=self.name,
                    deployment=deployment,
                    journal=deployment.journal,
                    address=lambda: address,
                    recording=recording,
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
