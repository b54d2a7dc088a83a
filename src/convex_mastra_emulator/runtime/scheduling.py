"""``ctx.scheduler`` of mutations and actions.

The checks of npm convex' side stand here, the deployment's in ``jobs.py``.

convex-js src/server/impl/scheduler_impl.ts (npm convex 1.48.0, convex-engine.md §10.11, checked 2026-11-21).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

from convex_mastra_emulator.errors import InvalidArgument, ThrownError
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.runtime.arguments import inner_arguments
from convex_mastra_emulator.runtime.jobs import Jobs, check_job_id
from convex_mastra_emulator.runtime.logs import Console
from convex_mastra_emulator.runtime.paths import parse_inner_path
from convex_mastra_emulator.values.types import undefined

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FunctionScheduler:
    """``ctx.scheduler``.

    In a mutation what it does is part of the mutation's transaction; in an action it is done at once.

    Args:
        open_jobs: gives the jobs as they may be changed.
        now_ms: ``Date.now()`` of the function.
        job_id: the scheduled function that is running, if one is.
        console: takes a warning of the deployment's.
        limits: what values may be.
        may_cancel_itself: whether the running scheduled function can be cancelled from within, as actions can.
    """

    def __init__(
        self,
        open_jobs: Callable[[], AbstractContextManager[Jobs]],
        now_ms: Callable[[], float],
        job_id: str | None,
        console: Console,
        limits: Limits,
        *,
        may_cancel_itself: bool,
    ) -> None:
        self._open_jobs = open_jobs
        self._now_ms = now_ms
        self._job_id = job_id
        self._console = console
        self._limits = limits
        self._may_cancel_itself = may_cancel_itself

    def run_after(self, delay_ms: Any, path: str, args: Any = None) -> str:
        """Lets a function run after so many milliseconds; 0 is right after the mutation has committed.

        Returns:
            The id of a document in ``_scheduled_functions``.

        Raises:
            ThrownError: if ``delay_ms`` is no finite number of at least 0.
            DeploymentError: when the deployment refuses it.
        """
        if isinstance(delay_ms, bool) or not isinstance(delay_ms, (int, float)):
            raise ThrownError("`delayMs` must be a number")
        if not math.isfinite(delay_ms):
            raise ThrownError("`delayMs` must be a finite number")
        if delay_ms < 0:
            raise ThrownError("`delayMs` must be non-negative")
        return self._schedule(self._now_ms() + delay_ms, path, args)

    def run_at(self, moment: Any, path: str, args: Any = None) -> str:
        """Lets a function run at a time: milliseconds since the Unix epoch, or an aware ``datetime``.

        Raises:
            ThrownError: if ``moment`` is neither.
            DeploymentError: when the deployment refuses it.
        """
        if isinstance(moment, datetime):
            # A Date of JavaScript has whole milliseconds.
            at_ms = float((moment - _EPOCH) // timedelta(milliseconds=1))
        elif isinstance(moment, (int, float)) and not isinstance(moment, bool):
            at_ms = float(moment)
        else:
            raise ThrownError("The invoke time must a Date or a timestamp")
        if not math.isfinite(at_ms):
            # JSON has no such number: null arrives.
            raise InvalidArgument("Invalid arguments for `scheduler`: invalid type: null, expected f64")
        return self._schedule(at_ms, path, args)

    def _schedule(self, at_ms: float, path: str, args: Any) -> str:
        [arguments] = inner_arguments(args, self._limits)(self._limits)
        parsed = parse_inner_path(path, "scheduler")
        with self._open_jobs() as jobs:
            return jobs.schedule(parsed, arguments, at_ms, now_ms=self._now_ms(), parent=self._job_id)

    def cancel(self, job_id: Any) -> None:
        """Cancels a scheduled function that has not finished.

        One that runs goes on, and what it schedules from now on is cancelled from the start.

        Raises:
            InvalidArgument: for what is no id of a scheduled function.
        """
        if job_id is undefined:
            raise TypeError("Must provide arg 1 `id` to `cancel`")
        if check_job_id(str(job_id)) == self._job_id and not self._may_cancel_itself:
            self._console.warn_of_deployment(
                "A scheduled mutation canceling itself is deprecated and will throw an error in a future version of "
                "Convex."
            )
            return
        with self._open_jobs() as jobs:
            jobs.cancel(str(job_id))
