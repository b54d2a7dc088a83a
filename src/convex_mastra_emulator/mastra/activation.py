"""Which buffered chunks of observations become active, and what is told about them.

npm @mastra/convex 1.5.2 ``selectActivationBoundary`` (mastra-adapter.md §4, swapBufferedToActive).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from itertools import accumulate
from typing import Any

from convex_mastra_emulator.mastra.records import argument
from convex_mastra_emulator.values.javascript import maximum, minimum, plus, property_of, to_number, to_string, truthy
from convex_mastra_emulator.values.types import undefined

_REMAINING_MIN = 1000.0
_OVERSHOOT_SHARE = 0.95


def _or(value: Any, default: Any) -> Any:
    """``value ?? default``."""
    return default if value is None or value is undefined else value


def _weight(chunk: Any) -> Any:
    """Tokens of the messages behind a chunk; a chunk that does not say weighs nothing."""
    return _or(property_of(chunk, "messageTokens"), 0.0)


def activation_boundary(chunks: list[Any], request: dict[str, Any]) -> int:
    """How many chunks to activate, so that what remains lies near the retention floor."""
    threshold, ratio, pending = (
        to_number(argument(request, name))
        for name in ("messageTokensThreshold", "activationRatio", "currentPendingTokens")
    )
    floor = threshold * (1 - ratio)
    target = maximum(0.0, pending - floor)
    sums = [(to_number(total), count) for count, total in enumerate(accumulate(map(_weight, chunks), plus), 1)]
    over = min(((total, count) for total, count in sums if total >= target), default=None)
    under = max(((total, -count) for total, count in sums if total > 0 and not total >= target), default=None)
    remaining_min = minimum(_REMAINING_MIN, floor)
    if over is not None and pending - over[0] >= remaining_min:
        is_forced = truthy(argument(request, "forceMaxActivation"))
        if is_forced or over[0] - target <= floor * _OVERSHOOT_SHARE:
            return over[1]
    if under is not None and pending - under[0] >= remaining_min:
        return -under[1]
    return over[1] if over is not None else 1


def activation_result(activated: list[Any]) -> dict[str, Any]:
    """What ``swapBufferedToActive`` answers; without chunks only counts and empty lists."""
    cycle_ids = [property_of(chunk, "cycleId") for chunk in activated]
    counts = {
        "chunksActivated": float(len(activated)),
        "messageTokensActivated": _sum(map(_weight, activated)),
        "observationTokensActivated": _sum(property_of(chunk, "tokenCount") for chunk in activated),
        "messagesActivated": _sum(map(_message_count, activated)),
        "activatedCycleIds": list(filter(truthy, cycle_ids)),
        "activatedMessageIds": [item for chunk in activated for item in _message_ids(chunk)],
    }
    if not activated:
        return counts
    last = activated[-1]
    return {
        **counts,
        "observations": "\n\n".join(to_string(_or(property_of(chunk, "observations"), "")) for chunk in activated),
        "perChunk": list(map(_of_chunk, activated)),
        "suggestedContinuation": _or(property_of(last, "suggestedContinuation"), undefined),
        "currentTask": _or(property_of(last, "currentTask"), undefined),
    }


def _sum(numbers: Iterable[Any]) -> Any:
    return reduce(plus, numbers, 0.0)


def _message_ids(chunk: Any) -> list[Any]:
    """The ids for ``flatMap``, which takes anything that is no list as one element."""
    ids = _or(property_of(chunk, "messageIds"), [])
    return ids if isinstance(ids, list) else [ids]


def _message_count(chunk: Any) -> Any:
    ids = _or(property_of(chunk, "messageIds"), [])
    return _or(property_of(ids, "length"), 0.0)


def _of_chunk(chunk: Any) -> dict[str, Any]:
    return {
        "cycleId": _or(property_of(chunk, "cycleId"), ""),
        "messageTokens": _weight(chunk),
        "observationTokens": property_of(chunk, "tokenCount"),
        "messageCount": _message_count(chunk),
        "observations": property_of(chunk, "observations"),
    }
