"""The real `npx convex` (npm convex) for tests.

Every command is a Node process of its own, without a terminal (`CI=1`), in a folder that knows nothing but the package.
"""

import os
import subprocess
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

    def __call__(self, *arguments: str, stdin: str | None = None, **environment: str) -> Run:
        # Only what the command needs: settings of the machine must not reach into it, nor its proxies.
        needed = {"PATH": os.environ.get("PATH", ""), "HOME": str(self.folder), "CI": "1"}
        done = subprocess.run(
            [*self._command, *arguments, *self._deployment],
            cwd=self.folder,
            env={**needed, **environment},
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS_MAX,
            check=False,
        )
        return Run(done.returncode, done.stdout, done.stderr)

    def ok(self, *arguments: str, **options: Any) -> Run:
        """The same for what must succeed."""
        run = self(*arguments, **options)
        assert run.code == 0, run
        return run

    def write(self, name: str, content: str | bytes) -> str:
        """Puts a file into the folder; gives its name."""
        (self.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return name
