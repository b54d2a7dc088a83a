"""Crons: functions that run again and again, as ``cronJobs()`` of npm convex defines them.

A deployment moves what is due to the minute on by up to a minute, so that not all deployments work at once; here
the times are exact, which is one of the times it may choose.

convex-js src/server/cron.ts, convex-backend crates/model/src/cron_jobs (convex-engine.md §10.12, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from convex_mastra_emulator.errors import SchemaDefinitionError
from convex_mastra_emulator.runtime.cron_calendar import next_interval, next_of_expression
from convex_mastra_emulator.runtime.paths import FunctionPath, parse_path

LOGS_KEPT = 5
# crates/model/src/cron_jobs/mod.rs ``update``: a cron whose runs lie closer together keeps its next time.
_CLOSE_TOGETHER_MS = 30_000
_DAYS_OF_WEEK = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


@dataclass(frozen=True, slots=True)
class Cron:
    """One definition: an interval in seconds, or a cron expression."""

    id: str
    path: FunctionPath
    arguments: Mapping[str, Any]
    interval_seconds: float | None = None
    expression: str | None = None

    def next_ms(self, previous_ms: float, now_ms: float) -> float:
        """When it falls due next."""
        if self.interval_seconds is not None:
            return next_interval(self.interval_seconds, previous_ms, now_ms)
        assert self.expression is not None
        return next_of_expression(self.expression)(previous_ms, now_ms)


class Crons:
    """The crons of a deployment.

    >>> crons = Crons()
    >>> crons.interval("sweep", "memory:sweep", minutes=5)
    >>> crons.daily("report", "memory:report", hour_utc=4, minute_utc=30)
    """

    def __init__(self) -> None:
        self.by_id: dict[str, Cron] = {}

    def interval(
        self,
        id: str,
        path: str,
        args: Mapping[str, Any] | None = None,
        *,
        seconds: int | None = None,
        minutes: int | None = None,
        hours: int | None = None,
    ) -> None:
        """Runs at deploy, and then every so often.

        Raises:
            SchemaDefinitionError: in npm convex' words.
        """
        given = [(value, scale) for value, scale in ((seconds, 1), (minutes, 60), (hours, 3600)) if value is not None]
        if len(given) != 1:
            raise SchemaDefinitionError("Must specify one of seconds, minutes, or hours")
        value, scale = given[0]
        if type(value) is not int or value <= 0:
            raise SchemaDefinitionError("Interval must be an integer greater than 0")
        self._add(id, path, args, interval_seconds=float(value * scale))

    def hourly(self, id: str, path: str, args: Mapping[str, Any] | None = None, *, minute_utc: int = 0) -> None:
        """Runs every hour at that minute; a deployment that is told none chooses one, here always 0."""
        self._add(id, path, args, expression=f"{_minute(minute_utc)} * * * *")

    def daily(
        self, id: str, path: str, args: Mapping[str, Any] | None = None, *, hour_utc: int, minute_utc: int = 0
    ) -> None:
        """Runs every day at that time."""
        self._add(id, path, args, expression=f"{_time_of_day(hour_utc, minute_utc)} * * *")

    def weekly(
        self,
        id: str,
        path: str,
        args: Mapping[str, Any] | None = None,
        *,
        day_of_week: str,
        hour_utc: int,
        minute_utc: int = 0,
    ) -> None:
        """Runs every week on that day, such as ``monday``."""
        if day_of_week not in _DAYS_OF_WEEK:
            raise SchemaDefinitionError('Day of week must be a string like "monday".')
        day = _DAYS_OF_WEEK.index(day_of_week)
        self._add(id, path, args, expression=f"{_time_of_day(hour_utc, minute_utc)} * * {day}")

    def monthly(
        self,
        id: str,
        path: str,
        args: Mapping[str, Any] | None = None,
        *,
        day: int,
        hour_utc: int,
        minute_utc: int = 0,
    ) -> None:
        """Runs every month on that day; months without it are left out."""
        checked = _within("Day of month", day, 1, 31)
        self._add(id, path, args, expression=f"{_time_of_day(hour_utc, minute_utc)} {checked} * *")

    def cron(self, id: str, expression: str, path: str, args: Mapping[str, Any] | None = None) -> None:
        """Runs by a cron expression of five fields, in UTC."""
        self._add(id, path, args, expression=expression)

    def _add(
        self,
        id: str,
        path: str,
        args: Mapping[str, Any] | None,
        *,
        interval_seconds: float | None = None,
        expression: str | None = None,
    ) -> None:
        if not id.isascii() or not id.isprintable():
            raise SchemaDefinitionError(
                f"Invalid cron identifier {id}: use ASCII letters that are not control characters"
            )
        if id in self.by_id:
            raise SchemaDefinitionError(f"Cron identifier registered twice: {id}")
        if expression is not None:
            try:
                next_of_expression(expression)
            except ValueError as error:
                raise SchemaDefinitionError(f"Cron {id!r}: {error}") from None
        self.by_id[id] = Cron(id, parse_path(path), dict(args or {}), interval_seconds, expression)


def _within(what: str, value: object, first: int, last: int) -> int:
    if type(value) is not int or not first <= value <= last:
        raise SchemaDefinitionError(f"{what} must be an integer from {first} to {last}")
    return value


def _minute(minute: int) -> int:
    return _within("Minute of hour", minute, 0, 59)


def _time_of_day(hour: int, minute: int) -> str:
    return f"{_minute(minute)} {_within('Hour of day', hour, 0, 23)}"


@dataclass(frozen=True, slots=True)
class CronRun:
    """One run of a cron: when, and the failure's text if it failed."""

    at_ms: float
    error: str | None


@dataclass(slots=True)
class CronJob:
    """A deployed cron.

    Attributes:
        cron: its definition.
        next_ms: when it is due, milliseconds since the Unix epoch.
        runs: the last ones, oldest first.
    """

    cron: Cron
    next_ms: float
    runs: list[CronRun] = field(default_factory=list)

    def copy(self) -> CronJob:
        """Another one that stands where this one does."""
        return CronJob(self.cron, self.next_ms, list(self.runs))

    @property
    def path(self) -> FunctionPath:
        """The function it runs."""
        return self.cron.path

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What it calls it with."""
        return self.cron.arguments


class CronJobs:
    """The deployed crons and their next times."""

    def __init__(self) -> None:
        self.by_id: dict[str, CronJob] = {}
        self.are_on = True
        """Whether they run at all."""

    def deployed(self, crons: Crons, now_ms: float) -> dict[str, CronJob]:
        """The crons as a deploy leaves them: one of the same id goes on, if its schedule is the same at its time."""
        kept = self.by_id
        return {
            id: _redeployed(kept[id], cron, now_ms) if id in kept else CronJob(cron, _first_ms(cron, now_ms))
            for id, cron in crons.by_id.items()
        }

    def state(self) -> dict[str, CronJob]:
        """The crons as they are now, for :meth:`restore`."""
        return {id: job.copy() for id, job in self.by_id.items()}

    def restore(self, state: Mapping[str, CronJob]) -> None:
        """Makes the crons what they were when :meth:`state` was asked for."""
        self.by_id = {id: job.copy() for id, job in state.items()}

    def next(self, except_for: Collection[str] = ()) -> CronJob | None:
        """The cron that is due first; None if there is none."""
        waiting = [job for job in self.by_id.values() if job.cron.id not in except_for] if self.are_on else []
        return min(waiting, key=lambda job: (job.next_ms, job.cron.id), default=None)

    def after(self, id: str, due_ms: float, now_ms: float, run: CronRun | None) -> dict[str, CronJob]:
        """The crons as a run leaves them: noted, and set to the next time; times that were missed are skipped.

        Args:
            id: which cron ran; it may have been deployed anew meanwhile, or be gone.
            due_ms: when it was due.
            now_ms: when the run ended.
            run: how it ended; None if that is not known.
        """
        state = self.state()
        job = state.get(id)
        if job is not None and job.next_ms == due_ms:
            job.next_ms = job.cron.next_ms(due_ms, now_ms)
        if job is not None and run is not None:
            job.runs = [*job.runs, run][-LOGS_KEPT:]
        return state


def _redeployed(job: CronJob, cron: Cron, now_ms: float) -> CronJob:
    old = job.cron
    next_ms = job.next_ms
    if (cron.interval_seconds, cron.expression) != (old.interval_seconds, old.expression):
        first_ms = _first_ms(old, now_ms)
        if old.next_ms(first_ms, first_ms) - now_ms > _CLOSE_TOGETHER_MS:
            next_ms = _first_ms(cron, now_ms)
    return CronJob(cron, next_ms, list(job.runs))


def _first_ms(cron: Cron, now_ms: float) -> float:
    # An interval begins at deploy, a calendar at its next time.
    return now_ms if cron.interval_seconds is not None else cron.next_ms(now_ms, now_ms)
