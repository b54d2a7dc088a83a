"""Faults by themselves: which of them strike, when and how often, and what is refused when one is armed."""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from convex import ConvexError

from convex_mastra_emulator import Emulator, FaultKind
from convex_mastra_emulator.errors import RequestRefused
from convex_mastra_emulator.fault_kinds import Place, Strike
from convex_mastra_emulator.faults import Faults


@pytest.fixture
def faults() -> Faults:
    return Faults(seed=1)


def strikes(faults: Faults, count: int, path: str = "notes:add", place: Place = Place.CLIENT) -> list[str | None]:
    """What struck each of so many calls."""
    met = [faults.strike(path, place) for _ in range(count)]
    return [None if strike is None else str(strike) for strike in met]


# How often


def test_fault_without_times_strikes_always(faults: Faults) -> None:
    fault = faults.fail("notes:add", "overloaded")

    assert strikes(faults, 3) == ["overloaded"] * 3
    assert fault.count == 3


# Afterwards nothing is armed: calls are as quick as before.
def test_fault_strikes_so_many_times_and_is_gone(faults: Faults) -> None:
    fault = faults.fail("notes:add", "overloaded", times=2)

    assert strikes(faults, 4) == ["overloaded", "overloaded", None, None]
    assert fault.count == 2
    assert list(faults) == []


def test_fault_lets_so_many_calls_pass_first(faults: Faults) -> None:
    faults.fail("notes:add", "overloaded", after=2, times=1)

    assert strikes(faults, 4) == [None, None, "overloaded", None]


# Calls of other functions are no calls that pass.
def test_calls_of_others_do_not_count(faults: Faults) -> None:
    faults.fail("notes:add", "overloaded", after=1)

    assert strikes(faults, 5, "notes:list") == [None] * 5
    assert strikes(faults, 2) == [None, "overloaded"]


# Probability


def test_probability_is_the_same_in_every_run_with_one_seed() -> None:
    def run(seed: int) -> list[str | None]:
        faults = Faults(seed)
        faults.fail("*", "overloaded", probability=0.3)
        return strikes(faults, 1000)

    assert run(7) == run(7)
    assert run(7) != run(8)
    assert 240 < sum(struck is not None for struck in run(7)) < 360


# A fault armed beside another one must not change what a seed was chosen for.
def test_probability_does_not_depend_on_other_faults() -> None:
    alone, beside = Faults(7), Faults(7)
    alone.fail("notes:add", "overloaded", probability=0.5)
    beside.fail("notes:add", "overloaded", probability=0.5)
    beside.fail("other:f", "refused", probability=0.5)

    for faults in (alone, beside):
        strikes(faults, 50, "other:f")

    assert strikes(alone, 100) == strikes(beside, 100)


@pytest.mark.parametrize(("probability", "struck"), [(0, [None] * 20), (1, ["overloaded"] * 20)])
def test_probability_at_its_bounds(faults: Faults, probability: float, struck: list[str | None]) -> None:
    faults.fail("*", "overloaded", probability=probability)

    assert strikes(faults, 20) == struck


def test_clear_begins_anew(faults: Faults) -> None:
    faults.fail("*", "overloaded", probability=0.5)
    first = strikes(faults, 50)
    faults.clear()
    faults.fail("*", "overloaded", probability=0.5)

    assert strikes(faults, 50) == first


# Which


@pytest.mark.parametrize(
    ("pattern", "path", "is_struck"),
    [
        ("notes:add", "notes:add", True),
        ("notes:add", "notes:added", False),
        ("*", "mastra/storage:handle", True),
        ("mastra/*", "mastra/storage:handle", True),
        ("mastra/*", "mastra2/storage:handle", False),
        ("*:handle", "mastra/storage:handle", True),
        ("mastra/*:handle", "mastra/cache:other", False),
        ("mastra/storage.js:*", "mastra/storage:handle", True),
        ("m.stra/*", "mastra/storage:handle", False),
    ],
)
def test_paths_and_patterns(faults: Faults, pattern: str, path: str, *, is_struck: bool) -> None:
    faults.fail(pattern, "overloaded")

    assert (faults.strike(path, Place.CLIENT) is not None) is is_struck


@pytest.mark.parametrize("form", ["notes:default", "notes", "notes.js", "notes.js:default"])
def test_every_form_of_a_path_names_the_function(emulator: Emulator, form: str) -> None:
    emulator.faults.fail(form, "overloaded")

    with pytest.raises(RequestRefused, match="Too many concurrent requests"):
        emulator.query("notes:default")


# One after the other they make a story: first overloaded, then refused, then well.
def test_first_armed_fault_that_is_not_used_up_decides(faults: Faults) -> None:
    faults.fail("*", "overloaded", times=1)
    faults.fail("notes:add", "refused", times=1)

    assert strikes(faults, 3) == ["overloaded", "refused", None]


def test_delays_add_up_until_an_error_decides(faults: Faults) -> None:
    faults.fail("*", delay=0.5)
    faults.fail("*", "overloaded", delay=0.25)
    faults.fail("*", "refused", delay=8)

    strike = faults.strike("notes:add", Place.CLIENT)

    assert strike == Strike(("delay 0.5 s", "overloaded"), FaultKind.OVERLOADED, delay_seconds=0.75)


@pytest.mark.parametrize(
    ("error", "places"),
    [
        ("write_conflict", {Place.COMMIT}),
        ("overloaded", {Place.CLIENT, Place.ACTION}),
        ("rate_limited", {Place.CLIENT, Place.ACTION}),
        ("refused", {Place.CLIENT, Place.ACTION}),
        ("internal", {Place.CLIENT, Place.ACTION}),
        ("connection_cut", {Place.CLIENT}),
        ("answer_lost", {Place.CLIENT}),
        ("malformed_json", {Place.CLIENT}),
        (ValueError, {Place.CLIENT, Place.ACTION, Place.SCHEDULED, Place.NESTED}),
    ],
)
def test_faults_strike_where_they_make_sense(faults: Faults, error: Any, places: set[Place]) -> None:
    faults.fail("*", error)

    assert {place for place in Place if faults.strike("notes:add", place) is not None} == places


# A conflict that could not be is no strike: `times` is left for the commits.
def test_calls_elsewhere_do_not_use_a_fault_up(faults: Faults) -> None:
    fault = faults.fail("*", "write_conflict", times=1)

    assert strikes(faults, 3, place=Place.CLIENT) == [None] * 3
    assert strikes(faults, 2, place=Place.COMMIT) == ["write_conflict", None]
    assert fault.count == 1


def test_strike_tells_how_often() -> None:
    strike = Strike(("write_conflict",)).joined(Strike(("write_conflict",))).joined(Strike(("delay 1 s",)))

    assert str(strike) == "write_conflict ×2, delay 1 s"  # noqa: RUF001


# Calls come from many threads of a server at once; none may be struck beyond `times`.
def test_threads_share_one_count(faults: Faults) -> None:
    fault = faults.fail("*", "overloaded", times=500)

    with ThreadPoolExecutor(8) as pool:
        met = list(pool.map(lambda _: faults.strike("notes:add", Place.CLIENT), range(2000)))

    assert sum(strike is not None for strike in met) == fault.count == 500


# With, decorator, clear


def test_with_disarms_at_its_end_and_counts(faults: Faults) -> None:
    with faults.fail("notes:add", "overloaded") as fault:
        assert strikes(faults, 2) == ["overloaded"] * 2

    assert strikes(faults, 1) == [None]
    assert fault.count == 2


def test_with_disarms_when_the_block_fails(faults: Faults) -> None:
    with pytest.raises(KeyError), faults.fail("*", "overloaded"):
        raise KeyError

    assert len(faults) == 0


def test_with_can_be_entered_again(faults: Faults) -> None:
    fault = faults.fail("*", "overloaded", times=1, after=1)
    for _ in range(2):
        with fault:
            assert strikes(faults, 3) == [None, "overloaded", None]


def test_decorated_function_runs_with_the_fault_and_its_own_arguments(faults: Faults) -> None:
    @faults.fail("*", "overloaded", times=1)
    def call(count: int, *, path: str) -> list[str | None]:
        """Calls."""
        return strikes(faults, count, path)

    assert strikes(faults, 1) == [None]
    assert call(2, path="notes:add") == ["overloaded", None]
    assert call(1, path="notes:add") == ["overloaded"]
    assert strikes(faults, 1) == [None]
    assert (call.__name__, call.__doc__) == ("call", "Calls.")


async def coroutine() -> None: ...


def generator() -> Any:
    yield


# Their bodies run when the decorator has gone: the test would pass without its fault.
@pytest.mark.parametrize("function", [coroutine, generator, "text"])
def test_decorator_refuses_what_runs_later(faults: Faults, function: Any) -> None:
    with pytest.raises(TypeError, match=r"a fault decorates plain functions, got .*use `with` inside of it"):
        faults.fail("*", "overloaded")(function)


def test_iterating_and_clearing(faults: Faults) -> None:
    first = faults.fail("mastra/*", "overloaded")
    second = faults.close_socket(at_message=2)

    assert list(faults) == [first, second]
    assert [str(fault) for fault in faults] == ["overloaded on mastra/*", "close_socket 1006 at message 2"]
    faults.clear()
    assert list(faults) == []
    assert strikes(faults, 1) == [None]


def test_disarming_one_leaves_the_others(faults: Faults) -> None:
    first = faults.fail("*", "overloaded")
    faults.fail("*", "refused")

    first.disarm()
    first.disarm()

    assert strikes(faults, 1) == ["refused"]


# Sockets


def test_socket_ends_at_its_message_so_many_times(faults: Faults) -> None:
    fault = faults.close_socket(at_message=2, code=1001, times=2)

    ends = [[faults.socket_end(number) for number in (1, 2, 3)] for _ in range(3)]

    assert ends == [[None, fault, None], [None, fault, None], [None, None, None]]
    assert (fault.count, fault.code) == (2, 1001)


@pytest.mark.parametrize("code", [1000, 1001, 1006, 1013, 3000, 4999])
def test_codes_of_close_frames(faults: Faults, code: int) -> None:
    assert faults.close_socket(at_message=1, code=code).code == code


# What is refused


def fail(**arguments: Any) -> Callable[[Faults], object]:
    return lambda faults: faults.fail(**{"path": "*", **arguments})


def close(**arguments: Any) -> Callable[[Faults], object]:
    return lambda faults: faults.close_socket(**arguments)


@pytest.mark.parametrize(
    ("arm", "kind", "text"),
    [
        (fail(), ValueError, r"^fail\(\) needs error= or delay=; kinds of error are: write_conflict, overloaded, "),
        (fail(error="overload"), ValueError, "^unknown error 'overload'; known are: write_conflict, overloaded, "),
        (fail(error=3), TypeError, "^error must be one of write_conflict, .*, or an exception, got 3$"),
        (fail(error=KeyboardInterrupt), TypeError, "^error must be one of "),
        (fail(error=ConvexError), ValueError, "^error=ConvexError cannot be made without arguments; give an instance$"),
        (fail(error="refused", times=0), ValueError, "^times must be a whole number of at least 1, got 0$"),
        (fail(error="refused", times=1.5), ValueError, "^times must be a whole number of at least 1, got 1.5$"),
        (fail(error="refused", times=True), ValueError, "^times must be a whole number of at least 1, got True$"),
        (fail(error="refused", after=-1), ValueError, "^after must be a whole number of at least 0, got -1$"),
        (fail(error="refused", probability=1.1), ValueError, "^probability must be a number from 0 to 1, got 1.1$"),
        (fail(error="refused", probability=-0.1), ValueError, "^probability must be a number from 0 to 1, got -0.1$"),
        (fail(error="refused", probability="1"), ValueError, "^probability must be a number from 0 to 1, got '1'$"),
        (fail(delay=-1), ValueError, "^delay must be a number of seconds, at least 0, got -1$"),
        (fail(delay=math.inf), ValueError, "^delay must be a number of seconds, at least 0, got inf$"),
        (
            fail(error="internal", code="X"),
            ValueError,
            "^code= and message= are for overloaded, rate_limited, refused$",
        ),
        (fail(delay=1, message="X"), ValueError, "^code= and message= are for overloaded, rate_limited, refused$"),
        (fail(error="refused", code=3), TypeError, "^code must be a text that is not empty, got 3$"),
        (fail(error="refused", message=""), TypeError, "^message must be a text that is not empty, got ''$"),
        (fail(error="refused", path=""), TypeError, "^path must be a function's path or a pattern .*, got ''$"),
        (fail(error="refused", path=None), TypeError, "^path must be a function's path or a pattern .*, got None$"),
        (close(at_message=0), ValueError, "^at_message must be a whole number of at least 1, got 0$"),
        (close(at_message=None), ValueError, "^at_message must be a whole number of at least 1, got None$"),
        (close(at_message=1, code=1005), ValueError, "^code must be one of 1000, .*, or from 3000 to 4999, got 1005$"),
        (close(at_message=1, code=5000), ValueError, "^code must be one of 1000, .*, or from 3000 to 4999, got 5000$"),
        (close(at_message=1, times=0), ValueError, "^times must be a whole number of at least 1, got 0$"),
    ],
)
def test_bad_argument_is_named_and_nothing_is_armed(
    faults: Faults, arm: Callable[[Faults], object], kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text):
        arm(faults)

    assert list(faults) == []


def test_path_that_is_none_is_refused(emulator: Emulator) -> None:
    with pytest.raises(RequestRefused, match="no such path is not a valid path to a Convex function"):
        emulator.faults.fail("no such path", "overloaded")


# Nothing is shared between two emulators, and a copy is meant to work.
def test_faults_belong_to_one_emulator(emulator: Emulator) -> None:
    emulator.faults.fail("*", "overloaded")

    assert list(Emulator().faults) == []
    assert list(emulator.clone().faults) == []
