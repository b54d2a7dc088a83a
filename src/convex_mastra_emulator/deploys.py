"""What a deploy of TypeScript does to an emulator: it is read without being seen, and then takes effect as a whole.

convex-backend crates/application/src/deploy_config.rs ``start_push`` and ``finish_push``
(convex-wire.md §4.2, checked 2026-11-21).
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from convex_mastra_emulator.database.schema_change import change_schema, first_violation
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.errors import SchemaViolation
from convex_mastra_emulator.mastra import MASTRA_FUNCTIONS
from convex_mastra_emulator.runtime.auth_config import AuthDiff, auth_diff
from convex_mastra_emulator.runtime.context import ActionContext
from convex_mastra_emulator.runtime.crons import CronJob
from convex_mastra_emulator.runtime.executor import Executor
from convex_mastra_emulator.runtime.functions import Function
from convex_mastra_emulator.runtime.http_messages import HttpActionRequest, HttpActionResponse
from convex_mastra_emulator.runtime.http_router import Route, Router, http_action
from convex_mastra_emulator.runtime.node.auth_evaluation import WHEN_CHANGED
from convex_mastra_emulator.runtime.node.binary import node_binary
from convex_mastra_emulator.runtime.node.bundle import Bundle
from convex_mastra_emulator.runtime.node.deploy import Deployed, read_deploy
from convex_mastra_emulator.runtime.node.host import TypeScriptHost
from convex_mastra_emulator.runtime.node.pushed_modules import PushedModule
from convex_mastra_emulator.runtime.node.saved_deploy import SavedDeploy, read_saved_deploy
from convex_mastra_emulator.runtime.paths import FunctionPath, parse_path
from convex_mastra_emulator.runtime.saved_state import deploy_settings
from convex_mastra_emulator.runtime.scheduler import Scheduler
from convex_mastra_emulator.schema.index_diff import IndexDiff, index_diff
from convex_mastra_emulator.schema.schema import Schema

Dialect: TypeAlias = Literal["documented", "strict"]
"""``strict`` refuses what a deployment refuses; otherwise ``@mastra/convex``'s validator with a field ``$or``, which no
deployment takes, is let through with a warning."""
MakeBundle: TypeAlias = Callable[[Path], Bundle]
"""Puts a bundle into an empty folder."""


@dataclass(frozen=True, slots=True, eq=False)
class NewDeploy:
    """A deploy that was read and has no effect yet.

    Attributes:
        host: runs its functions.
        deployed: what it brings.
        environment: the environment variables it was read with.
        schema: its tables; none without a ``schema.ts``.
    """

    host: TypeScriptHost
    deployed: Deployed
    environment: Mapping[str, str]
    schema: Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployDiff:
    """What a deploy has changed.

    Attributes:
        schemas: the schema before, and the one of now.
        indexes: of them.
        auth: the providers of tokens.
        modules_added: paths of modules that are new or another.
        modules_removed: paths of modules that are there no longer.
        crons_added: ids.
        crons_updated: ids of those whose schedule, function or arguments are others.
        crons_deleted: ids.
    """

    schemas: tuple[Schema, Schema]
    indexes: IndexDiff
    auth: AuthDiff
    modules_added: tuple[str, ...]
    modules_removed: tuple[str, ...]
    crons_added: tuple[str, ...]
    crons_updated: tuple[str, ...]
    crons_deleted: tuple[str, ...]


class Deploys:
    """The deploys of TypeScript to one emulator.

    Args:
        executor: what they change.
        scheduler: takes their crons.
    """

    def __init__(self, executor: Executor, scheduler: Scheduler) -> None:
        self._executor = executor
        self._scheduler = scheduler
        executor.env.checks.append(self._check_environment)
        executor.origins.listeners.append(self._follow_origins)

    def read(self, make_bundle: MakeBundle, dialect: Dialect, schema: Schema | None = None) -> NewDeploy:
        """Bundles and loads modules; nothing of them is seen yet.

        Args:
            make_bundle: makes what is deployed.
            dialect: what is refused.
            schema: the tables, in place of those in ``schema.ts``.

        Raises:
            NodeMissing: when there is no Node to run them.
            BundleFailed: what esbuild said.
            DeployRefused: when a module cannot be loaded, or ``auth.config.ts`` is not valid.
            SchemaDefinitionError: for a schema or crons no deployment takes.
        """
        return self._read(self._new_host(make_bundle, is_strict=dialect == "strict"), schema)

    def _read(self, host: TypeScriptHost, schema: Schema | None) -> NewDeploy:
        env = self._executor.env
        try:
            deployed = read_deploy(host, env.of_process())
            return NewDeploy(host, deployed, dict(env), schema or deployed.schema or Schema({}))
        except BaseException:
            host.close()
            raise

    def _new_host(
        self, make_bundle: MakeBundle, *, is_strict: bool, saved: SavedDeploy | None = None
    ) -> TypeScriptHost:
        node = node_binary()
        output = Path(tempfile.mkdtemp(prefix="convex-mastra-emulator-"))
        try:
            bundle = make_bundle(output)
            executor = self._executor
            host = TypeScriptHost(node, bundle, executor.limits, executor.clock, is_strict=is_strict, saved=saved)
        except BaseException:
            shutil.rmtree(output)
            raise
        # Clones may run the functions longer than this emulator is there.
        weakref.finalize(host, shutil.rmtree, output, ignore_errors=True)
        return host

    # Effect

    @property
    def schema(self) -> Schema:
        """The schema of the deploy in effect: what an emulator begins with, Mastra's or another, came with none."""
        executor = self._executor
        return Schema({}) if executor.typescript is None else executor.store.schema

    def modules(self) -> list[PushedModule]:
        """The modules in effect; none while nothing was deployed."""
        host = self._executor.typescript
        return [] if host is None else host.modules()

    def index_diff(self, new: NewDeploy) -> IndexDiff:
        """What becomes of indexes when a deploy takes effect."""
        return index_diff(self.schema, new.schema)

    def table_sizes(self) -> dict[str, tuple[int, int]]:
        """How many documents each table holds, and how many bytes they are."""
        with self._executor.lock:
            return {
                name: (len(table.documents), sum(document.size for document in table.documents.values()))
                for name, table in self._executor.store.tables.items()
            }

    def violation(self, schema: Schema) -> SchemaViolation | None:
        """The first document that does not fit a schema; None if all do."""
        with self._executor.lock:
            return first_violation(self._executor.store, schema)

    def apply(self, new: NewDeploy) -> DeployDiff:
        """Lets a deploy take effect: all of it, or nothing.

        Its functions, schema, crons and HTTP routes take the place of those that were deployed before.

        Raises:
            SchemaViolation: when a document does not match the schema.
            SchemaDefinitionError: when a cron names a function that is not there, or a query.
        """
        executor = self._executor
        with executor.lock:
            violation = self.violation(new.schema)
            if violation is not None:
                raise violation
            before = executor.typescript
            old_schema, old_crons = self.schema, executor.crons.state()
            self._change(new)
            executor.http_router = _router(new)
            auth = auth_diff(executor.auth_infos, new.deployed.auth)
            executor.auth_infos = auth.providers
            diff = _diff(old_schema, old_crons, auth, before, new, executor.crons.state())
        if before is not None and before is not new.host:
            before.close()
        return diff

    def _change(self, new: NewDeploy) -> None:
        executor = self._executor
        functions, schema, host = executor.functions.snapshot(), executor.store.schema, executor.typescript
        try:
            executor.functions.restore(_functions(new, functions))
            # What an emulator begins with, Mastra's tables or others, is nothing somebody has deployed.
            self._change_schema(new.schema, new.host, forgets_empty=host is None)
            self._scheduler.deploy(new.deployed.crons)
        except BaseException:
            executor.functions.restore(functions)
            self._change_schema(schema, host)
            raise

    def _change_schema(self, schema: Schema, host: TypeScriptHost | None, *, forgets_empty: bool = False) -> None:
        executor = self._executor
        settings = deploy_settings(executor, schema, host)
        with executor.saving(settings):
            executor.in_transaction(_changing(executor, schema, forgets_empty=forgets_empty))
            executor.save(settings)  # if no document has changed
        executor.typescript = host

    def reopen(self, text: str) -> None:
        """Brings back the deploy that a file of data holds, whose schema the emulator was opened with.

        Raises:
            NodeMissing: when there is no Node to run it.
        """
        saved = read_saved_deploy(text)
        new = self._read(self._new_host(saved.write, is_strict=saved.is_strict, saved=saved), None)
        executor = self._executor
        executor.functions.restore(_functions(new, executor.functions.snapshot()))
        executor.http_router = _router(new)
        executor.auth_infos = auth_diff((), new.deployed.auth).providers
        executor.typescript = new.host

    # The environment of the auth config

    def _check_environment(self) -> Callable[[], None]:
        """Evaluates the auth config with other environment variables, which it may refuse."""
        executor = self._executor
        host = executor.typescript
        if host is None or not host.bundle.auth_config:
            return lambda: None
        infos = host.auth_config.providers(executor.env.of_process(), explanation=WHEN_CHANGED)

        def take() -> None:
            executor.auth_infos = auth_diff(executor.auth_infos, infos).providers

        return take

    def _follow_origins(self) -> None:
        """The site's URL is often that of a provider."""
        with self._executor.lock:
            self._check_environment()()

    def close(self) -> None:
        """Ends the processes that run TypeScript; they are started anew when a function is called."""
        if self._executor.typescript is not None:
            self._executor.typescript.close()


def _functions(new: NewDeploy, there: Mapping[FunctionPath, Function]) -> dict[FunctionPath, Function]:
    """Those of a deploy, and those that ``define`` has added and no deploy takes away."""
    kept = {
        path: function
        for path, function in there.items()
        if not function.is_deployed and function is not MASTRA_FUNCTIONS.get(path.stripped)
    }
    return {parse_path(name): function for name, function in new.deployed.functions.items()} | kept


def _changing(executor: Executor, schema: Schema, *, forgets_empty: bool) -> Callable[[Transaction], None]:
    def change(_: Transaction) -> None:
        change_schema(executor.store, schema, forgets_empty=forgets_empty)

    return change


def _diff(
    old_schema: Schema,
    old_crons: Mapping[str, CronJob],
    auth: AuthDiff,
    before: TypeScriptHost | None,
    new: NewDeploy,
    crons: Mapping[str, CronJob],
) -> DeployDiff:
    old_modules = {} if before is None else before.module_hashes()
    modules = new.host.module_hashes()
    return DeployDiff(
        schemas=(old_schema, new.schema),
        indexes=index_diff(old_schema, new.schema),
        auth=auth,
        modules_added=tuple(path for path, sha256 in modules.items() if old_modules.get(path) != sha256),
        modules_removed=tuple(path for path in old_modules if path not in modules),
        crons_added=tuple(id for id in crons if id not in old_crons),
        crons_updated=tuple(id for id, job in crons.items() if id in old_crons and job.cron != old_crons[id].cron),
        crons_deleted=tuple(id for id in old_crons if id not in crons),
    )


def _router(new: NewDeploy) -> Router | None:
    told = new.deployed.routes
    return None if told is None else _DeployedRouter(new.host, told)


class _DeployedRouter:
    """The router that ``http.ts`` exports; it finds routes itself, whatever it has told of them when it was pushed.

    crates/isolate/src/environment/action/mod.rs ``run_http_action_inner`` (checked 2026-11-21).
    """

    def __init__(self, host: TypeScriptHost, told: tuple[tuple[str, str], ...]) -> None:
        self._host = host
        self._told = told
        self._action = http_action(self._answer)

    def find(self, path: str, method: str, env: Mapping[str, str]) -> Route | None:
        """What answers a request; None if nothing does."""
        found = self._host.find_route(path, method, env)
        return None if found is None else Route(self._action, *found)

    def routes(self) -> list[Route]:
        """The routes it has told of, in its order."""
        return [Route(self._action, method, path) for path, method in self._told]

    def _answer(self, ctx: ActionContext, request: HttpActionRequest) -> HttpActionResponse:
        return self._host.run_http(ctx, urlsplit(request.url).path, request)
