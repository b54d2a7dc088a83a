"""A Node process and the frames that go to it and come back, on two pipes of their own.

It ends with this process: its pipe closes.
"""

from __future__ import annotations

import json
import os
import select
import struct
import subprocess
import sys
import tempfile
import time
import weakref
from pathlib import Path
from typing import IO, Any

from convex_mastra_emulator.errors import EmulatorError
from convex_mastra_emulator.limits import DEFAULT_LIMITS
from convex_mastra_emulator.runtime.failures import Failure, FailureThrown
from convex_mastra_emulator.values.codec import decode
from convex_mastra_emulator.values.json_text import parse_v8_json
from convex_mastra_emulator.values.types import undefined

# frames.mjs
LOAD, INVOKE, REPLY, REFUSE, ABORT, ENVIRONMENT = 1, 2, 3, 4, 5, 6
SYSCALL, RESULT, FAILURE, LOG, VARIABLE = 10, 11, 12, 13, 14
_HEAD = struct.Struct("<IB")
_CHUNK = 1 << 16
_STDERR_SHOWN = 2000
_CPU_CLOCK = 2  # CPUCLOCK_SCHED of Linux' posix-timers.h


class WorkerEnded(EmulatorError):
    """Node has ended in the middle of a call; the text says how."""


class OutOfTime(EmulatorError):
    """No frame came in time."""


class NodeProcess:
    """One process.

    Args:
        node: the program.
        script: what it runs.
        arguments: what it is told besides its pipes.
        heap_mib_max: how much memory its objects may take.
        memory_told_mb: how much they may take on a deployment.
    """

    def __init__(self, node: Path, script: Path, *arguments: str, heap_mib_max: int, memory_told_mb: int = 64) -> None:
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        to_read, self._write_fd = os.pipe()
        self._read_fd, to_write = os.pipe()
        self._poll = select.poll()
        self._poll.register(self._read_fd, select.POLLIN)
        self._memory_told_mb = memory_told_mb
        self._buffer = bytearray()
        self._end: Exception | None = None
        options = ("--enable-source-maps", "--no-warnings", f"--max-old-space-size={heap_mib_max}")
        try:
            self._process = subprocess.Popen(
                [node, *options, script, str(to_read), str(to_write), *arguments],
                # Functions see no time zone but this one (npm-packages/udf-runtime/src/setup.ts).
                env={**os.environ, "TZ": "UTC"},
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

    def computed_seconds(self) -> float | None:
        """How long the process has had a processor so far; None where the system does not tell."""
        if sys.platform != "linux":
            return None
        try:
            # What clock_getcpuclockid(3) gives on Linux for another process.
            return time.clock_gettime(~self._process.pid << 3 | _CPU_CLOCK)
        except OSError:
            return None

    def close(self) -> None:
        """Ends the process."""
        self._end = self._end or WorkerEnded("Node was ended")
        self._finalizer()

    def send(self, kind: int, text: str) -> None:
        """Sends a frame.

        Raises:
            WorkerEnded: when Node has ended.
        """
        if self._end is not None:
            raise self._end
        data = text.encode()
        frame = memoryview(_HEAD.pack(len(data), kind) + data)
        try:
            while frame:
                frame = frame[os.write(self._write_fd, frame) :]
        except OSError:
            raise self.died() from None

    def receive(self, seconds: float | None) -> tuple[int, str]:
        """The next frame, waiting so long for it; None waits for ever.

        Raises:
            OutOfTime: when none came.
            WorkerEnded: when Node has ended.
        """
        deadline = None if seconds is None else time.perf_counter() + seconds
        while True:
            if len(self._buffer) >= _HEAD.size:
                size, kind = _HEAD.unpack_from(self._buffer)
                end = _HEAD.size + size
                if len(self._buffer) >= end:
                    text = self._buffer[_HEAD.size : end].decode()
                    del self._buffer[:end]
                    return kind, text
            if deadline is not None:
                left = deadline - time.perf_counter()
                if left <= 0 or not self._poll.poll(left * 1000):
                    raise OutOfTime("no frame came in time")
            chunk = os.read(self._read_fd, _CHUNK)
            if not chunk:
                raise self.died()
            self._buffer += chunk

    def stop(self, end: Exception) -> Exception:
        """Ends the process; whoever uses it from now on gets this error."""
        self._end = end
        self._process.kill()
        return end

    def died(self) -> Exception:
        """Why the process has ended by itself."""
        if self._end is not None:
            return self._end
        self._process.wait()
        self._stderr.seek(0)
        said = self._stderr.read().decode(errors="replace").strip()
        if "heap out of memory" in said:
            # crates/isolate/src/termination.rs, crates/common/src/knobs.rs ``ISOLATE_MAX_USER_HEAP_SIZE``
            text = f"JavaScript execution ran out of memory (maximum memory usage: {self._memory_told_mb} MB)"
            return self.stop(FailureThrown(Failure(message=text)))
        tail = f": {said[-_STDERR_SHOWN:]}" if said else ""
        code = self._process.returncode
        return self.stop(WorkerEnded(f"Node ended with exit code {code} in the middle of a call{tail}"))


def _end_process(process: subprocess.Popen[bytes], stderr: IO[bytes], *pipes: int) -> None:
    process.kill()
    process.wait()
    for pipe in pipes:
        os.close(pipe)
    stderr.close()


class ModuleNotLoaded(Exception):
    """A module of a deploy threw when it was loaded.

    Attributes:
        module: its path; None if it was none of them.
        failure: what it threw.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.module: str | None = json.loads(text).get("module")
        self.failure = failure_of(text)


class Refusal(Exception):
    """What a request of a function is refused with: an error in JavaScript.

    Args:
        message: its message.
        data: what a ``ConvexError`` carries, as encoded JSON; nothing for any other error.
    """

    def __init__(self, message: str, *data: Any) -> None:
        super().__init__(message)
        self.json = json.dumps({"message": message, **({"data": data[0]} if data else {})})


def failure_of(text: str) -> Failure:
    """The failure a frame tells of."""
    told = json.loads(text)
    data = undefined if "data" not in told else decode(parse_v8_json(told["data"]), DEFAULT_LIMITS)
    return Failure(message=told["message"], frames=tuple(told["frames"]), data=data)
