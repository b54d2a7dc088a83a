"""Which buffered chunks of observations become active, and what is told about them.

npm @mastra/convex 1.5.2 ``selectActivationBoundary`` (mastra-adapter.md §4, swapBufferedToActive).
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from convex_mastra_emulator.mastra.records import argument
from convex_mastra_emulator.values.javascript import truthy
from convex_mastra_emulator.values.types import undefined

_REMAINING_MIN = 1000
_OVERSHOOT_SHARE = 0.95


def _weight(chunk: dict[str, Any]) -> float:
    """Tokens of the messages behind a chunk; a chunk that does not say weighs nothing."""
    weight = chunk.get("messageTokens")
    return weight if isinstance(weight, float) else 0.0


def activation_boundary(chunks: list[dict[str, Any]], request: dict[str, Any]) -> int:
    """How many chunks to activate, so that what remains lies near the retention floor."""
    floor = request["messageTokensThreshold"] * (1 - request["activationRatio"])
    pending = request["currentPendingTokens"]
    target = max(0, pending - floor)
    sums = list(accumulate(map(_weight, chunks)))
    over = min((total, count) for count, total in enumerate(sums, 1) if total >= target) if sums[-1] >= target else None
    under = max(((total, -count) for count, total in enumerate(sums, 1) if 0 < total < target), default=None)
    remaining_min = min(_REMAINING_MIN, floor)
    if over is not None and pending - over[0] >= remaining_min:
        is_forced = truthy(argument(request, "forceMaxActivation"))
        if is_forced or over[0] - target <= floor * _OVERSHOOT_SHARE:
            return over[1]
    if under is not None and pending - under[0] >= remaining_min:
        return -under[1]
    return over[1] if over is not None else 1


def activation_result(activated: list[dict[str, Any]]) -> dict[str, Any]:
    """What ``swapBufferedToActive`` answers; without chunks only counts and empty lists."""
    counts = {
        "chunksActivated": float(len(activated)),
        "messageTokensActivated": sum(map(_weight, activated), 0.0),
        "observationTokensActivated": sum((chunk["tokenCount"] for chunk in activated), 0.0),
        "messagesActivated": float(sum(map(_message_count, activated))),
        "activatedCycleIds": [chunk["cycleId"] for chunk in activated if chunk.get("cycleId")],
        "activatedMessageIds": [item for chunk in activated for item in chunk.get("messageIds") or []],
    }
    if not activated:
        return counts
    last = activated[-1]
    return {
        **counts,
        "observations": "\n\n".join(chunk["observations"] for chunk in activated),
        "perChunk": list(map(_of_chunk, activated)),
        "suggestedContinuation": _or_undefined(last.get("suggestedContinuation")),
        "currentTask": _or_undefined(last.get("currentTask")),
    }


def _message_count(chunk: dict[str, Any]) -> int:
    return len(chunk.get("messageIds") or [])


def _or_undefined(value: Any) -> Any:
    return undefined if value is None else value


def _of_chunk(chunk: dict[str, Any]) -> dict[str, Any]:
    cycle_id = chunk.get("cycleId")
    return {
        "cycleId": "" if cycle_id is None else cycle_id,
        "messageTokens": _weight(chunk),
        "observationTokens": chunk["tokenCount"],
        "messageCount": float(_message_count(chunk)),
        "observations": chunk["observations"],
    }
