"""A served emulator in a child process, for clients that block their own process: PyPI ``convex.ConvexClient``.

The child has its own emulator, takes a free port, says when it accepts connections, and ends with its parent,
however that ends: it watches a pipe only the parent holds.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from os import PathLike, fspath
from pathlib import Path
from types import TracebackType
from typing import IO, Any
from urllib.parse import urlsplit

from convex_mastra_emulator.errors import EmulatorError
from convex_mastra_emulator.fault_kinds import FaultKind
from convex_mastra_emulator.runtime.tokens import TOKEN_SECONDS, issue_token
from convex_mastra_emulator.schema import Schema
from convex_mastra_emulator.server.handover import Handover
from convex_mastra_emulator.server.thread import new_admin_key, new_secret

_START_SECONDS_MAX = 30.0
_STOP_SECONDS_MAX = 10.0
_KEY_VARIABLE = "CONVEX_EMULATOR_ADMIN_KEY"  # as `cli.py` reads it, whose import would be a look upwards
_LINES_KEPT = 1000


def _without_our_key() -> dict[str, str]:
    """This process' environment for the child, which is told its own key."""
    return {name: value for name, value in os.environ.items() if name != _KEY_VARIABLE}


class ServerDidNotStart(EmulatorError):
    """The child ended, or said nothing, before it accepted connections; the text is what it said."""


@contextmanager
def _schema_source(schema: Schema | str | Path | None) -> Iterator[str | None]:
    """What ``--schema`` takes; a schema itself stands in a file until the child has read it."""
    if not isinstance(schema, Schema):
        yield None if schema is None else str(schema)
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "schema.json"
        file.write_text(json.dumps(schema.to_json()), encoding="utf-8")
        yield str(file)


class ServedProcess:
    """A child process with a served emulator.

    Args:
        schema: the tables: a schema, or what ``serve --schema`` takes (a JSON file, or ``module:attribute``).
        functions: ``module:attribute`` of a mapping from paths to functions that the child defines.
        http: ``module:attribute`` of an ``HttpRouter`` whose HTTP actions the child answers with.
        crons: ``module:attribute`` of ``Crons`` that the child runs.
        deploy: a folder of TypeScript that the child deploys; its functions win over those of ``functions``, but
            ``schema``, ``http`` and ``crons`` stand for what it has of their kind.
        host: the address to listen on.
        port: 0 takes a free one.
        admin_key: a random one if None.
        limits: numbers of :class:`~convex_mastra_emulator.limits.Limits` to change.
        env: environment variables of the functions.
        seed: makes ids repeatable.
        data: a file that keeps the child's data; made if it is not there.
        site_port: where HTTP actions answer; 0 takes a free port, None the one behind ``port`` if that is free.

    Attributes:
        url: what clients take as ``CONVEX_URL``.
        admin_key: what they take as ``CONVEX_ADMIN_KEY``.
        site_url: where HTTP actions answer.

    Raises:
        ServerDidNotStart: with what the child said.
    """

    def __init__(
        self,
        *,
        schema: Schema | str | Path | None = None,
        functions: str | None = None,
        http: str | None = None,
        crons: str | None = None,
        deploy: str | PathLike[str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        admin_key: str | None = None,
        limits: Mapping[str, int] | None = None,
        env: Mapping[str, str] | None = None,
        seed: int | None = None,
        data: str | PathLike[str] | None = None,
        site_port: int | None = None,
    ) -> None:
        self.admin_key = admin_key or new_admin_key()
        self._token_secret = new_secret()
        self._lines: deque[str] = deque(maxlen=_LINES_KEPT)
        command = [sys.executable, "-m", "convex_mastra_emulator", "serve", "--stop-with-stdin"]
        command += ["--keys-from-stdin", "--host", host, "--port", str(port)]
        options = (
            ("--functions", functions),
            ("--http", http),
            ("--crons", crons),
            ("--deploy", None if deploy is None else fspath(deploy)),
            ("--seed", seed),
            ("--site-port", site_port),
            ("--data", None if data is None else fspath(data)),
        )
        for name, given in options:
            command += [name, str(given)] if given is not None else []
        for name, value in (limits or {}).items():
            command += ["--limit", f"{name}={value}"]
        told = Handover(admin_key=self.admin_key, test_token_secret=self._token_secret, env=env or {})
        with _schema_source(schema) as source:
            command += ["--schema", source] if source is not None else []
            self._start(command, told)

    def _start(self, command: list[str], told: Handover) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=_without_our_key(),
        )
        self._readers: list[threading.Thread] = []
        self._read(self._process.stderr)
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended; why, it has said
            told.write(self._process.stdin)
        self.url, self.site_url = self._wait_until_ready()
        # What functions print would fill the pipe, and stop the child, if nobody read it.
        self._read(self._process.stdout)

    def _read(self, stream: IO[str] | None) -> None:
        assert stream is not None
        reader = threading.Thread(target=self._keep, args=(stream,), name="convex-emulator-log", daemon=True)
        reader.start()
        self._readers.append(reader)

    def _keep(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._lines.append(line.rstrip("\n"))

    def _wait_until_ready(self) -> tuple[str, str]:
        """Where the child can be reached, and where its HTTP actions can."""
        assert self._process.stdout is not None
        # A reader blocks; the timer ends the child, and so the reader, if nothing comes.
        timer = threading.Timer(_START_SECONDS_MAX, self._process.kill)
        timer.start()
        said: dict[str, str] = {}
        try:
            for line in self._process.stdout:
                name, _, value = line.strip().partition("=")
                said[name] = value
                if name == "CONVEX_SITE_URL":  # the last one
                    return said["CONVEX_URL"], value
        finally:
            timer.cancel()
        self.stop()
        raise ServerDidNotStart("the emulator's process did not start:\n" + "\n".join(self._lines))

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def log_lines(self) -> list[str]:
        """The last calls the child logged, oldest first: path, kind, milliseconds, documents read, outcome."""
        return list(self._lines)

    @property
    def last_seen(self) -> str:
        """The last thing the server logged, for messages of deadlines."""
        return self._lines[-1] if self._lines else "nothing yet"

    def issue_token(self, *, subject: str, valid_seconds: float = TOKEN_SECONDS, **claims: object) -> str:
        """A user's token this server accepts."""
        return issue_token(
            self._token_secret, subject=subject, now_s=time.time(), valid_seconds=valid_seconds, **claims
        )

    def mark(self) -> None:
        """Remembers the state as it is now, for :meth:`rollback`."""
        self._control("mark")

    def rollback(self) -> None:
        """Goes back to the last :meth:`mark`, which stays."""
        self._control("rollback")

    def fail(
        self,
        path: str,
        error: FaultKind | str | None = None,
        *,
        times: int | None = None,
        probability: float = 1.0,
        after: int = 0,
        delay: float = 0.0,
        code: str | None = None,
        message: str | None = None,
    ) -> int:
        """Arms a fault in the child, as ``emulator.faults.fail`` does; gives its id for :meth:`clear_faults`.

        Raises:
            EmulatorError: naming the argument that is wrong.
        """
        fields = {
            "path": path,
            "error": error.value if isinstance(error, FaultKind) else error,
            "times": times,
            "probability": probability,
            "after": after,
            "delay": delay,
            "code": code,
            "message": message,
        }
        return int(self._control("faults", fields)["id"])

    def close_socket(self, *, at_message: int, code: int = 1006, times: int | None = 1) -> int:
        """Arms the end of a WebSocket in the child, as ``emulator.faults.close_socket`` does.

        Raises:
            EmulatorError: naming the argument that is wrong.
        """
        return int(self._control("faults", {"at_message": at_message, "code": code, "times": times})["id"])

    def clear_faults(self, fault_id: int | None = None) -> dict[int, int]:
        """Disarms the faults of the child, or one of them; tells by id how often they struck.

        Raises:
            EmulatorError: for an id that is none.
        """
        counts = self._control("faults/clear", {} if fault_id is None else {"id": fault_id})["counts"]
        return {int(number): count for number, count in counts.items()}

    def _control(self, operation: str, fields: Mapping[str, Any] | None = None) -> Any:
        body = json.dumps(fields or {})
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=_STOP_SECONDS_MAX)
        with closing(connection):
            connection.request("POST", f"/_emulator/{operation}", body, {"Authorization": f"Convex {self.admin_key}"})
            response = connection.getresponse()
            text = response.read().decode()
        if response.status != http.HTTPStatus.OK:
            raise EmulatorError(f"/_emulator/{operation} was refused: {response.status} {text}")
        return json.loads(text)

    def stop(self) -> None:
        """Ends the child: asks it first."""
        process = self._process
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(_STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for reader in self._readers:
            reader.join(_STOP_SECONDS_MAX)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()

    def __enter__(self) -> ServedProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
