"""A Node process that runs the user's functions, and the frames that go to it and come back.

One thread uses it at a time.  It is started when it is first needed, ends with this process (its pipe closes), and one
that has died or was ended is started anew for the next call.

convex-backend crates/isolate/src/timeout.rs, crates/common/src/knobs.rs (convex-engine.md §10.9, checked 2026-11-21).
"""

from __future__ import annotations

import json
import os
import select
import struct
import subprocess
import tempfile
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Protocol

from convex_mastra_emulator.errors import EmulatorError
from convex_mastra_emulator.limits import DEFAULT_LIMITS
from convex_mastra_emulator.runtime.failures import Failure, FailureThrown
from convex_mastra_emulator.values.codec import decode
from convex_mastra_emulator.values.json_text import parse_json
from convex_mastra_emulator.values.types import undefined

LOAD, INVOKE, REPLY, REFUSE, ABORT, ENVIRONMENT = 1, 2, 3, 4, 5, 6
SYSCALL, RESULT, FAILURE, LOG = 10, 11, 12, 13
_HEAD = struct.Struct("<IB")
_CHUNK = 1 << 16
_LOAD_SECONDS_MAX = 60.0
_STDERR_SHOWN = 2000


class WorkerEnded(EmulatorError):
    """Node has ended in the middle of a call; the text says how."""


class Answers(Protocol):
    """What answers the requests of one function that runs in Node."""

    def note(self, notes: str) -> None:
        """Takes what came along with a frame: what of the queries' documents was taken."""

    def answer(self, operation: str, text: str) -> str:
        """The answer to a request; raises what the function is to see."""

    def log(self, level: str, text: str) -> None:
        """Takes a line the function logged."""


class NodeWorker:
    """One process.

    Args:
        node: the program.
        script: what it runs.
        user_seconds_max: how long a function may run, waiting for answers apart.
    """

    def __init__(self, node: Path, script: Path, *, user_seconds_max: float) -> None:
        self._stderr: IO[bytes] = tempfile.TemporaryFile()
        to_read, self._write_fd = os.pipe()
        self._read_fd, to_write = os.pipe()
        self._buffer = bytearray()
        self._user_seconds_max = user_seconds_max
        self._user_seconds_left = user_seconds_max
        self._depth = 0
        self._end: Exception | None = None
        options = ["--enable-source-maps", "--no-warnings"]
        try:
            self._process = subprocess.Popen(
                [node, *options, script, str(to_read), str(to_write)],
                stdin=subprocess.DEVNULL,
                stdout=self._stderr,
                stderr=self._stderr,
                pass_fds=(to_read, to_write),
            )
        finally:
            os.close(to_read)
            os.close(to_write)
        self._finalizer = weakref.finalize(
            self, _end_process, self._process, self._stderr, self._read_fd, self._write_fd
        )

    @property
    def has_ended(self) -> bool:
        """Whether it can be used no more."""
        return self._end is not None or self._process.poll() is not None

    def close(self) -> None:
        """Ends the process."""
        self._end = self._end or WorkerEnded("Node was ended")
        self._finalizer()

    # Requests

    def load(self, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Loads modules and tells what they export.

        Raises:
            FailureThrown: what a module threw when it was loaded.
        """
        self._send(LOAD, json.dumps(request))
        kind, text = self._receive(_LOAD_SECONDS_MAX)[:2]
        if kind == FAILURE:
            raise FailureThrown(_failure(text))
        exported: list[dict[str, Any]] = json.loads(text)
        return exported

    def set_environment(self, env: Mapping[str, str]) -> None:
        """Gives functions their environment variables from now on."""
        self._send(ENVIRONMENT, json.dumps(dict(env)))

    def invoke(self, request: Mapping[str, Any], arguments: str, answers: Answers) -> str:
        """Runs a function and gives its result as JSON text.

        Raises:
            FailureThrown: when it fails.
            WorkerEnded: when Node does.
        """
        if self._depth == 0:
            self._user_seconds_left = self._user_seconds_max
        self._depth += 1
        try:
            self._send(INVOKE, f"{json.dumps(request)}\n{arguments}")
            return self._serve(answers)
        except BaseException as error:
            if not isinstance(error, Exception):
                self._stop(WorkerEnded("the call was interrupted"))
            raise
        finally:
            self._depth -= 1

    def _serve(self, answers: Answers) -> str:
        problem: Exception | None = None
        while True:
            kind, text = self._receive_in_time()
            if kind == LOG:
                level, _, line = text.partition("\n")
                answers.log(level, line)
                continue
            notes, _, rest = text.partition("\0")
            if kind == SYSCALL:
                problem = self._answer(answers, notes, rest) or problem
                continue
            if problem is not None:
                raise problem
            if notes:
                answers.note(notes)
            if kind == RESULT:
                return rest
            raise FailureThrown(_failure(rest))

    def _answer(self, answers: Answers, notes: str, text: str) -> Exception | None:
        """Answers a request; a fault of our own is given back, to be raised when the function has been ended."""
        operation, _, request = text.partition("\0")
        try:
            if notes:
                answers.note(notes)
            reply = answers.answer(operation, request)
        except WorkerEnded:
            raise
        except Refusal as refusal:
            self._send(REFUSE, refusal.json)
        except Exception as error:
            self._send(ABORT, "")
            return error
        else:
            self._send(REPLY, reply)
        return None

    # Frames

    def _send(self, kind: int, text: str) -> None:
        if self._end is not None:
            raise self._end
        data = text.encode()
        frame = memoryview(_HEAD.pack(len(data), kind) + data)
        try:
            while frame:
                frame = frame[os.write(self._write_fd, frame) :]
        except OSError:
            raise self._died() from None

    def _receive_in_time(self) -> tuple[int, str]:
        started = time.perf_counter()
        frame = self._receive(self._user_seconds_left)
        self._user_seconds_left -= time.perf_counter() - started
        return frame

    def _receive(self, seconds: float) -> tuple[int, str]:
        deadline = time.perf_counter() + seconds
        while True:
            if len(self._buffer) >= _HEAD.size:
                size, kind = _HEAD.unpack_from(self._buffer)
                end = _HEAD.size + size
                if len(self._buffer) >= end:
                    text = self._buffer[_HEAD.size : end].decode()
                    del self._buffer[:end]
                    return kind, text
            left = deadline - time.perf_counter()
            if left <= 0 or not select.select([self._read_fd], [], [], left)[0]:
                raise self._stop(FailureThrown(Failure(message=self._timeout_text())))
            chunk = os.read(self._read_fd, _CHUNK)
            if not chunk:
                raise self._died()
            self._buffer += chunk

    def _timeout_text(self) -> str:
        return f"Function execution timed out (maximum duration: {self._user_seconds_max:g}s)"

    def _stop(self, end: Exception) -> Exception:
        self._end = end
        self._process.kill()
        return end

    def _died(self) -> Exception:
        self._process.wait()
        self._stderr.seek(0)
        said = self._stderr.read().decode(errors="replace").strip()
        if "heap out of memory" in said:
            # crates/common/src/knobs.rs ``ISOLATE_MAX_USER_HEAP_SIZE``
            failure = Failure(message="JavaScript execution ran out of memory (maximum memory usage: 64 MB)")
            return self._stop(FailureThrown(failure))
        tail = f": {said[-_STDERR_SHOWN:]}" if said else ""
        return self._stop(WorkerEnded(f"Node ended with exit code {self._process.returncode} in the middle of a call{tail}"))


def _end_process(process: subprocess.Popen[bytes], stderr: IO[bytes], *pipes: int) -> None:
    for pipe in pipes:
        os.close(pipe)
    process.kill()
    process.wait()
    stderr.close()


class Refusal(Exception):
    """What a request of a function is refused with: an error in JavaScript.

    Args:
        message: its message.
        data: what a ``ConvexError`` carries, as encoded JSON; nothing for any other error.
    """

    def __init__(self, message: str, *data: Any) -> None:
        super().__init__(message)
        self.json = json.dumps({"message": message, **({"data": data[0]} if data else {})})


def _failure(text: str) -> Failure:
    told = json.loads(text)
    data = undefined if "data" not in told else decode(parse_json(told["data"]), DEFAULT_LIMITS)
    return Failure(message=told["message"], frames=tuple(told["frames"]), data=data)
