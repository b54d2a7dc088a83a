"""The target ``typescript``: the emulator with a folder of TypeScript deployed, the package's own or the user's.

The engine is that of the target ``emulator``; the bodies of the functions are the ones a real deployment runs.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from convex_mastra_emulator import Clock, Emulator, ManualClock, SystemClock
from convex_mastra_emulator.schema import Schema
from pytest_mastra_convex.deployable import copy_functions
from pytest_mastra_convex.node_project import ensure_npm_project
from pytest_mastra_convex.options import Settings
from pytest_mastra_convex.targets import (
    Beginnings,
    Place,
    Setup,
    Target,
    define_functions,
    lowered_limits,
    open_target,
    place_in_process,
)

# A deploy runs in two processes of Node, or three: those of setups no test has asked for lately are ended.
_RUNNING_MAX = 2


class TypeScriptTarget:
    """The emulator in the test's process, with TypeScript deployed; in a child where a client blocks this one.

    Args:
        settings: the run's.
        report: is told what takes long.
    """

    name = "typescript"
    can_change = True
    has_sockets = True

    def __init__(self, settings: Settings, report: Callable[[str], None]) -> None:
        self._settings = settings
        self._report = report
        self._resources = ExitStack()
        self._own_folder: Path | None = None
        self._servers: Target | None = None
        self._deployed: dict[tuple[Any, ...], Emulator] = {}
        self._beginnings = Beginnings(self._new_emulator)

    @contextmanager
    def place(self, setup: Setup) -> Iterator[Place]:
        """A copy of the emulator to which the folder was deployed, or a seeded one that is rolled back at the end."""
        if not setup.in_process:
            if self._servers is None:
                self._servers = open_target("server", self._settings, self._report)
            with self._servers.place(replace(setup, folder=self._folder(setup))) as place:
                yield replace(place, target=self.name)
            return
        with ExitStack() as stack:
            yield place_in_process(self.name, self._beginnings.emulator(setup, stack), stack)

    def schema(self, setup: Setup) -> Schema:
        """The tables a test has."""
        return self.template(setup).schema

    def _new_emulator(self, setup: Setup, clock: Clock | None) -> Emulator:
        emulator = self.template(setup).clone(seed=setup.seed, clock=clock or SystemClock())
        deployed = set(emulator.function_paths())
        define_functions(emulator, setup.functions, but=deployed)
        return emulator

    def template(self, setup: Setup) -> Emulator:
        """The emulator to which a test's folder was deployed, for copies to be made of."""
        folder = self._folder(setup)
        key = (folder, id(setup.own_schema), tuple(sorted(setup.limits.items())), tuple(sorted(setup.env.items())))
        template = self._deployed.pop(key, None) or self._deploy(folder, setup)
        self._deployed[key] = template
        for unused in list(self._deployed.values())[:-_RUNNING_MAX]:
            unused.end_processes()
        return template

    def _deploy(self, folder: Path, setup: Setup) -> Emulator:
        # Its time is the beginning of every manual clock, so that copies may have one of their own.
        emulator = Emulator(limits=lowered_limits(setup), clock=ManualClock())
        self._resources.callback(emulator.close)
        emulator.env.update(setup.env)
        with warnings.catch_warnings():
            if folder == self._own_folder:
                warnings.filterwarnings("ignore", "mastra/nativeVector.js:query: a deployment refuses this validator")
            emulator.deploy(folder, schema=setup.own_schema)
        return emulator

    def _folder(self, setup: Setup) -> Path:
        if setup.folder is not None:
            return setup.folder
        if self._own_folder is None:
            self._own_folder = self._write_own_folder()
        return self._own_folder

    def _write_own_folder(self) -> Path:
        project = ensure_npm_project(self._report)
        root = Path(self._resources.enter_context(tempfile.TemporaryDirectory(prefix="convex-mastra-typescript-")))
        (root / "node_modules").symlink_to(project / "node_modules")
        copy_functions(root / "convex", project)
        return root / "convex"

    def describe(self) -> str:
        """For the report's header."""
        return "typescript (emulator with deployed TypeScript)"

    def close(self) -> None:
        """Ends Node and child processes."""
        self._beginnings.close()
        if self._servers is not None:
            self._servers.close()
        self._resources.close()
