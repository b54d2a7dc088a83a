"""What the app asks the model, and what becomes of a message that the model does not answer."""

from __future__ import annotations

from typing import Any

import pytest
from fake_model import FakeModel
from users import User
from variables import Variables

from convex_mastra_emulator import ConvexError


def problem_of(user: User) -> Any:
    """What a message fails with; nothing of it may be left."""
    with pytest.raises(ConvexError) as caught:
        user.says("I am allergic to peanuts.")
    assert user.history() == []
    assert user.memories() == {}
    return caught.value.data


def test_a_wrong_key_is_told_and_nothing_is_written(ada: User, variables: Variables) -> None:
    variables["OPENAI_API_KEY"] = "sk-wrong"

    assert problem_of(ada) == {"code": "wrong_key", "message": "OpenAI does not accept OPENAI_API_KEY"}


def test_a_missing_key_is_told_and_nothing_is_asked(ada: User, model: FakeModel, variables: Variables) -> None:
    del variables["OPENAI_API_KEY"]

    assert problem_of(ada) == {"code": "missing_key", "message": "OPENAI_API_KEY is not set on this deployment"}
    assert model.requests == []


@pytest.mark.parametrize(("status", "code"), [(429, "busy"), (503, "busy"), (400, "refused")])
def test_a_model_that_fails_is_told_and_nothing_is_written(ada: User, model: FakeModel, status: int, code: str) -> None:
    model.fail("chat", status, times=1)

    problem = problem_of(ada)

    assert problem["code"] == code
    assert problem["message"].startswith(f"OpenAI answered /chat/completions with {status}: ")


def test_after_a_failure_the_message_can_be_sent_again(ada: User, model: FakeModel) -> None:
    model.fail("chat", 429, times=1)
    problem_of(ada)

    ada.tells("I am allergic to peanuts.")

    assert ada.memories() == {"I am allergic to peanuts": 1}


def test_embeddings_are_asked_for_in_the_size_of_the_index(ada: User, model: FakeModel) -> None:
    ada.remembers("I work as a baker")

    asked = {"model": "text-embedding-3-small", "input": ["I work as a baker"], "dimensions": 256}
    assert model.requests == [("embedding", asked)]
