"""The other end of a `SyncSession` in tests: sends and reads texts, holds every Transition against the one before.

No socket and no thread: what comes back is what the session returned.  Nothing here imports pytest.
"""

import base64
import json
from typing import Any

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.protocol.api import DeploymentApi
from convex_mastra_emulator.protocol.sync_outputs import Close, Output, RunAction, UpdateLater, Wait

ADMIN_KEY = "happy-animal-123|0123456789abcdef"
SESSION_ID = "e12e4ba6-2371-4018-a6c8-6cf56a737da3"
PYPI = "python-0.8.1"
ZEROS = {"querySet": 0, "identity": 0, "ts": "AAAAAAAAAAA="}

Message = dict[str, Any]


def api_of(emulator: Emulator) -> DeploymentApi:
    return DeploymentApi(emulator, admin_key=ADMIN_KEY, instance_name="happy-animal-123")


def nanoseconds(text: str) -> int:
    """A timestamp of the protocol as a number."""
    return int.from_bytes(base64.b64decode(text, validate=True), "little")


def add(query_id: int, path: str, args: Message | None = None, **fields: Any) -> Message:
    return {"type": "Add", "queryId": query_id, "udfPath": path, "args": [args or {}], **fields}


def remove(query_id: int) -> Message:
    return {"type": "Remove", "queryId": query_id}


class SyncClient:
    """One socket of a client.

    Attributes:
        closed: how the session ended the socket; None while it is open.
        actions: what waits to be run beside the socket.
        wakings: how often the session said that something is stale.
        version: the end of the last Transition.
    """

    def __init__(
        self,
        api: DeploymentApi,
        *,
        client: str | None = PYPI,
        path: str = "/api/sync",
        session_id: str | None = SESSION_ID,
        **connect: Any,
    ) -> None:
        open_session = api.sync_endpoint(path, client)
        assert open_session is not None
        self.session = open_session(self._wake)
        self.closed: Close | None = None
        self.actions: list[RunAction] = []
        self.wakings = 0
        self.version: Message = ZEROS
        self._sent_version = 0
        if session_id is not None:
            assert self.send(type="Connect", sessionId=session_id, connectionCount=0, **connect) == []

    def _wake(self) -> None:
        self.wakings += 1

    def send(self, **message: Any) -> list[Message]:
        """Sends a message; gives the answers that come before any Transition."""
        return self.send_text(json.dumps(message))

    def send_text(self, text: str) -> list[Message]:
        return self._take(self.session.receive(text))

    def send_bytes(self) -> list[Message]:
        return self._take(self.session.receive_bytes())

    def update(self) -> list[Message]:
        """What the session sends when it is asked to, once."""
        assert self.session.needs_update
        return self._take(self.session.update())

    def transition(self) -> Message:
        """The one Transition that :meth:`update` sends."""
        [transition] = self.update()
        assert transition["type"] == "Transition", transition
        return transition

    def modify(self, *modifications: Message) -> list[Message]:
        """Changes the query set; gives what is told of in the Transition that follows."""
        self.send_modify(*modifications)
        return list(self.transition()["modifications"])

    def send_modify(self, *modifications: Message) -> None:
        base = self._sent_version
        self._sent_version += 1
        answers = self.send(
            type="ModifyQuerySet", baseVersion=base, newVersion=self._sent_version, modifications=modifications
        )
        assert answers == []

    def mutate(self, request_id: int, path: str, args: Message | None = None) -> Message:
        [response] = self.send(type="Mutation", requestId=request_id, udfPath=path, args=[args or {}])
        assert response["type"] == "MutationResponse", response
        return response

    def run_actions(self) -> list[Message]:
        """Runs the actions that wait; gives their answers."""
        actions, self.actions = self.actions, []
        answers = []
        for action in actions:
            answers += self._take(list(action.run()))
            self.session.action_ended()
        return answers

    def _take(self, outputs: list[Output]) -> list[Message]:
        messages = []
        for output in outputs:
            assert self.closed is None, f"nothing may follow a close: {output}"
            if isinstance(output, Close):
                self.closed = output
            elif isinstance(output, RunAction):
                self.actions.append(output)
            elif isinstance(output, (Wait, UpdateLater)):
                raise AssertionError(f"nothing was to be waited for: {output}")
            else:
                messages.append(json.loads(output))
                self._follow(messages[-1])
        return messages

    def _follow(self, message: Message) -> None:
        if message["type"] == "Transition":
            assert message["startVersion"] == self.version
            assert nanoseconds(message["endVersion"]["ts"]) >= nanoseconds(self.version["ts"])
            self.version = message["endVersion"]
