"""Deploys the user's own ``convex/`` folder to an emulator."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from convex_mastra_emulator.database.schema_change import change_schema, first_violation
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.mastra import MASTRA_FUNCTIONS
from convex_mastra_emulator.runtime.crons import Crons
from convex_mastra_emulator.runtime.executor import Executor
from convex_mastra_emulator.runtime.http_messages import HttpActionRequest, HttpActionResponse
from convex_mastra_emulator.runtime.http_router import HttpRouter, http_action
from convex_mastra_emulator.runtime.node.binary import node_binary
from convex_mastra_emulator.runtime.node.bundle import bundle
from convex_mastra_emulator.runtime.node.deploy import Deployed, read_deploy
from convex_mastra_emulator.runtime.node.host import TypeScriptFunction, TypeScriptHost
from convex_mastra_emulator.runtime.paths import parse_path
from convex_mastra_emulator.schema.schema import Schema


class Deployable:
    """Takes deploys of TypeScript."""

    limits: Limits
    _executor: Executor
    _host: TypeScriptHost | None = None

    if TYPE_CHECKING:  # the emulator's own

        def define_crons(self, crons: Crons) -> None:
            """Replaces the crons."""

        def define_http(self, router: HttpRouter | None) -> None:
            """Replaces the HTTP actions."""

    def deploy(
        self,
        folder: str | PathLike[str],
        *,
        npm_folder: str | PathLike[str] | None = None,
        schema: Schema | None = None,
        dialect: Literal["documented", "strict"] = "documented",
    ) -> None:
        """Deploys a folder of TypeScript functions, as ``npx convex deploy`` does: all of it, or nothing.

        Its functions, schema, crons and HTTP routes take the place of those that were deployed before, Mastra's in
        Python among them; what :meth:`define` has added stays.

        Args:
            folder: such as ``convex/``.
            npm_folder: where ``node_modules`` lies; the folder or the first one above it that has one, if None.
            schema: the tables, in place of those in ``schema.ts``.
            dialect: ``strict`` refuses what a deployment refuses; otherwise ``@mastra/convex``'s validator with a field
                ``$or``, which no deployment takes, is let through with a warning.

        Raises:
            NodeMissing: when there is no Node to run it.
            BundleFailed: what esbuild said.
            DeployRefused: when a module cannot be loaded.
            SchemaDefinitionError: for a schema or crons no deployment takes.
            SchemaViolation: when a document does not match the schema.
        """
        npm = None if npm_folder is None else Path(npm_folder)
        host = self._new_host(Path(folder), npm, is_strict=dialect == "strict")
        try:
            deployed = read_deploy(host, self._executor.env.of_process())
            with self._executor.lock:
                self._apply(deployed, host, schema or deployed.schema or Schema({}))
        except BaseException:
            host.close()
            raise
        before, self._host = self._host, host
        if before is not None:
            before.close()

    def _new_host(self, folder: Path, npm_folder: Path | None, *, is_strict: bool) -> TypeScriptHost:
        node = node_binary()
        output = Path(tempfile.mkdtemp(prefix="convex-mastra-emulator-"))
        try:
            bundled = bundle(folder, output, npm_folder)
            host = TypeScriptHost(node, bundled, self.limits, is_strict=is_strict)
        except BaseException:
            shutil.rmtree(output)
            raise
        # Clones may run the functions longer than this emulator is there.
        weakref.finalize(host, shutil.rmtree, output, ignore_errors=True)
        return host

    def _apply(self, deployed: Deployed, host: TypeScriptHost, schema: Schema) -> None:
        executor = self._executor
        violation = first_violation(executor.store, schema)
        if violation is not None:
            raise violation
        functions, before = executor.functions.snapshot(), executor.store.schema
        kept = {
            path: function
            for path, function in functions.items()
            if not isinstance(function, TypeScriptFunction) and function is not MASTRA_FUNCTIONS.get(path.stripped)
        }
        try:
            executor.functions.restore({parse_path(name): made for name, made in deployed.functions.items()} | kept)
            executor.in_transaction(_changing(executor, schema))
            self.define_crons(deployed.crons)
        except BaseException:
            executor.functions.restore(functions)
            executor.in_transaction(_changing(executor, before))
            raise
        self.define_http(_router(deployed.routes, host))

    def end_processes(self) -> None:
        """Ends the processes that run TypeScript; they are started anew when a function is called."""
        if self._host is not None:
            self._host.close()


def _changing(executor: Executor, schema: Schema) -> Callable[[Transaction], None]:
    def change(_: Transaction) -> None:
        change_schema(executor.store, schema)

    return change


def _router(routes: tuple[tuple[str, str], ...] | None, host: TypeScriptHost) -> HttpRouter | None:
    if routes is None:
        return None
    router = HttpRouter()
    for path, method in routes:
        handler = http_action(_answering(host))
        if path.endswith("*"):
            router.route(path_prefix=path.removesuffix("*"), method=method, handler=handler)
        else:
            router.route(path=path, method=method, handler=handler)
    return router


def _answering(host: TypeScriptHost) -> Callable[[Any, HttpActionRequest], HttpActionResponse]:
    def answer(ctx: Any, request: HttpActionRequest) -> HttpActionResponse:
        return host.run_http(ctx, urlsplit(request.url).path, request)

    return answer
