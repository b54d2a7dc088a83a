"""Deploys a folder again whenever one of its files changes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

from convex_mastra_emulator.errors import EmulatorError

SECONDS_BETWEEN_LOOKS = 0.25
_NO_FOLDERS = frozenset({"node_modules", ".git"})

Stamp: TypeAlias = tuple[int, int]
"""When a file was changed, in nanoseconds, and its size."""
_GONE: Stamp = (0, -1)
Deploy: TypeAlias = Callable[[], Iterable[Path]]
"""Deploys, and tells which files were read."""
Tell: TypeAlias = Callable[[EmulatorError | None], None]
"""Is told after each deploy why it was refused; None if it was not."""


class Watch:
    """Looks at files again and again, in a thread of its own, until it is closed.

    A refused deploy leaves what was deployed before, until a file changes again.

    Args:
        folder: what is watched, beside the files that were read.
        deploy: deploys it; has done so once.
        inputs: the files that were read then.
        tell: is told of each deploy.

    Attributes:
        problem: why the latest deploy was refused; None if it was not.
    """

    def __init__(self, folder: Path, deploy: Deploy, inputs: Iterable[Path], tell: Tell | None = None) -> None:
        self._folder = folder
        self._deploy = deploy
        self._tell = tell or (lambda problem: None)
        self._inputs = _own(inputs)
        self._stamps = self._stamps_now()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self.problem: EmulatorError | None = None

    def start(self) -> Self:
        """Begins to look."""
        self._thread = threading.Thread(target=self._run, name="convex-emulator-watch", daemon=True)
        self._thread.start()
        return self

    def _run(self) -> None:
        while not self._ended.wait(SECONDS_BETWEEN_LOOKS):
            self.look()

    def look(self) -> bool:
        """Deploys if something has changed since the last look; whether it has."""
        stamps = self._stamps_now()
        if stamps == self._stamps:
            return False
        try:
            self._inputs = _own(self._deploy())
            self.problem = None
        except EmulatorError as error:
            self.problem = error
        except Exception as error:  # a fault of ours, after which the next change may be deployed
            self.problem = EmulatorError(f"{type(error).__name__}: {error}")
            self.problem.__cause__ = error
        # What changed while it was deployed is to be seen at the next look.
        self._stamps = {path: stamps.get(path, stamp) for path, stamp in self._stamps_now().items()}
        self._tell(self.problem)
        return True

    def _stamps_now(self) -> dict[str, Stamp]:
        stamps = {}
        for path in {*_files(self._folder), *self._inputs}:
            try:
                status = os.stat(path)
            except OSError:
                stamps[path] = _GONE
            else:
                stamps[path] = status.st_mtime_ns, status.st_size
        return stamps

    def close(self) -> None:
        """Ends it; a deploy that has begun is waited for."""
        self._ended.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _own(inputs: Iterable[Path]) -> frozenset[str]:
    """Those that are nobody's package: packages change with an install, and there are thousands of them."""
    return frozenset(str(path) for path in inputs if "node_modules" not in path.parts)


def _files(folder: Path) -> Iterable[str]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _NO_FOLDERS]
        yield from (os.path.join(parent, name) for name in files)
