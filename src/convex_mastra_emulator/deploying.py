"""Deploys the user's own ``convex/`` folder to an emulator."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Literal, overload

from convex_mastra_emulator.deploys import Deploys, Dialect
from convex_mastra_emulator.runtime.node.bundle import Bundle
from convex_mastra_emulator.runtime.node.bundle_cache import cached_bundle
from convex_mastra_emulator.schema.schema import Schema
from convex_mastra_emulator.watching import Tell, Watch


class Deployable:
    """Takes deploys of TypeScript."""

    dialect: Dialect
    _deploys: Deploys
    _watches: list[Watch]

    @overload
    def deploy(
        self,
        folder: str | PathLike[str],
        *,
        npm_folder: str | PathLike[str] | None = None,
        schema: Schema | None = None,
        dialect: Dialect | None = None,
        watch: Literal[False] = False,
    ) -> None: ...

    @overload
    def deploy(
        self,
        folder: str | PathLike[str],
        *,
        npm_folder: str | PathLike[str] | None = None,
        schema: Schema | None = None,
        dialect: Dialect | None = None,
        watch: Literal[True],
        tell: Tell | None = None,
    ) -> Watch: ...

    def deploy(
        self,
        folder: str | PathLike[str],
        *,
        npm_folder: str | PathLike[str] | None = None,
        schema: Schema | None = None,
        dialect: Dialect | None = None,
        watch: bool = False,
        tell: Tell | None = None,
    ) -> Watch | None:
        """Deploys a folder of TypeScript functions, as ``npx convex deploy`` does: all of it, or nothing.

        Its functions, schema, crons and HTTP routes take the place of those that were deployed before, Mastra's in
        Python among them; what :meth:`define` has added stays.

        Args:
            folder: such as ``convex/``.
            npm_folder: where ``node_modules`` lies; the folder or the first one above it that has one, if None.
            schema: the tables, in place of those in ``schema.ts``.
            dialect: what is refused; the emulator's if None.
            watch: whether it is deployed again whenever a file changes, until the watch that is given back or the
                emulator is closed.  What is refused then is told, and leaves what was deployed before.
            tell: is told of each of those deploys why it was refused; None if it was not.

        Raises:
            NodeMissing: when there is no Node to run it.
            BundleFailed: what esbuild said.
            DeployRefused: when a module cannot be loaded.
            SchemaDefinitionError: for a schema or crons no deployment takes.
            SchemaViolation: when a document does not match the schema.
        """
        npm = None if npm_folder is None else Path(npm_folder)

        def deploy() -> tuple[Path, ...]:
            return self._deploy(Path(folder), npm, schema, dialect or self.dialect)

        inputs = deploy()
        if not watch:
            return None
        watching = Watch(Path(folder), deploy, inputs, tell).start()
        self._watches.append(watching)
        return watching

    def _deploy(
        self, folder: Path, npm_folder: Path | None, schema: Schema | None, dialect: Dialect
    ) -> tuple[Path, ...]:
        """Deploys once; tells which files were read."""

        def make_bundle(output: Path) -> Bundle:
            return cached_bundle(folder, output, npm_folder)

        new = self._deploys.read(make_bundle, dialect, schema)
        try:
            self._deploys.apply(new)
        except BaseException:
            new.host.close()
            raise
        return new.host.bundle.inputs

    def end_processes(self) -> None:
        """Ends the processes that run TypeScript; they are started anew when a function is called."""
        self._deploys.close()

    def end_watches(self) -> None:
        """Ends all that watches a folder."""
        while self._watches:
            self._watches.pop().close()
