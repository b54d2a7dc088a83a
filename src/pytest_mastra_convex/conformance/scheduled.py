"""Scheduled functions, seen from outside: waiting for one, wherever it runs."""

from __future__ import annotations

import time
from typing import Any

from convex_mastra_emulator import Emulator
from pytest_mastra_convex.probe import Probe, system_get

_SECONDS_MAX = 20.0
_LOOK_EVERY_SECONDS = 0.02
_ENDS = ("success", "failed", "canceled")


class Finished:
    """Waits for scheduled functions.

    Args:
        probe: of the deployment on which they run.
        emulator: the same, if it lives in this process: there nothing runs by itself.
    """

    def __init__(self, probe: Probe, emulator: Emulator | None) -> None:
        self._probe = probe
        self._emulator = emulator

    def __call__(self, job_id: Any) -> dict[str, Any]:
        """The document of a scheduled function, once it has ended.

        Raises:
            AssertionError: if it does not end.
        """
        deadline = time.monotonic() + _SECONDS_MAX
        while True:
            if self._emulator is not None:
                self._emulator.scheduler.run_due()
            [found] = self._probe.query(system_get(job_id))
            document: dict[str, Any] = found.value
            if document["state"]["kind"] in _ENDS:
                return document
            assert time.monotonic() < deadline, f"the scheduled function has not ended: {document}"
            time.sleep(_LOOK_EVERY_SECONDS)
