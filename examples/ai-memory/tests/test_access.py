"""What the functions take, and which of them clients may call."""

from __future__ import annotations

from typing import Any

import pytest
from users import User

from convex_mastra_emulator import Deployment, FunctionError, connect

MESSAGE = {"userId": "ada", "sessionId": "monday", "text": "Hello!"}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"userId": "ada", "sessionId": "monday"}, "missing the required field `text`"),
        ({**MESSAGE, "text": 5.0}, "Value does not match validator"),
        ({**MESSAGE, "extraction": "done"}, "contains extra field `extraction`"),
    ],
)
def test_a_message_of_another_form_is_refused(
    convex_deployment: Deployment, arguments: dict[str, Any], problem: str
) -> None:
    with pytest.raises(FunctionError, match=problem):
        convex_deployment.action("chat:send", arguments)


def test_the_id_of_a_message_is_none_of_a_memory(ada: User) -> None:
    ada.says("Hello!")

    with pytest.raises(FunctionError, match="does not match the table name"):
        ada.forgets(ada.last_message()["_id"])


@pytest.mark.parametrize("path", ["memories:store", "memories:byIds", "extraction:extract", "chat:record"])
def test_internal_functions_are_none_for_clients(convex_url: str, path: str) -> None:
    kind = {"memories:byIds": "query", "extraction:extract": "action"}.get(path, "mutation")

    with connect(convex_url) as client, pytest.raises(FunctionError, match="Could not find public function"):
        getattr(client, kind)(path, {})
