"""Facts are taken out of messages behind the answer: once, completely, and in spite of a busy model."""

from __future__ import annotations

import pytest
from fake_model import FakeModel
from users import User

from convex_mastra_emulator import Deployment, Emulator, ManualClock


def test_it_runs_behind_the_answer(ada: User, model: FakeModel, convex_clock: ManualClock) -> None:
    ada.says("I am allergic to peanuts.")
    before = model.count("extraction"), ada.memories()

    convex_clock.advance(0)

    assert before == (0, {})
    assert ada.memories() == {"I am allergic to peanuts": 1}


def test_all_facts_of_a_message_are_kept(ada: User) -> None:
    ada.tells("I work as a baker. It rains. My sister lives in Oslo!")

    assert ada.memories() == {"I work as a baker": 1, "My sister lives in Oslo": 1}


# Merging


def test_a_fact_that_is_told_again_is_counted(ada: User) -> None:
    ada.tells("I am allergic to peanuts.")
    ada.tells("I am allergic to peanuts!")

    assert ada.memories() == {"I am allergic to peanuts": 2}


def test_the_same_in_other_words_is_the_same_memory_in_its_latest_words(ada: User) -> None:
    ada.tells("I am allergic to peanuts.")
    ada.tells("I am very allergic to peanuts.")

    assert ada.memories() == {"I am very allergic to peanuts": 2}


def test_what_is_only_alike_is_another_memory(ada: User) -> None:
    ada.tells("I am allergic to peanuts.")
    ada.tells("I am allergic to walnuts.")

    assert ada.memories() == {"I am allergic to peanuts": 1, "I am allergic to walnuts": 1}


def test_two_users_may_say_the_same(ada: User, bob: User) -> None:
    ada.tells("I am allergic to peanuts.")
    bob.tells("I am allergic to peanuts.")

    assert ada.memories() == bob.memories() == {"I am allergic to peanuts": 1}


# The search for what is known comes before all writing: only the transaction that writes can see the first one.
def test_a_fact_that_is_told_twice_in_a_message_is_one_memory(ada: User) -> None:
    ada.tells("I am allergic to peanuts. Really, believe me! I am allergic to peanuts!")

    assert ada.memories() == {"I am allergic to peanuts": 2}


# An administrator may call internal functions, and so come between the search and the writing.
def test_a_memory_that_was_forgotten_since_the_search_is_made_anew(ada: User, convex_deployment: Deployment) -> None:
    memory = ada.remembers("I work as a baker")
    ada.forgets(memory)

    fact = {"text": "I work as a baker", "embedding": [1.0] * 256, "sameAs": memory}
    convex_deployment.mutation("memories:store", {"userId": ada.id, "fact": fact})

    assert ada.memories() == {"I work as a baker": 1}


# Failing


def test_a_crash_leaves_the_answer_alone(ada: User, model: FakeModel) -> None:
    model.say("extraction", "I'd rather not.")

    reply = ada.says("I am allergic to peanuts.")

    assert ada.extraction() == "failed"
    assert "is not valid JSON" in ada.last_message()["extractionError"]
    assert [message["text"] for message in ada.history()] == ["I am allergic to peanuts.", reply]
    assert ada.memories() == {}


@pytest.mark.parametrize("answer", ['{"facts": "one"}', '{"facts": [1]}', "{}"])
def test_an_answer_of_another_form_is_told(ada: User, model: FakeModel, answer: str) -> None:
    model.say("extraction", answer)

    ada.says("I am allergic to peanuts.")

    assert ada.extraction() == "failed"
    assert ada.last_message()["extractionError"] == f"The model was asked for a list of facts and answered {answer}"


# The chat's own embedding is the first one, that of the facts the second.
def test_without_embeddings_no_fact_is_kept(ada: User, model: FakeModel) -> None:
    model.fail("embedding", 400, after=1)

    ada.says("I work as a baker. My sister lives in Oslo.")

    assert ada.extraction() == "failed"
    assert ada.last_message()["extractionError"].startswith("OpenAI answered /embeddings with 400: ")
    assert ada.memories() == {}


# Trying again


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_model_is_asked_again(ada: User, model: FakeModel, status: int) -> None:
    model.fail("extraction", status, times=1)

    ada.tells("I am allergic to peanuts.")

    assert model.count("extraction") == 2
    assert ada.memories() == {"I am allergic to peanuts": 1}


def test_pauses_double(ada: User, model: FakeModel, convex_clock: ManualClock) -> None:
    model.fail("extraction", 429)
    ada.says("I am allergic to peanuts.")
    convex_clock.advance(0)

    asked = [model.count("extraction")]
    for pause in (1, 2, 4, 8):
        convex_clock.advance(pause - 0.001)
        asked.append(model.count("extraction"))
        convex_clock.advance(0.001)
        asked.append(model.count("extraction"))

    assert asked == [1, 1, 2, 2, 3, 3, 4, 4, 5]


def test_after_five_attempts_it_has_failed(
    ada: User, model: FakeModel, convex_clock: ManualClock, convex_emulator: Emulator
) -> None:
    model.fail("extraction", 429)
    ada.says("I am allergic to peanuts.")

    convex_clock.advance(3600)

    assert model.count("extraction") == 5
    assert ada.extraction() == "failed"
    assert "429" in ada.last_message()["extractionError"]
    assert convex_emulator.scheduler.pending() == []
