"""What a user wants to be forgotten is gone, and nobody else's."""

from __future__ import annotations

import pytest
from fake_model import FakeModel
from users import User

from convex_mastra_emulator import ConvexError, Emulator, ManualClock


def test_one_memory_is_forgotten(ada: User) -> None:
    ada.remembers("I work as a baker")
    memory = ada.remembers("My sister lives in Oslo")

    ada.forgets(memory)

    assert ada.memories() == {"I work as a baker": 1}
    assert ada.recalls("Oslo") == ["I work as a baker"]


def test_nobody_elses_can_be_forgotten(ada: User, bob: User) -> None:
    memory = ada.remembers("I work as a baker")

    with pytest.raises(ConvexError) as caught:
        bob.forgets(memory)

    assert caught.value.data["code"] == "not_found"
    assert ada.memories() == {"I work as a baker": 1}


def test_a_memory_is_forgotten_once(ada: User) -> None:
    memory = ada.remembers("I work as a baker")
    ada.forgets(memory)

    with pytest.raises(ConvexError, match="not_found"):
        ada.forgets(memory)


def test_who_leaves_leaves_nothing_and_others_stay(ada: User, bob: User) -> None:
    ada.tells("I am allergic to peanuts.")
    bob.tells("I work as a baker.")

    ada.leaves()

    assert (ada.memories(), ada.history(), ada.recalls("peanuts")) == ({}, [], [])
    assert (bob.memories(), len(bob.history())) == ({"I work as a baker": 1}, 2)


# 200 rows go at once; the rest is deleted by a function that schedules itself.
@pytest.mark.parametrize(("rows", "left"), [(200, 0), (201, 1), (401, 201)])
def test_any_number_of_memories_is_forgotten(
    ada: User, convex_emulator: Emulator, convex_clock: ManualClock, rows: int, left: int
) -> None:
    memory = {"userId": ada.id, "embedding": [1.0] * 256, "mentions": 1.0}
    convex_emulator.run(
        lambda ctx: [ctx.db.insert("userMemories", {**memory, "text": f"{number}"}) for number in range(rows)]
    )

    ada.leaves()

    assert convex_emulator.table_counts().get("userMemories", 0) == left
    convex_clock.advance(0)
    assert convex_emulator.table_counts() == {}


# Between the answer and the facts the user has left: what they said must not come back, nor go anywhere.
def test_an_extraction_that_comes_too_late_asks_nobody_and_keeps_nothing(
    ada: User, model: FakeModel, convex_emulator: Emulator, convex_clock: ManualClock
) -> None:
    ada.says("I am allergic to peanuts.")
    ada.leaves()

    convex_clock.advance(3600)

    assert model.count("extraction") == 0
    assert convex_emulator.table_counts() == {}
    assert {job.state for job in convex_emulator.scheduler.all()} == {"success"}
