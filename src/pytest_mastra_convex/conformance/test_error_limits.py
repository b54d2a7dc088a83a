"""How much of an error is told: texts of 64 KiB, data of any size, and how it is shown in the text.

convex-backend crates/common/src/errors.rs, npm convex src/server/impl/registration_impl.ts (convex-engine.md §10.4).
"""

from __future__ import annotations

import pytest
from convex import ConvexError

from convex_mastra_emulator import FunctionError
from pytest_mastra_convex.probe import Probe, insert, repeat, throw, throw_convex

THINGS = "conformance_things"
# What stands before the text of an error that was thrown.
UNCAUGHT = "Uncaught Error: "
LONGEST = 65_536


# An error that quotes the whole prompt: up to 64 KiB are told.
def test_a_text_of_64_kib_is_told(probe: Probe) -> None:
    with pytest.raises(FunctionError) as caught:
        probe.mutation(throw("x" * (LONGEST - len(UNCAUGHT))))

    assert caught.value.message.count("x") >= LONGEST - len(UNCAUGHT)


# The other side: the end is cut off, without a mark.
@pytest.mark.diverges("size-of-error-texts")
def test_a_longer_text_is_cut(probe: Probe) -> None:
    with pytest.raises(FunctionError) as caught:
        probe.mutation(throw("x" * LONGEST + "the end"))

    assert caught.value.message.splitlines()[0] == UNCAUGHT + "x" * (LONGEST - len(UNCAUGHT))


# It is cut by bytes, and between characters.
@pytest.mark.diverges("size-of-error-texts")
def test_a_longer_text_is_cut_between_characters(probe: Probe) -> None:
    with pytest.raises(FunctionError) as caught:
        probe.mutation(throw("x" + "é" * LONGEST))

    first_line = caught.value.message.splitlines()[0]
    assert first_line == UNCAUGHT + "x" + "é" * ((LONGEST - len(UNCAUGHT) - 1) // 2)


# Data of an application's error are a value like any other: nothing of them is cut.
@pytest.mark.parametrize("size", [16_384, 100_000, 1_000_000])
def test_data_of_any_size_arrive(probe: Probe, size: int) -> None:
    with pytest.raises(ConvexError) as caught:
        probe.mutation(insert(THINGS, {}), throw_convex({"code": "TOO_LONG", "text": repeat("x", size)}))

    assert caught.value.data == {"code": "TOO_LONG", "text": "x" * size}


# In the text of the error they are shown as JSON, 16,384 characters of it.
@pytest.mark.diverges("data-in-error-texts")
def test_long_data_are_cut_in_the_text(probe: Probe) -> None:
    with pytest.raises(ConvexError) as caught:
        probe.mutation(throw_convex({"text": repeat("x", 20_000)}))

    line = next(line for line in str(caught.value).splitlines() if "ConvexError" in line)
    shown = line.removeprefix("Uncaught ConvexError: ")
    assert shown.startswith('{"text":"xxx')
    assert shown.endswith("xxx[...truncated]")
    assert len(shown) == 16_384


# Nothing of a function that fails stays, however large its error is.
def test_a_function_with_a_large_error_leaves_nothing(probe: Probe) -> None:
    with pytest.raises(FunctionError):
        probe.mutation(insert(THINGS, {}), throw("x" * 100_000))

    assert probe.count(THINGS) == 0
