"""What a user of the app does."""

from __future__ import annotations

from typing import Any

from convex_mastra_emulator import Deployment
from pytest_mastra_convex.waiting import WaitUntil


class User:
    """One user.

    Args:
        deployment: where the app runs.
        wait_until: waits for what is scheduled there.
        id: the user's.
    """

    def __init__(self, deployment: Deployment, wait_until: WaitUntil, id: str) -> None:
        self.id = id
        self._deployment = deployment
        self._wait_until = wait_until

    def says(self, text: str, *, session: str = "monday") -> str:
        """Sends a message and gives the answer."""
        answer = self._deployment.action("chat:send", {"userId": self.id, "sessionId": session, "text": text})
        return str(answer["reply"])

    def tells(self, text: str) -> None:
        """Sends a message and waits until it was looked through for facts."""
        self.says(text)
        assert self.extraction() == "done"

    def extraction(self, session: str = "monday") -> str:
        """How the last message of a session ended on its way into the memory; waits for the end."""
        self._wait_until(lambda: self.last_message(session)["extraction"] != "waiting")
        return str(self.last_message(session)["extraction"])

    def last_message(self, session: str = "monday") -> Any:
        """The last one the user wrote."""
        return [message for message in self.history(session) if message["role"] == "user"][-1]

    def history(self, session: str = "monday") -> list[Any]:
        """The messages of a session."""
        messages: list[Any] = self._deployment.query("chat:history", {"userId": self.id, "sessionId": session})
        return messages

    def remembers(self, text: str) -> str:
        """Wants something to be remembered, and gives the memory's id."""
        return str(self._deployment.action("embeddings:remember", {"userId": self.id, "text": text}))

    def recalls(self, text: str, **options: Any) -> list[str]:
        """The memories that are nearest to a text."""
        found = self._deployment.action("embeddings:recall", {"userId": self.id, "text": text, **options})
        return [memory["text"] for memory in found]

    def memories(self) -> dict[str, int]:
        """Everything the app knows, and how often the user has said it."""
        memories = self._deployment.query("memories:list", {"userId": self.id})
        return {memory["text"]: int(memory["mentions"]) for memory in memories}

    def forgets(self, memory_id: str) -> None:
        """Wants one memory to be forgotten."""
        self._deployment.mutation("memories:forget", {"userId": self.id, "memoryId": memory_id})

    def leaves(self) -> None:
        """Wants everything to be forgotten."""
        self._deployment.mutation("memories:forgetUser", {"userId": self.id})
