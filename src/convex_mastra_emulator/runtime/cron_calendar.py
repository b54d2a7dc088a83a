"""When a cron falls due: intervals, and cron expressions of five fields in UTC.

Both a day of the month and a day of the week given, which means other than ``*``: either suffices.  Ranges may go over
the end (``22-4``), Sunday is 0 and never 7, ``L``, ``W`` and ``#`` stand for last days, the nearest workday and the
n-th weekday of a month (``cron_days.py``).

convex-backend crates/model/src/cron_jobs/next_ts.rs; crate saffron as get-convex has changed it, src/parse.rs and
src/lib.rs (convex-engine.md §10.12, checked 2026-11-21).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from convex_mastra_emulator.runtime.cron_days import DayRule, month_day_rule, week_day_rule

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
# A fifth Monday of February can be 40 years away (2072 to 2112).
_DAYS_AHEAD_MAX = 41 * 366
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    first: int
    last: int
    step_max: int
    names: tuple[str, ...] = ()


_MINUTE = _Field("minute", 0, 59, 59)
_HOUR = _Field("hour", 0, 23, 23)
_DAY = _Field("day of month", 1, 31, 30)
_MONTH = _Field("month", 1, 12, 11, _MONTHS)
_WEEKDAY = _Field("day of week", 0, 6, 6, _DAYS)


@dataclass(frozen=True, slots=True)
class CronExpression:
    """A parsed expression: the values it allows, and the rules of its days, None for ``*``."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: frozenset[int]
    month_day: DayRule | None
    week_day: DayRule | None

    def next_after(self, moment: datetime) -> datetime:
        """The first whole minute after ``moment`` that matches.

        Raises:
            ValueError: if there is none, as for the 30th of February.
        """
        start = moment.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        day = start.replace(hour=0, minute=0)
        for _ in range(_DAYS_AHEAD_MAX):
            if self._allows_day(day):
                for hour in self.hours:
                    for minute in self.minutes:
                        candidate = day.replace(hour=hour, minute=minute)
                        if candidate >= start:
                            return candidate
            day += timedelta(days=1)
        raise ValueError("no time matches this cron expression")

    def _allows_day(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        rules = [rule for rule in (self.month_day, self.week_day) if rule is not None]
        return not rules or any(rule(day) for rule in rules)


def parse_cron(text: str) -> CronExpression:
    """Reads ``minute hour day-of-month month day-of-week``.

    Raises:
        ValueError: naming the field and what is wrong with it.
    """
    parts = re.split(r"[ \t]+", text)
    if len(parts) != 5 or "" in parts:
        raise ValueError(f"a cron expression has five fields (minute, hour, day, month, day of week), got {text!r}")
    minute, hour, day, month, weekday = parts
    return CronExpression(
        minutes=tuple(sorted(_values(minute, _MINUTE))),
        hours=tuple(sorted(_values(hour, _HOUR))),
        months=_values(month, _MONTH),
        month_day=None if day == "*" else month_day_rule(day) or _one_of_days(_values(day, _DAY)),
        week_day=None if weekday == "*" else week_day_rule(weekday, _DAYS) or _one_of_weekdays(_weekdays(weekday)),
    )


def _one_of_days(days: frozenset[int]) -> DayRule:
    return lambda day: day.day in days


def _one_of_weekdays(weekdays: frozenset[int]) -> DayRule:
    return lambda day: day.isoweekday() % 7 in weekdays


def _weekdays(text: str) -> frozenset[int]:
    # L alone is the week's last day.
    return frozenset({6}) if text == "L" else _values(text, _WEEKDAY)


def _values(text: str, field: _Field) -> frozenset[int]:
    if text == "*":
        return frozenset(range(field.first, field.last + 1))
    values: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        if slash and not (step.isascii() and step.isdigit() and 1 <= int(step) <= field.step_max):
            raise ValueError(f"{field.name}: {part!r} has no step from 1 to {field.step_max}")
        values.update(_span(span, field, has_step=bool(slash))[:: int(step) if slash else 1])
    return frozenset(values)


def _span(text: str, field: _Field, *, has_step: bool) -> list[int]:
    if text == "*" and has_step:
        return list(range(field.first, field.last + 1))
    first, dash, last = text.partition("-")
    begin = _number(first, field)
    end = _number(last, field) if dash else field.last if has_step else begin
    if begin <= end:
        return list(range(begin, end + 1))
    return [*range(begin, field.last + 1), *range(field.first, end + 1)]


def _number(text: str, field: _Field) -> int:
    if text.upper() in field.names:
        return field.names.index(text.upper()) + field.first
    if not text.isascii() or not text.isdigit() or not field.first <= int(text) <= field.last:
        raise ValueError(f"{field.name}: {text!r} is not between {field.first} and {field.last}")
    return int(text)


def next_interval(seconds: float, previous_ms: float, now_ms: float) -> float:
    """The next time of an interval: the previous one and the interval; what was missed is skipped."""
    step = seconds * 1000
    following = previous_ms + step
    if following < now_ms:
        following += step * -((following - now_ms) // step)
    return following


NextTime = Callable[[float, float], float]
"""Gives the next time of a cron from its previous one and the time it is now, in milliseconds."""


def next_of_expression(text: str) -> NextTime:
    """The rule of a cron expression.

    Raises:
        ValueError: for what is no expression, and for one no time matches.
    """
    expression = parse_cron(text)
    expression.next_after(_ANY_TIME)

    def following(previous_ms: float, now_ms: float) -> float:
        moment = datetime.fromtimestamp(max(previous_ms, now_ms) / 1000, UTC)
        return expression.next_after(moment).timestamp() * 1000

    return following
