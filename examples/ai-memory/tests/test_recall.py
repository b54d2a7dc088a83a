"""What one session has learnt, the next one knows; and nobody else does."""

from __future__ import annotations

import pytest
from fake_model import FakeModel
from users import User

from convex_mastra_emulator import FunctionError
from pytest_mastra_convex.usage import UsageOfTest


def test_the_next_session_recalls_what_the_last_one_learnt(ada: User) -> None:
    assert ada.says("Hello! I am allergic to peanuts.", session="monday") == "I know nothing of you."
    assert ada.extraction("monday") == "done"

    reply = ada.says("May one eat peanuts here?", session="tuesday")

    assert reply == "I know of you: I am allergic to peanuts."


def test_another_user_sees_nothing_of_it(ada: User, bob: User) -> None:
    ada.tells("I am allergic to peanuts.")

    assert bob.says("May one eat peanuts here?") == "I know nothing of you."
    assert bob.recalls("peanuts") == []
    assert bob.memories() == {}
    assert bob.history("monday") != ada.history("monday")


def test_sessions_do_not_read_each_others_messages(ada: User, model: FakeModel) -> None:
    ada.says("What is the weather like?", session="monday")

    ada.says("And tomorrow?", session="tuesday")

    _, asked = [request for request in model.requests if request[0] == "chat"][-1]
    assert [message["content"] for message in asked["messages"][1:]] == ["And tomorrow?"]


def test_an_answer_is_given_with_what_was_said_before(ada: User, model: FakeModel) -> None:
    ada.says("What is the weather like?")

    ada.says("And tomorrow?")

    _, asked = [request for request in model.requests if request[0] == "chat"][-1]
    assert [message["content"] for message in asked["messages"][1:]] == [
        "What is the weather like?",
        "I know nothing of you.",
        "And tomorrow?",
    ]


def test_the_nearest_memory_comes_first(ada: User) -> None:
    ada.tells("I am allergic to peanuts. My sister lives in Oslo. I work as a baker.")

    assert ada.recalls("Where does my sister live, in Oslo?")[0] == "My sister lives in Oslo"
    assert ada.recalls("peanuts, allergic?", limit=1) == ["I am allergic to peanuts"]


def test_a_message_without_facts_leaves_none(ada: User) -> None:
    ada.tells("What is the weather like?")

    assert ada.memories() == {}


# A search gives at most 256 documents, and less than one is no search.
@pytest.mark.parametrize("limit", [1, 256])
def test_a_search_for_as_much_as_there_may_be_is_answered(ada: User, limit: int) -> None:
    ada.remembers("I work as a baker")

    assert ada.recalls("baker", limit=limit) == ["I work as a baker"]


def test_a_search_for_more_is_refused(ada: User) -> None:
    with pytest.raises(FunctionError, match="Vector queries can fetch at most 256 results, requested 257"):
        ada.recalls("baker", limit=257)


# Others' memories must not make an answer slower, nor end it when there are too many.
def test_nothing_reads_a_whole_table(ada: User, bob: User, convex_usage: UsageOfTest) -> None:
    for number in range(20):
        bob.remembers(f"I own the house number {number} in street {number}")

    ada.tells("I am allergic to peanuts.")
    ada.says("May one eat peanuts here?", session="tuesday")

    convex_usage.assert_no_table_scan()
