"""When cron expressions and intervals fall due, held against PyPI `croniter`."""

from datetime import UTC, datetime

import pytest
from croniter import croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_mastra_emulator.runtime.cron_calendar import next_interval, next_of_expression, parse_cron

START = datetime(2026, 11, 21, 10, 30, 15, tzinfo=UTC)
NAMES_OF_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
NAMES_OF_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]


def following(expression: str, count: int, start: datetime = START) -> list[str]:
    parsed = parse_cron(expression)
    times = []
    for _ in range(count):
        start = parsed.next_after(start)
        times.append(start.strftime("%Y-%m-%d %H:%M"))
    return times


@st.composite
def fields(draw: st.DrawFn, first: int, last: int, names: list[str] | None = None) -> str:
    """A field both sides read alike: for croniter a range over the end is an error, and `14-14` is everything."""

    def number(value: int) -> str:
        return names[value - first] if names and draw(st.booleans()) else str(value)

    def part() -> str:
        begin = draw(st.integers(first, last - 1))
        end = draw(st.integers(begin + 1, last))
        step = draw(st.integers(1, last - first - 1))
        kind = draw(st.sampled_from(["one", "one", "range", "range with step", "star with step"]))
        if kind == "one":
            return number(begin)
        if kind == "range":
            return f"{number(begin)}-{number(end)}"
        return f"{number(begin)}-{number(end)}/{step}" if kind == "range with step" else f"*/{step}"

    if draw(st.booleans()):
        return "*"
    return ",".join(part() for _ in range(draw(st.integers(1, 3))))


@given(
    expression=st.tuples(
        fields(0, 59), fields(0, 23), st.just("*"), fields(1, 12, NAMES_OF_MONTHS), fields(0, 6, NAMES_OF_DAYS)
    ).map(" ".join),
    start=st.datetimes(datetime(2024, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC)),
)
@settings(max_examples=300, deadline=None)
def test_weekdays_are_croniters(expression: str, start: datetime) -> None:
    assert parse_cron(expression).next_after(start) == croniter(expression, start).get_next(datetime)


@given(
    expression=st.tuples(fields(0, 59), fields(0, 23), fields(1, 28), fields(1, 12, NAMES_OF_MONTHS), st.just("*")).map(
        " ".join
    ),
    start=st.datetimes(datetime(2024, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC)),
)
@settings(max_examples=300, deadline=None)
def test_days_of_months_are_croniters(expression: str, start: datetime) -> None:
    assert parse_cron(expression).next_after(start) == croniter(expression, start).get_next(datetime)


@given(
    day=st.integers(1, 28),
    weekday=st.integers(0, 6),
    start=st.datetimes(datetime(2024, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC)),
)
@settings(max_examples=200, deadline=None)
def test_either_day_suffices_as_for_croniter(day: int, weekday: int, start: datetime) -> None:
    expression = f"0 12 {day} * {weekday}"

    assert parse_cron(expression).next_after(start) == croniter(expression, start).get_next(datetime)


# Vixie's cron takes `*/2` for a star, and then both days must match; for saffron only `*` alone is one, and either
# suffices: the 22nd is no Monday, and the 23rd is one.
def test_a_star_with_a_step_is_no_star() -> None:
    assert following("0 0 */2 * MON", 3) == ["2026-11-23 00:00", "2026-11-25 00:00", "2026-11-27 00:00"]
    assert following("0 0 22 * */6", 3) == ["2026-11-22 00:00", "2026-11-28 00:00", "2026-11-29 00:00"]


def test_the_next_time_is_never_now() -> None:
    on_time = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)

    assert following("30 10 * * *", 1, on_time) == ["2026-11-22 10:30"]


# cron(5): a range holds its ends, so this one is a single hour; croniter reads it as all of them.
def test_a_range_of_one_value_is_that_value() -> None:
    assert following("0 14-14 * * *", 2) == ["2026-11-21 14:00", "2026-11-22 14:00"]


# saffron's own examples of ranges over the end; croniter refuses some of them.
@pytest.mark.parametrize(
    ("expression", "times"),
    [
        ("0 22-1 * * *", ["2026-11-21 22:00", "2026-11-21 23:00", "2026-11-22 00:00", "2026-11-22 01:00"]),
        ("0 20-4/2 * * *", ["2026-11-21 20:00", "2026-11-21 22:00", "2026-11-22 00:00", "2026-11-22 02:00"]),
        ("0 0 * JAN SAT-SUN", ["2027-01-02 00:00", "2027-01-03 00:00", "2027-01-09 00:00"]),
        ("0 0 30-1 * *", ["2026-11-30 00:00", "2026-12-01 00:00", "2026-12-30 00:00", "2026-12-31 00:00"]),
    ],
)
def test_ranges_may_go_over_the_end(expression: str, times: list[str]) -> None:
    assert following(expression, len(times)) == times


@pytest.mark.parametrize(
    ("expression", "times"),
    [
        ("0 0 L * *", ["2026-11-30 00:00", "2026-12-31 00:00", "2027-01-31 00:00", "2027-02-28 00:00"]),
        ("0 0 L-3 2 *", ["2027-02-25 00:00", "2028-02-26 00:00"]),
        # 31 January and 28 February 2027 are Sundays.
        ("0 0 LW * *", ["2026-11-30 00:00", "2026-12-31 00:00", "2027-01-29 00:00", "2027-02-26 00:00"]),
        # 27 February 2027 is a Saturday, 30 January 2027 too.
        ("0 0 L-1W * *", ["2026-11-30 00:00", "2026-12-30 00:00", "2027-01-29 00:00", "2027-02-26 00:00"]),
        # 1 May 2027 is a Saturday: the workday nearest to it within the month is Monday the 3rd.
        ("0 0 1W 5 *", ["2027-05-03 00:00"]),
        # 15 May 2027 is a Saturday, 15 August a Sunday.
        ("0 0 15W 5,8 *", ["2027-05-14 00:00", "2027-08-16 00:00"]),
        ("0 0 * * 5L", ["2026-11-27 00:00", "2026-12-25 00:00", "2027-01-29 00:00"]),
        ("0 0 * * FRI#1", ["2026-12-04 00:00", "2027-01-01 00:00"]),
        ("0 0 * * mon#5", ["2026-11-30 00:00", "2027-03-29 00:00"]),
        ("0 0 * * L", ["2026-11-28 00:00", "2026-12-05 00:00"]),
    ],
)
def test_last_days_workdays_and_nth_weekdays(expression: str, times: list[str]) -> None:
    assert following(expression, len(times)) == times


@pytest.mark.parametrize("expression", ["0 0 L * *", "0 12 * * 3#2", "0 12 * * 0#5", "0 12 * * L5"])
def test_special_days_croniter_knows_are_its(expression: str) -> None:
    # croniter writes the last Friday as L5, saffron as 5L.
    ours = expression.replace("L5", "5L")
    theirs = croniter(expression, START)

    expected = [theirs.get_next(datetime).strftime("%Y-%m-%d %H:%M") for _ in range(30)]

    assert following(ours, 30) == expected


def test_leap_days_are_found_over_a_century_without_one() -> None:
    assert following("0 0 29 2 *", 1, datetime(2096, 3, 1, tzinfo=UTC)) == ["2104-02-29 00:00"]


# A fifth Monday of a February comes every 28 years, and over 2100, which has no leap day, after 40.
def test_the_rarest_day_is_found() -> None:
    assert following("0 0 * 2 MON#5", 1, datetime(2072, 3, 1, tzinfo=UTC)) == ["2112-02-29 00:00"]


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("* * * *", "has five fields"),
        ("* * * * * *", "has five fields"),
        (" * * * * *", "has five fields"),
        ("", "has five fields"),
        ("60 * * * *", "minute: '60' is not between 0 and 59"),
        ("* 24 * * *", "hour: '24' is not between 0 and 23"),
        ("* * 0 * *", "day of month: '0' is not between 1 and 31"),
        ("* * 32 * *", "day of month: '32' is not between 1 and 31"),
        ("* * * 13 *", "month: '13' is not between 1 and 12"),
        # croniter and cron(5) take 7 for Sunday; the deployment's parser does not.
        ("* * * * 7", "day of week: '7' is not between 0 and 6"),
        ("* * * * FOO", "day of week: 'FOO' is not between 0 and 6"),
        ("*/0 * * * *", "minute: '\\*/0' has no step from 1 to 59"),
        ("*/60 * * * *", "minute: '\\*/60' has no step from 1 to 59"),
        ("*/x * * * *", "minute: '\\*/x' has no step"),
        ("1, * * * *", "minute: '' is not between"),
        ("-1 * * * *", "minute: '' is not between"),
        ("* * L-31 * *", "day of month: 'L' is not between"),
        ("* * 32W * *", "day of month: '32W' is not between"),
        ("* * * * 5#6", "day of week: '5#6' is not between"),
        ("* * * * MONl", "day of week: 'MONl' is not between"),
        ("²/3 * * * *", "minute: '²' is not between"),
        ("*/² * * * *", "has no step"),
        ("0 0 30 2 *", "no time matches this cron expression"),
        ("0 0 L-30 2 *", "no time matches this cron expression"),
    ],
)
def test_what_is_no_expression_is_refused(expression: str, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        next_of_expression(expression)


@pytest.mark.parametrize(
    ("now_ms", "next_ms"),
    [(0.0, 60_000.0), (59_999.0, 60_000.0), (60_000.0, 60_000.0), (60_001.0, 120_000.0), (3_600_000.0, 3_600_000.0)],
)
def test_an_interval_skips_what_was_missed(now_ms: float, next_ms: float) -> None:
    assert next_interval(60.0, 0.0, now_ms) == next_ms
