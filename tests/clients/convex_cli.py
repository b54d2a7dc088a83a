"""The real `npx convex` (npm convex) for tests.

Every command is a Node process of its own, without a terminal (`CI=1`), in a folder that knows nothing but the package.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convex_mastra_emulator.server import ServedEmulator
from pytest_mastra_convex.node_project import node_binary

RUN_SECONDS_MAX = 60


@dataclass(frozen=True, slots=True)
class Run:
    """One command that ended: its exit code, and what it printed for programs and for people."""

    code: int
    output: str
    messages: str


class ConvexCli:
    """`npx convex` in a folder, against one served emulator.

    Args:
        npm_project: has npm convex installed.
        folder: a project's; a new one gets what makes it one.
        served: the deployment.
    """

    def __init__(self, npm_project: Path, folder: Path, served: ServedEmulator) -> None:
        self.folder = folder
        if not (folder / "package.json").exists():
            (folder / "package.json").write_text('{"name": "app", "dependencies": {"convex": "1.48.0"}}')
        main = npm_project / "node_modules" / "convex" / "bin" / "main.js"
        self._command = [str(node_binary()), str(main)]
        self._deployment = ["--url", served.url, "--admin-key", served.admin_key]
        # Only what the command needs: settings of the machine must not reach into it, nor its proxies.
        self._environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "CI": "1"}

    def __call__(self, *arguments: str, stdin: str | None = None, **environment: str) -> Run:
        done = subprocess.run(
            [*self._command, *arguments, *self._deployment],
            cwd=self.folder,
            env={**self._environment, **environment},
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS_MAX,
            check=False,
        )
        return Run(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def started(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A command that goes on until somebody ends it, at the latest at the end of the block."""
        process = subprocess.Popen(
            [*self._command, *arguments, *self._deployment],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                yield process
            finally:
                process.kill()

    def ok(self, *arguments: str, **options: Any) -> Run:
        """The same for what must succeed."""
        run = self(*arguments, **options)
        assert run.code == 0, run
        return run

    def write(self, name: str, content: str | bytes) -> str:
        """Puts a file into the folder; gives its name."""
        (self.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return name
