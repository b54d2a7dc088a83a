"""One socket of the sync protocol as a state machine: texts in, texts out; it opens no socket and starts no thread.

What is promised to a client (convex-wire.md §3.4 and §3.5):

* a mutation's response comes first, then a Transition whose time is not before its commit;
* all results of one Transition are of one time, and times never go back;
* every Transition begins where the last one ended;
* a query is told of again only if its result changed.

convex-backend crates/sync/src/worker.rs, state.rs (checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from convex_mastra_emulator.emulator import Emulator
from convex_mastra_emulator.errors import DeploymentError, RequestRefused
from convex_mastra_emulator.fault_kinds import FaultKind
from convex_mastra_emulator.journal import JournalEntry
from convex_mastra_emulator.protocol.auth import Authenticator, Credentials
from convex_mastra_emulator.protocol.call_report import CallReport
from convex_mastra_emulator.protocol.client_version import ClientVersion
from convex_mastra_emulator.protocol.messages import encoded_arguments
from convex_mastra_emulator.protocol.query_set import QuerySet, RetryLater
from convex_mastra_emulator.protocol.sync_messages import (
    AddQuery,
    Authenticate,
    CallMessage,
    Connect,
    ModifyQuerySet,
    StateVersion,
    UnreadableMessage,
    read_message,
    write_u64,
)
from convex_mastra_emulator.protocol.sync_outputs import Close, Output, RunAction, UpdateLater, closed_by, fatal, struck
from convex_mastra_emulator.runtime.calls import Outcome
from convex_mastra_emulator.runtime.function_log import Request, request_id_of
from convex_mastra_emulator.runtime.functions import FunctionKind
from convex_mastra_emulator.runtime.identity import ANONYMOUS, Identity
from convex_mastra_emulator.values.codec import encode
from convex_mastra_emulator.values.json_text import write_json
from convex_mastra_emulator.values.types import undefined

# Only npm clients of this version on put chunks together again (crates/sync/src/worker.rs).
_CHUNKS_FROM = (1, 28, 0, True)
_CHUNK_BYTES = 5_000_000


class SessionRequests:
    """Answers of successful mutations by session and request, so that one that is sent again runs once.

    Args:
        size_max: how many are kept.
    """

    def __init__(self, size_max: int = 10_000) -> None:
        self._answers: dict[tuple[str, int], Outcome] = {}
        self._size_max = size_max

    def find(self, session_id: str, request_id: int) -> Outcome | None:
        """The answer of a mutation that ran before."""
        return self._answers.get((session_id, request_id))

    def keep(self, session_id: str, request_id: int, outcome: Outcome) -> None:
        """Keeps an answer; the oldest one goes when there are too many."""
        self._answers[(session_id, request_id)] = outcome
        if len(self._answers) > self._size_max:
            del self._answers[next(iter(self._answers))]


class SyncSession:
    """One socket.

    Args:
        emulator: the deployment.
        authenticator: checks keys and tokens.
        client: which client connected.
        requests: shared by all sockets of the deployment.
        on_stale: called, from any thread and under the deployment's lock, when a subscribed query's result may
            have changed: :meth:`update` is to be called soon.
    """

    def __init__(
        self,
        emulator: Emulator,
        authenticator: Authenticator,
        client: ClientVersion,
        requests: SessionRequests,
        on_stale: Callable[[], None],
    ) -> None:
        self._emulator = emulator
        self._authenticator = authenticator
        self._client = client
        self._requests = requests
        self._on_stale = on_stale
        self._session_id: str | None = None
        self._clock_skew_ms: int | None = None
        self._identity: Identity = ANONYMOUS
        self._received = StateVersion()
        self._sent = StateVersion()
        self._sent_count = 0
        self._query_set = QuerySet(emulator, self._become_stale, self._report)
        self.needs_update = False
        """Whether :meth:`update` is to be called once what was returned has been sent."""
        self.reports: list[CallReport] = []
        """What was called, for the log; the server empties it."""

    # Messages of the client

    def receive(self, text: str) -> list[Output]:
        """Takes a message and gives what is to be done, in order."""
        try:
            message = read_message(text)
        except UnreadableMessage as error:
            self._report_refusal("sync", "socket", "UnreadableMessage")
            return fatal(f"Received Invalid JSON on websocket: {error}")
        try:
            match message:
                case Connect():
                    return self._connect(message)
                case ModifyQuerySet():
                    return self._modify(message)
                case CallMessage():
                    return self._call(message)
                case Authenticate():
                    return self._authenticate(message)
        except DeploymentError as error:
            self._report_refusal("sync", "socket", error.code)
            return closed_by(error)
        return []

    def receive_bytes(self) -> list[Output]:
        """A binary frame is no message."""
        return [Close(1011, "InternalServerError")]

    def _connect(self, message: Connect) -> list[Output]:
        if self._session_id is not None:
            return [Close(1011, "InternalServerError")]
        self._session_id = message.session_id
        if message.client_ts_ms is not None:
            self._clock_skew_ms = int(message.client_ts_ms) - self._emulator.clock.now_ns() // 1_000_000
        return []

    def _modify(self, message: ModifyQuerySet) -> list[Output]:
        current = self._received.query_set
        if message.base_version != current:
            return fatal(f"Base version {message.base_version} passed up doesn't match the current version {current}")
        for change in message.modifications:
            if isinstance(change, AddQuery) and not self._may_name(change.component_path):
                return [Close(1011, "InternalServerError")]
        if message.new_version <= current or not self._query_set.apply(message.modifications):
            return [Close(1011, "InternalServerError")]
        self._received = replace(self._received, query_set=message.new_version)
        self.needs_update = True
        return []

    def _authenticate(self, message: Authenticate) -> list[Output]:
        if message.base_version != self._received.identity:
            return [Close(1011, "InternalServerError")]
        try:
            self._identity = self._identify(message)
        except RequestRefused as error:
            # PyPI's client tries again for ever and says nothing: only the log tells its user why.
            self._report_refusal("Authenticate", message.token_type.lower(), error.code)
            refusal = {
                "type": "AuthError",
                "error": error.message,
                "baseVersion": self._sent.identity,
                "authUpdateAttempted": True,
            }
            return [write_json(refusal), Close()]
        self._received = replace(self._received, identity=message.base_version + 1)
        self._query_set.run_all_again()
        self.needs_update = True
        return []

    def _identify(self, message: Authenticate) -> Identity:
        if message.token_type == "Admin":
            acting_as = None if message.acting_as is None else dict(message.acting_as)
            return self._authenticator.identify(Credentials(admin_key=message.value, acting_as=acting_as))
        return self._authenticator.identify(Credentials(token=message.value))

    # Mutations and actions

    def _call(self, message: CallMessage) -> list[Output]:
        if self._has_expired():
            return self._expired()
        if not self._may_name(message.component_path):
            return [Close(1011, "InternalServerError")]
        if message.is_action:
            identity = self._identity
            return [RunAction(lambda: self._run_action(message, identity))]
        session_id = self._session_id or ""
        # From looking for an answer until it is kept: a client that comes back repeats what may still run.  A lock of
        # the answers' own would be taken before the emulator's here, and after it by who holds that already.
        with self._emulator.standing_still():
            outcome = self._requests.find(session_id, message.request_id)
            if outcome is None:
                outcome = self._run(message, FunctionKind.MUTATION, self._identity)
                if outcome.failure is None and session_id and not _has_not_run(outcome):
                    # What struck this answer does not strike the one to a request that is sent again.
                    self._requests.keep(session_id, message.request_id, replace(outcome, fault=None))
        self.needs_update = True
        timestamp = write_u64(outcome.timestamp_ns) if outcome.failure is None else None
        text = write_json({"type": "MutationResponse", **self._answer(message, outcome), "ts": timestamp})
        return struck([text], [] if outcome.fault is None else [outcome.fault])

    def _may_name(self, component_path: str) -> bool:
        """Whether the caller may name a component; the root is open to all.

        Raises:
            RequestRefused: to administrators, as there are no components here.
        """
        if component_path and self._identity.is_admin:
            raise RequestRefused(f"Component path '{component_path}' not found", code="ComponentPathNotFound")
        return not component_path

    def _run_action(self, message: CallMessage, identity: Identity) -> list[Output]:
        try:
            outcome = self._run(message, FunctionKind.ACTION, identity)
        except DeploymentError as error:
            self._report_refusal("sync", "socket", error.code)
            return closed_by(error)
        text = write_json({"type": "ActionResponse", **self._answer(message, outcome)})
        return struck([text], [] if outcome.fault is None else [outcome.fault])

    def action_ended(self) -> None:
        """To be called when what an action gave was sent: an update comes behind its answer, not before it.

        convex-backend crates/sync/src/worker.rs ``go``: the answer is sent, then ``schedule_update``.
        """
        self.needs_update = True

    def _run(self, message: CallMessage, kind: FunctionKind, identity: Identity) -> Outcome:
        request = Request("SyncWorker", self._request_id(message))
        outcome = self._emulator.call(message.path, encoded_arguments(message.args), kind, identity, request=request)
        self._report(message.path, kind, outcome)
        return outcome

    def _report(self, path: str, kind: FunctionKind, outcome: Outcome) -> None:
        self.reports.append(CallReport.of(path, kind, outcome))

    def _report_refusal(self, what: str, kind: str, code: str) -> None:
        self.reports.append(CallReport(what, kind, 0, f"refused: {code}"))

    def _answer(self, message: CallMessage, outcome: Outcome) -> dict[str, Any]:
        answer: dict[str, Any] = {"requestId": message.request_id, "success": outcome.failure is None}
        if outcome.failure is None:
            answer["result"] = encode(outcome.value)
        else:
            is_redacted = self._emulator.redact_errors
            answer["result"] = outcome.failure.client_text(self._request_id(message), is_redacted=is_redacted)
            if outcome.failure.data is not undefined:
                answer["errorData"] = encode(outcome.failure.data)
        answer["logLines"] = [] if self._emulator.redact_errors else list(outcome.log_lines)
        return answer

    def _request_id(self, message: CallMessage) -> str:
        return request_id_of(self._session_id or "", message.request_id)

    def _has_expired(self) -> bool:
        expires_s = self._identity.expires_s
        return expires_s is not None and expires_s <= self._emulator.clock.now_ns() / 1_000_000_000

    def _expired(self) -> list[Output]:
        refusal = {
            "type": "AuthError",
            "error": "Convex token identity expired",
            "baseVersion": self._sent.identity,
            "authUpdateAttempted": False,
        }
        return [write_json(refusal), Close()]

    def _become_stale(self) -> None:
        self.needs_update = True
        self._on_stale()

    # Transitions

    def update(self) -> list[Output]:
        """Runs what is stale and gives the one Transition that tells of it."""
        self.needs_update = False
        if self._has_expired():
            return self._expired()
        received = self._received
        with self._emulator.standing_still() as now_ns:
            try:
                modifications = self._query_set.modifications(self._identity)
            except RetryLater as retry:
                self.needs_update = True
                return [UpdateLater(retry.seconds)]
            except DeploymentError as error:
                self._report_refusal("sync", "socket", error.code)
                return closed_by(error)
            timestamp_ns = max(self._sent.timestamp_ns, now_ns)
        end = replace(received, timestamp_ns=timestamp_ns)
        transition = {
            "type": "Transition",
            "startVersion": self._sent.to_json(),
            "endVersion": end.to_json(),
            "modifications": modifications,
            "clientClockSkew": self._clock_skew_ms,
            "serverTs": self._emulator.clock.now_ns(),
        }
        self._sent = end
        return struck(list(self._in_chunks(write_json(transition))), self._query_set.take_strikes())

    def _in_chunks(self, text: str) -> list[str]:
        is_able = self._client.client == "npm" and (self._client.version or (0, 0, 0, True)) >= _CHUNKS_FROM
        data = text.encode()
        if not is_able or len(data) <= _CHUNK_BYTES:
            return [text]
        parts = _cut(text, _CHUNK_BYTES)
        transition_id = self._emulator.new_request_id()
        return [
            write_json(
                {
                    "type": "TransitionChunk",
                    "chunk": part,
                    "partNumber": number,
                    "totalParts": len(parts),
                    "transitionId": transition_id,
                }
            )
            for number, part in enumerate(parts)
        ]

    # Time and the end

    def to_send(self, text: str) -> str | Close:
        """What is done instead of sending a text: to be asked for every one, just before it is sent."""
        self._sent_count += 1
        faults = self._emulator.faults
        end = faults.socket_end(self._sent_count) if faults.armed_sockets else None
        if end is None:
            return text
        self._emulator.journal.add(JournalEntry("socket", "sync", None, fault=str(end)))
        return Close(end.code)

    def ping(self) -> str:
        """What keeps an idle client from giving up; npm ignores frames that are no text."""
        return write_json({"type": "Ping"})

    def close(self) -> None:
        """Forgets all subscriptions; the socket is gone."""
        self._query_set.clear()


def _has_not_run(outcome: Outcome) -> bool:
    return outcome.fault is not None and outcome.fault.kind is FaultKind.CONNECTION_CUT


def _cut(text: str, size_max: int) -> list[str]:
    """Pieces of at most ``size_max`` bytes that end between characters."""
    data = text.encode()
    pieces = []
    start = 0
    while start < len(data):
        end = min(start + size_max, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(data[start:end].decode())
        start = end
    return pieces
