"""Which buffered chunks become active: every rule of the boundary at its edge, and what is told about them.

The retention floor is threshold x (1 - ratio), the target is what is pending beyond the floor.
"""

from typing import Any

import pytest

from convex_mastra_emulator.mastra.activation import activation_boundary, activation_result
from convex_mastra_emulator.values.types import undefined


def boundary(*weights: float, pending: float, threshold: float, forced: bool | None = None) -> int:
    """With a ratio of one half, so that the floor is half the threshold."""
    request: dict[str, Any] = {
        "messageTokensThreshold": threshold,
        "activationRatio": 0.5,
        "currentPendingTokens": pending,
    }
    if forced is not None:
        request["forceMaxActivation"] = forced
    return activation_boundary([{"messageTokens": weight} for weight in weights], request)


# Small buffers: floor 500, so at least 500 must remain; pending 1500 makes the target 1000.


def test_sum_that_meets_the_target_is_taken() -> None:
    assert boundary(400.0, 600.0, 300.0, pending=1500.0, threshold=1000.0) == 2


def test_sum_that_leaves_less_than_the_floor_is_not_taken() -> None:
    assert boundary(400.0, 601.0, 300.0, pending=1500.0, threshold=1000.0) == 1


def test_first_chunk_may_be_all() -> None:
    assert boundary(1000.0, 1.0, pending=1500.0, threshold=1000.0) == 1


def test_all_chunks_below_the_target_are_taken() -> None:
    assert boundary(300.0, 300.0, 399.0, pending=1500.0, threshold=1000.0) == 3


# Without a lower boundary the one that leaves too little is the only choice.
def test_too_large_first_chunk_is_taken_for_want_of_another() -> None:
    assert boundary(1200.0, 100.0, pending=1500.0, threshold=1000.0) == 1


# Less is pending than the floor: the target is zero, and so the first chunk is beyond it.
def test_first_chunk_is_taken_when_less_is_pending_than_the_floor() -> None:
    assert boundary(50.0, 20.0, pending=100.0, threshold=1000.0) == 1


# Chunks of old versions do not say their weight.
def test_one_chunk_is_taken_when_none_weighs_anything() -> None:
    assert boundary(0.0, 0.0, 0.0, pending=1500.0, threshold=1000.0) == 1


# Not even as the lower boundary: activating nothing of weight would bring the same question again.
def test_chunk_that_weighs_nothing_is_no_lower_boundary() -> None:
    assert boundary(0.0, 1200.0, pending=1500.0, threshold=1000.0) == 2


def test_chunk_that_weighs_nothing_is_not_added_at_the_target() -> None:
    assert boundary(400.0, 600.0, 0.0, pending=1500.0, threshold=1000.0) == 2


def test_chunk_that_weighs_nothing_is_not_added_below_the_target() -> None:
    assert boundary(400.0, 0.0, 700.0, pending=1500.0, threshold=1000.0) == 1


@pytest.mark.parametrize("chunk", [{}, {"messageTokens": None}])
def test_chunk_without_weight_weighs_nothing(chunk: dict[str, Any]) -> None:
    request = {"messageTokensThreshold": 1000.0, "activationRatio": 0.5, "currentPendingTokens": 1500.0}

    assert activation_boundary([{"messageTokens": 400.0}, chunk, {"messageTokens": 600.0}], request) == 3


# Floor 5000: at least min(1000, floor) must remain; pending 8000 makes the target 3000.


def test_overshoot_is_fine_while_a_thousand_remain() -> None:
    assert boundary(2000.0, 5000.0, pending=8000.0, threshold=10_000.0) == 2


def test_overshoot_that_leaves_999_is_not_taken() -> None:
    assert boundary(2000.0, 5001.0, pending=8000.0, threshold=10_000.0) == 1


# Floor 40,000: an overshoot of 95 % of it, 38,000, leaves 2000; pending 50,000 makes the target 10,000.


def test_overshoot_of_95_percent_of_the_floor_is_taken() -> None:
    assert boundary(5000.0, 43_000.0, pending=50_000.0, threshold=80_000.0) == 2


def test_larger_overshoot_falls_back_to_the_lower_boundary() -> None:
    assert boundary(5000.0, 43_001.0, pending=50_000.0, threshold=80_000.0) == 1


# Forced activation allows any overshoot, but still leaves a thousand.


def test_forced_activation_takes_the_larger_overshoot() -> None:
    assert boundary(5000.0, 43_001.0, pending=50_000.0, threshold=80_000.0, forced=True) == 2


def test_forced_activation_that_leaves_a_thousand_is_taken() -> None:
    assert boundary(5000.0, 44_000.0, pending=50_000.0, threshold=80_000.0, forced=True) == 2


def test_forced_activation_that_leaves_999_is_not_taken() -> None:
    assert boundary(5000.0, 44_001.0, pending=50_000.0, threshold=80_000.0, forced=True) == 1


def test_activation_that_is_not_forced_keeps_to_the_overshoot() -> None:
    assert boundary(5000.0, 43_001.0, pending=50_000.0, threshold=80_000.0, forced=False) == 1


def test_ratio_of_one_keeps_nothing() -> None:
    request = {"messageTokensThreshold": 1000.0, "activationRatio": 1.0, "currentPendingTokens": 300.0}

    assert activation_boundary([{"messageTokens": 100.0}] * 4, request) == 3


# What is told


CHUNK: dict[str, Any] = {
    "cycleId": "c-1",
    "messageTokens": 100.0,
    "tokenCount": 10.0,
    "messageIds": ["m-1", "m-2"],
    "observations": "first",
}


def test_nothing_activated_is_told_in_counts_and_empty_lists() -> None:
    assert activation_result([]) == {
        "chunksActivated": 0,
        "messageTokensActivated": 0,
        "observationTokensActivated": 0,
        "messagesActivated": 0,
        "activatedCycleIds": [],
        "activatedMessageIds": [],
    }


def test_activated_chunks_are_told_together_and_one_by_one() -> None:
    second = {**CHUNK, "cycleId": "c-2", "tokenCount": 5.0, "messageIds": ["m-3"], "observations": "second"}

    assert activation_result([CHUNK, second]) == {
        "chunksActivated": 2,
        "messageTokensActivated": 200,
        "observationTokensActivated": 15,
        "messagesActivated": 3,
        "activatedCycleIds": ["c-1", "c-2"],
        "activatedMessageIds": ["m-1", "m-2", "m-3"],
        "observations": "first\n\nsecond",
        "perChunk": [
            {
                "cycleId": "c-1",
                "messageTokens": 100,
                "observationTokens": 10,
                "messageCount": 2,
                "observations": "first",
            },
            {
                "cycleId": "c-2",
                "messageTokens": 100,
                "observationTokens": 5,
                "messageCount": 1,
                "observations": "second",
            },
        ],
        "suggestedContinuation": undefined,
        "currentTask": undefined,
    }


def test_chunk_without_cycle_is_left_out_of_the_list_only() -> None:
    result = activation_result([{"tokenCount": 1.0, "observations": "x"}])

    assert result["activatedCycleIds"] == []
    assert result["perChunk"] == [
        {"cycleId": "", "messageTokens": 0, "observationTokens": 1, "messageCount": 0, "observations": "x"}
    ]


def test_hints_are_those_of_the_last_chunk() -> None:
    first = {**CHUNK, "suggestedContinuation": "go on", "currentTask": "old"}
    last = {**CHUNK, "currentTask": "new"}

    result = activation_result([first, last])

    assert (result["suggestedContinuation"], result["currentTask"]) == (undefined, "new")


def test_null_hint_is_absent() -> None:
    assert activation_result([{**CHUNK, "currentTask": None}])["currentTask"] is undefined
