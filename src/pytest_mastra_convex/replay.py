"""Recordings played again: the same calls on another deployment, and what it answers differently.

    for recording in load_recordings(folder):
        clock = ManualClock(recording.started_seconds)
        differences = replay(recording, Emulator(schema, clock=clock), clock=clock)
        assert [str(difference) for difference in differences] == []

Log lines are kept in recordings and not compared: they carry the deployment's time and its own warnings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from convex import ConvexError

from convex_mastra_emulator import Clock, Deployment, FunctionError, ManualClock, SystemClock
from convex_mastra_emulator.errors import InvalidValue, RequestRefused
from convex_mastra_emulator.limits import DEFAULT_LIMITS
from convex_mastra_emulator.runtime.failures import developer_text
from convex_mastra_emulator.values.bindings import Bindings, Tolerances, shown
from convex_mastra_emulator.values.codec import decode, encode
from pytest_mastra_convex.recording import Answer, Exchange, Recording

# A deployment computes scores in 24 bits of precision, as does the emulator, but in another order of additions; the
# oracle in 53.  2^-20 leaves four bits for what adds up (performance.md §2.3; divergence "vector-score-precision").
SCORE_TOLERANCE = 2.0**-20
# `_score` is Convex', `score` what npm @mastra/convex 1.5.2 makes of it.  Only actions can search, so that a field of
# this name in any other answer (`mastra_scorers` has one) is compared as it is.
SCORE_FIELDS: Tolerances = MappingProxyType({"score": SCORE_TOLERANCE, "_score": SCORE_TOLERANCE})
_NO_TOLERANCES: Tolerances = MappingProxyType({})
_PLACES_SHOWN_MAX = 10

# convex-test throws what a function threw as it is, a deployment tells the error's class (convex-engine.md §11).
_UNCAUGHT = re.compile(r"Uncaught \w+: ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One exchange that ended differently.

    Attributes:
        number: of the exchange, from 1.
        test: the recording's.
        exchange: as it was recorded.
        places: one line for every place that differs.
        expected: the recorded answer, with references.
        got: the deployment's, with its own values.
    """

    number: int
    test: str
    exchange: Exchange
    places: tuple[str, ...]
    expected: Answer
    got: Answer

    def __str__(self) -> str:
        call = f"{self.exchange.kind} {self.exchange.path} {shown(self.exchange.args)}"
        lines = list(self.places[:_PLACES_SHOWN_MAX])
        if len(self.places) > _PLACES_SHOWN_MAX:
            lines.append(f"… and {len(self.places) - _PLACES_SHOWN_MAX} more")
        return "\n    ".join([f"{self.test}: exchange {self.number}, {call}", *lines])


def replay(
    recording: Recording, deployment: Deployment, *, clock: ManualClock | None = None, texts: bool = True
) -> list[Difference]:
    """Plays the calls of a recording in their order and compares each answer.

    Args:
        recording: what to play.
        deployment: an empty one, or one that holds what the recorded one held.
        clock: the deployment's, started at ``recording.started_seconds``: it is moved as time went by in the
            recording, so that what expires does so at the same call.
        texts: whether the texts of errors must be equal; without, their classes and what they carry.  Request ids and
            frames are left out, and on recordings of the oracle the class of the error a function threw.

    Returns:
        The exchanges that ended differently; after one, others may follow from it.
    """
    bindings = Bindings()
    differences = []
    ordered = Recording.from_json(recording.to_json()) if recording.exchanges else recording
    for number, exchange in enumerate(ordered.exchanges, 1):
        if clock is not None:
            _move(clock, round(ordered.started_seconds * 1000) + exchange.at_ms)
        got = _played(exchange, bindings, deployment)
        now_ms = _now_ms(clock or SystemClock())
        expected, given = (_comparable(answer, recording.target, texts=texts) for answer in (exchange.answer, got))
        tolerances = SCORE_FIELDS if exchange.kind == "action" else _NO_TOLERANCES
        places = _places(bindings, expected, given, now_ms=now_ms, tolerances=tolerances)
        if places:
            differences.append(
                Difference(
                    number=number,
                    test=recording.test,
                    exchange=exchange,
                    places=places,
                    expected=exchange.answer,
                    got=got,
                )
            )
    return differences


def _played(exchange: Exchange, bindings: Bindings, deployment: Deployment) -> Answer:
    args = bindings.filled(exchange.args)
    # What cannot be read is for the deployment to refuse, as the recorded one did.
    with suppress(InvalidValue):
        args = decode(args, DEFAULT_LIMITS)
    try:
        return Answer(value=encode(getattr(deployment, exchange.kind)(exchange.path, args)))
    except (FunctionError, ConvexError, RequestRefused) as error:
        return Answer.of_error(error)


def _comparable(answer: Answer, target: str, *, texts: bool) -> Answer:
    """An answer as far as it is compared: an error without its log lines, and without what differs by design."""
    if answer.error is None:
        return answer
    text = developer_text(answer.text) if texts else ""
    if target == "oracle":
        text = _UNCAUGHT.sub("", text, count=1)
    return Answer(error=answer.error, text=text, data=answer.data, code=answer.code)


def _places(
    bindings: Bindings, expected: Answer, got: Answer, *, now_ms: float, tolerances: Tolerances
) -> tuple[str, ...]:
    if (expected.error is None) != (got.error is None):
        return (f"expected {shown(expected.to_json())}, got {shown(got.to_json())}",)
    compared: Mapping[str, Any] = expected.to_json()
    given = got.to_json()
    return tuple(
        line
        for name in compared
        for line in bindings.differences(
            compared[name], given[name], now_ms=now_ms, tolerances=tolerances, where=name, name=name
        )
    )


def _now_ms(clock: Clock) -> float:
    return clock.now_ns() / 1_000_000


def _move(clock: ManualClock, to_ms: int) -> None:
    # In whole nanoseconds: a time of this century has none of them left as a float, and may fall short of its
    # millisecond.
    clock.advance(max(0, to_ms * 1_000_000 - clock.now_ns()) / 1e9)
