"""Deploys the user's own ``convex/`` folder to an emulator."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from convex_mastra_emulator.deploys import Deploys, Dialect
from convex_mastra_emulator.runtime.node.bundle import Bundle
from convex_mastra_emulator.runtime.node.bundle_cache import cached_bundle


class Deployable:
    """Takes deploys of TypeScript."""

    dialect: Dialect
    _deploys: Deploys

    def deploy(
        self,
        folder: str | PathLike[str],
        *,
        npm_folder: str | PathLike[str] | None = None,
        dialect: Dialect | None = None,
    ) -> None:
        """Deploys a folder of TypeScript functions, as ``npx convex deploy`` does: all of it, or nothing.

        Its functions, schema, crons and HTTP routes take the place of those that were deployed before, Mastra's in
        Python among them; what :meth:`define` has added stays.

        Args:
            folder: such as ``convex/``.
            npm_folder: where ``node_modules`` lies; the folder or the first one above it that has one, if None.
            dialect: what is refused; the emulator's if None.

        Raises:
            NodeMissing: when there is no Node to run it.
            BundleFailed: what esbuild said.
            DeployRefused: when a module cannot be loaded.
            SchemaDefinitionError: for a schema or crons no deployment takes.
            SchemaViolation: when a document does not match the schema.
        """
        npm = None if npm_folder is None else Path(npm_folder)

        def make_bundle(output: Path) -> Bundle:
            return cached_bundle(Path(folder), output, npm)

        new = self._deploys.read(make_bundle, dialect or self.dialect)
        try:
            self._deploys.apply(new)
        except BaseException:
            new.host.close()
            raise
