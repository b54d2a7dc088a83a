"""A served emulator for real clients: its own process, reached by address and key like any deployment."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from pytest_mastra_convex.node_project import ensure_npm_project, node_binary
from tests.clients.node_cases import ServedDeployment

START_DEADLINE_SECONDS = 30
STOP_DEADLINE_SECONDS = 10
_LOOK_AGAIN_SECONDS = 0.02

_EXPORT_SCHEMA = 'import schema from "./schema.ts"; process.stdout.write(schema.export());'


@pytest.fixture(scope="session")
def npm_project(report_progress: Callable[[str], None]) -> Path:
    """The npm project with its packages installed."""
    return ensure_npm_project(report_progress)


@pytest.fixture(scope="session")
def schema_file(npm_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The schema of `convex/schema.ts` as JSON: Mastra's tables and those for native vector search."""
    command = [str(node_binary()), "--input-type=module", "--eval", _EXPORT_SCHEMA]
    exported = subprocess.run(command, cwd=npm_project, capture_output=True, text=True, timeout=30, check=True).stdout
    assert len(json.loads(exported)["tables"]) > 16
    path = tmp_path_factory.mktemp("schema") / "schema.json"
    path.write_text(exported)
    return path


@pytest.fixture(scope="session")
def served(schema_file: Path) -> Iterator[ServedDeployment]:
    """An empty emulator, served for the whole session; tests keep apart by the ids they use."""
    command = [sys.executable, "-m", "convex_mastra_emulator", "serve", "--port", "0", "--schema", str(schema_file)]
    # Files, not pipes: nobody has to read them for the server to go on.
    with (
        tempfile.TemporaryFile() as printed,
        tempfile.TemporaryFile() as complaints,
        _running(command, printed, complaints) as process,
    ):
        yield _wait_until_served(process, printed, complaints)


@contextmanager
def _running(command: list[str], printed: IO[bytes], complaints: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=printed, stderr=complaints)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def _wait_until_served(process: subprocess.Popen[bytes], printed: IO[bytes], complaints: IO[bytes]) -> ServedDeployment:
    deadline = time.monotonic() + START_DEADLINE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        lines = [line for line in _text(printed).splitlines(keepends=True) if "=" in line and line.endswith("\n")]
        settings = {name: value.strip() for name, value in (line.split("=", 1) for line in lines)}
        if {"CONVEX_URL", "CONVEX_ADMIN_KEY"} <= settings.keys():
            return ServedDeployment(url=settings["CONVEX_URL"], admin_key=settings["CONVEX_ADMIN_KEY"])
        time.sleep(_LOOK_AGAIN_SECONDS)
    why = "still starting" if process.poll() is None else f"ended with code {process.returncode}"
    raise RuntimeError(f"The emulator did not say where it listens ({why}).\n{_text(printed)}\n{_text(complaints)}")


def _text(file: IO[bytes]) -> str:
    # The process writes at the same offset that seek() would move.
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode(errors="replace")
