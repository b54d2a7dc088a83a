"""Deploys that were asked for through the network: begun, checked against the documents, and finished or forgotten.

convex-backend crates/application/src/deploy_config.rs, crates/database/src/bootstrap_model/schema/mod.rs
(convex-wire.md §4.2 and §4.3, checked 2026-11-21).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from convex_mastra_emulator.deploys import DeployDiff, Deploys, Dialect, NewDeploy
from convex_mastra_emulator.errors import ErrorKind, RequestRefused, SchemaViolation
from convex_mastra_emulator.runtime.node.bundle import Bundle
from convex_mastra_emulator.runtime.node.external_packages import PackagesMissing, node_modules_with
from convex_mastra_emulator.runtime.node.pushed_modules import PushedModule, write_bundle
from convex_mastra_emulator.schema.index_diff import IndexDiff
from convex_mastra_emulator.schema.schema import Schema

_KEPT = 8
"""Pushes that were begun and not finished; of an older one nothing is known any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleHash:
    """A module that is to stay as it was pushed before."""

    path: str
    environment: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedApp:
    """What a push brings.

    Attributes:
        schema: ``schema.js``; None without one.
        changed: modules that are new or another.
        unchanged: modules that stay.
        external_packages: the versions of npm packages that are not in the modules.
        server_version: of npm convex in the project.
        node_version: of Node, if the project names one.
    """

    schema: PushedModule | None
    changed: Sequence[PushedModule]
    unchanged: Sequence[ModuleHash] = ()
    external_packages: Mapping[str, str] = field(default_factory=dict)
    server_version: str = "unknown"
    node_version: str | None = None


class TableSize(NamedTuple):
    """How many documents a table holds, and how many bytes they are."""

    documents: int
    size: int


NO_DOCUMENTS = TableSize(0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What a push would change.

    Attributes:
        schema: its schema.
        schema_before: the one in effect.
        indexes: what would become of indexes.
        sizes: of the tables there are.
    """

    schema: Schema
    schema_before: Schema
    indexes: IndexDiff
    sizes: Mapping[str, TableSize]


@dataclass(frozen=True, slots=True, eq=False)
class Push:
    """A push that was begun.

    Attributes:
        id: how it is asked for.
        schema_id: how its schema is asked for; None without one.
        deploy: what takes effect when it is finished.
        indexes: what becomes of indexes.
        server_version: of npm convex in the project.
        node_version: of Node, if the project names one.
    """

    id: str
    schema_id: str | None
    deploy: NewDeploy
    indexes: IndexDiff
    server_version: str
    node_version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaStatus:
    """How far a schema is: ``complete``, ``failed`` with the document it failed at, or ``raceDetected``."""

    type: str
    violation: SchemaViolation | None = None


@dataclass(slots=True)
class _Schemas:
    """The ids of the schema in effect and of the one that waits; whichever comes later overwrites the waiting one."""

    active_id: str
    pending: Schema | None = None
    pending_id: str | None = None

    def is_known(self, schema_id: str | None) -> bool:
        """Whether no later push has overwritten it."""
        return schema_id in (None, self.active_id, self.pending_id)


class Pushes:
    """The pushes of one emulator.

    Args:
        deploys: reads them and lets them take effect.
        env: the environment variables as they are.
        dialect: what is refused.
        new_id: gives a new name.

    Attributes:
        server_version: of npm convex in the project that was pushed last; None before.
        node_version: of Node, that it named; None if it named none.
    """

    def __init__(self, deploys: Deploys, env: Mapping[str, str], dialect: Dialect, new_id: Callable[[], str]) -> None:
        self._deploys = deploys
        self._env = env
        self._dialect = dialect
        self._new_id = new_id
        self._lock = threading.Lock()
        self._begun: dict[str, Push] = {}
        self._schemas = _Schemas(new_id())
        self.server_version: str | None = None
        self.node_version: str | None = None

    # Modules

    def modules(self) -> list[PushedModule]:
        """The modules in effect; none while Python's functions are."""
        return self._deploys.modules()

    # Steps

    def evaluate(self, app: PushedApp) -> Evaluation:
        """Tells what a push would change, and changes nothing.

        Raises:
            RequestRefused: when a module is not there that was to stay, or a package that is not in the modules.
            DeployRefused: when a module cannot be loaded.
            SchemaDefinitionError: for a schema or crons no deployment takes.
        """
        new = self._read(app)
        new.host.close()
        return Evaluation(
            schema=new.schema,
            schema_before=self._deploys.schema,
            indexes=self._deploys.index_diff(new),
            sizes={name: TableSize(*size) for name, size in self._deploys.table_sizes().items()},
        )

    def start(self, app: PushedApp) -> Push:
        """Begins a push: reads it, and has its schema wait for :meth:`finish`.

        Raises:
            RequestRefused: when a module is not there that was to stay, or a package that is not in the modules.
            DeployRefused: when a module cannot be loaded.
            SchemaDefinitionError: for a schema or crons no deployment takes.
        """
        new = self._read(app)
        with self._lock:
            indexes = self._deploys.index_diff(new)
            push = Push(self._new_id(), self._submit(new), new, indexes, app.server_version, app.node_version)
            for earlier in self._begun.values():
                # It may still be finished; its processes are then started anew.
                earlier.deploy.host.close()
            self._begun[push.id] = push
            while len(self._begun) > _KEPT:
                del self._begun[next(iter(self._begun))]
        return push

    def _read(self, app: PushedApp) -> NewDeploy:
        modules = [*app.changed, *self._unchanged(app.unchanged)]

        def make_bundle(folder: Path) -> Bundle:
            return write_bundle(modules, app.schema, folder, self._node_modules(app))

        return self._deploys.read(make_bundle, self._dialect)

    @staticmethod
    def _node_modules(app: PushedApp) -> Path | None:
        if not app.external_packages:
            return None
        try:
            return node_modules_with(app.external_packages, Path.cwd())
        except PackagesMissing as error:
            raise RequestRefused(str(error), code="NotEmulated") from None

    def _unchanged(self, hashes: Sequence[ModuleHash]) -> list[PushedModule]:
        there = {module.path: module for module in self.modules()} if hashes else {}
        return [_same(there.get(wanted.path), wanted) for wanted in hashes]

    def _submit(self, new: NewDeploy) -> str | None:
        schemas = self._schemas
        if new.deployed.schema is None:
            return None
        if new.schema == self._deploys.schema:
            self._overwrite_pending()
            return schemas.active_id
        if new.schema == schemas.pending:
            return schemas.pending_id
        self._overwrite_pending()
        schemas.pending, schemas.pending_id = new.schema, self._new_id()
        return schemas.pending_id

    def _overwrite_pending(self) -> None:
        self._schemas.pending = self._schemas.pending_id = None

    def schema_status(self, schema_id: str | None) -> SchemaStatus:
        """Holds the documents against a schema that waits."""
        with self._lock:
            schemas = self._schemas
            if schema_id is None or schema_id == schemas.active_id:
                return SchemaStatus(type="complete")
            if schema_id != schemas.pending_id or schemas.pending is None:
                return SchemaStatus(type="raceDetected")
            violation = self._deploys.violation(schemas.pending)
        return SchemaStatus(type="complete" if violation is None else "failed", violation=violation)

    def close(self) -> None:
        """Ends the processes of pushes that were begun."""
        with self._lock:
            for push in self._begun.values():
                push.deploy.host.close()

    def finish(self, push_id: str) -> DeployDiff:
        """Lets a push take effect: all of it, or nothing.

        Raises:
            RequestRefused: when environment variables have changed meanwhile, when a later push has overwritten its
                schema or it is not known any more, and when a document does not match the schema by now.
            SchemaDefinitionError: when a cron names a function that is not there, or a query.
        """
        with self._lock:
            push = self._begun.get(push_id)
            if push is None or not self._schemas.is_known(push.schema_id):
                raise RequestRefused("Schema has already been overwritten.", code="SchemaAlreadyOverwritten")
            if dict(self._env) != push.deploy.environment:
                raise RequestRefused("Environment variables have changed during push", code="RaceDetected")
            try:
                diff = self._deploys.apply(push.deploy)
            except SchemaViolation as violation:
                raise RequestRefused(
                    f"Schema has already been failed with error: {violation}", code="SchemaAlreadyFailed"
                ) from None
            self._schemas = _Schemas(push.schema_id or self._new_id())
            # It is in effect: what it was made of is to go when another takes its place.
            del self._begun[push_id]
            self.server_version, self.node_version = push.server_version, push.node_version
            return diff


def _same(module: PushedModule | None, wanted: ModuleHash) -> PushedModule:
    # crates/application/src/lib.rs ``upload_packages``
    if module is None:
        raise _conflict("MissingExistingModule", "Could not find existing unchanged module.")
    if module.sha256 != wanted.sha256:
        raise _conflict("ExistingModuleHashConflict", "Existing module hash does not match.")
    if module.environment != wanted.environment:
        raise _conflict("ExistingModuleEnvConflict", "Existing module environment does not match.")
    return module


def _conflict(code: str, text: str) -> RequestRefused:
    return RequestRefused(text, code=code, kind=ErrorKind.CONFLICT)
