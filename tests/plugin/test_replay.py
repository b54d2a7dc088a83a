"""Recordings played on another deployment: nothing differs on the same kind, and what differs is told."""

from __future__ import annotations

from typing import Any

import pytest
from convex import ConvexError

from convex_mastra_emulator import Emulator, FunctionError, ManualClock
from convex_mastra_emulator.errors import RequestRefused
from convex_mastra_emulator.runtime.failures import developer_text
from convex_mastra_emulator.values.ids import encode_id
from pytest_mastra_convex.recording import Answer, Exchange, Recording, RecordingDeployment
from pytest_mastra_convex.replay import SCORE_TOLERANCE, replay

STORAGE = "mastra/storage:handle"


class Answering:
    """A deployment that gives prepared answers, raising those that are errors."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[Any] = []

    def query(self, path: str, args: Any = None) -> Any:
        self.requests.append(args)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    mutation = action = query


def recording_of(*answers: Answer, kind: Any = "query", target: str = "live", args: Any = None) -> Recording:
    exchanges = [Exchange(kind=kind, path="a:b", args=args or {}, answer=answer) for answer in answers]
    return Recording(test="t", target=target, date="2026-11-21T12:00:00.000Z", exchanges=exchanges)


def play(deployment: Any) -> None:
    """Rows, pages, an error with the id of a row, and system fields that go back."""
    records = [{"id": f"v{n}", "embedding": [n, 1]} for n in range(3)]
    deployment.mutation(STORAGE, {"op": "batchInsert", "tableName": "mastra_vector_x", "records": records})
    page = deployment.mutation(STORAGE, {"op": "queryTable", "tableName": "mastra_vector_x", "pageSize": 2})
    rest = {"op": "queryTable", "tableName": "mastra_vector_x", "pageSize": 2, "cursor": page["continuationCursor"]}
    deployment.mutation(STORAGE, rest)
    row = {"id": "t", "resourceId": "r", "title": "x", "createdAt": "c", "updatedAt": "u"}
    deployment.mutation(STORAGE, {"op": "insert", "tableName": "mastra_threads", "record": row})
    stored = deployment.mutation(STORAGE, {"op": "load", "tableName": "mastra_threads", "keys": {"id": "t"}})["result"]
    deployment.mutation(STORAGE, {"op": "insert", "tableName": "mastra_threads", "record": {**stored, "title": "y"}})
    for record in ({**row, "_creationTime": 1}, {**row, "_id": "nothing"}, {"title": "no id"}):
        with pytest.raises(FunctionError):
            deployment.mutation(STORAGE, {"op": "insert", "tableName": "mastra_threads", "record": record})


@pytest.fixture
def recording(clock: ManualClock) -> Recording:
    recording = Recording(test="tests/test_x.py::test_y", target="live")
    play(RecordingDeployment(Emulator(seed=1, clock=clock), recording, clock=clock))
    return recording


# Another seed gives other ids, another clock other times; only what they refer to is the same.
def test_nothing_differs_on_another_emulator(recording: Recording) -> None:
    assert replay(recording, Emulator(seed=2, clock=ManualClock(5_000))) == []


def test_a_recording_that_was_read_replays_too(recording: Recording) -> None:
    read = Recording.from_json(recording.to_json())

    assert replay(read, Emulator(seed=2)) == []


def test_own_ids_and_cursors_are_sent(recording: Recording) -> None:
    text = str(recording.to_json())

    assert "<cursor:1>" in text
    assert "<time:1>" in text
    assert "'_id': '<id:1>'" in text


# The deployment was not empty: the rows that are there already show in the first answer that lists them.
def test_what_differs_is_told_with_its_place(recording: Recording) -> None:
    emulator = Emulator(seed=2)
    record = {"id": "old", "embedding": [0, 1]}
    emulator.mutation(STORAGE, {"op": "insert", "tableName": "mastra_vector_x", "record": record})

    first, *_ = replay(recording, emulator)

    assert first.number == 2
    assert first.places[0] == "value.result[0].embedding[1]: expected 1.0, got 1.0" or "value.result[0].id" in str(
        first
    )
    assert str(first).startswith("tests/test_x.py::test_y: exchange 2, mutation mastra/storage:handle {")


def test_many_places_are_not_all_printed() -> None:
    differences = replay(recording_of(Answer(value=[1.0] * 12)), Answering([2.0] * 12))

    assert len(differences[0].places) == 12
    assert str(differences[0]).splitlines()[-1] == "    … and 2 more"


def test_a_value_instead_of_an_error_differs() -> None:
    [difference] = replay(recording_of(Answer(error="FunctionError", text="no")), Answering(1.0))

    assert "expected" in difference.places[0]
    assert difference.got == Answer(value=1.0)


def test_an_error_instead_of_a_value_differs() -> None:
    [difference] = replay(recording_of(Answer(value=1.0)), Answering(FunctionError("no", message="no")))

    assert difference.got.text == "no"


@pytest.mark.parametrize(
    ("answer", "error", "count"),
    [
        (Answer(error="FunctionError", text="a"), FunctionError("a", message="a"), 0),
        (Answer(error="FunctionError", text="a"), FunctionError("b", message="b"), 1),
        (Answer(error="FunctionError", text="a"), RequestRefused("a"), 1),
        (Answer(error="RequestRefused", text="a", code="X"), RequestRefused("a", code="X"), 0),
        (Answer(error="RequestRefused", text="a", code="X"), RequestRefused("a", code="Y"), 1),
        (Answer(error="ConvexError", text="a", data=1.0), ConvexError("a", 1.0), 0),
        (Answer(error="ConvexError", text="a", data=1.0), ConvexError("a", 2.0), 1),
    ],
)
def test_errors_are_compared_by_class_text_and_what_they_carry(answer: Answer, error: Exception, count: int) -> None:
    assert len(replay(recording_of(answer), Answering(error))) == count


@pytest.mark.parametrize(
    ("answer", "error", "count"),
    [
        (Answer(error="FunctionError", text="a"), FunctionError("b", message="b"), 0),
        (Answer(error="FunctionError", text="a"), RequestRefused("b"), 1),
        (Answer(error="ConvexError", text="a", data=1.0), ConvexError("b", 2.0), 1),
    ],
)
def test_without_texts_classes_and_data_are_compared(answer: Answer, error: Exception, count: int) -> None:
    assert len(replay(recording_of(answer), Answering(error), texts=False)) == count


def test_request_ids_frames_and_log_lines_are_not_compared() -> None:
    text = "[Request ID: <request:1>] Server Error\nUncaught Error: no\n    at handler (../a.ts:1:2)\n"
    answer = Answer(error="FunctionError", text=text, log_lines=("[LOG] 'x'",))
    other = FunctionError("[Request ID: b2] Server Error\nUncaught Error: no\n", message="Uncaught Error: no")

    assert replay(recording_of(answer), Answering(other)) == []


# convex-test throws what the function threw; on a deployment the class belongs to the text.
@pytest.mark.parametrize(("target", "count"), [("oracle", 0), ("live", 1)])
def test_the_oracle_does_not_tell_the_class_of_an_error(target: str, count: int) -> None:
    recording = recording_of(Answer(error="FunctionError", text="no"), target=target)

    assert len(replay(recording, Answering(FunctionError("Uncaught Error: no", message="")))) == count


@pytest.mark.parametrize(("kind", "away", "count"), [("action", 1, 0), ("action", 1.5, 1), ("query", 1, 1)])
def test_scores_of_searches_may_differ_in_their_last_bits(kind: str, away: float, count: int) -> None:
    recording = recording_of(Answer(value=[{"_score": 0.5}]), kind=kind)

    assert len(replay(recording, Answering([{"_score": 0.5 + away * SCORE_TOLERANCE}]))) == count


def test_arguments_carry_the_ids_of_the_deployment_that_is_asked() -> None:
    document_id = encode_id(10001, bytes(16))
    recording = recording_of(Answer(value="<id:1>"), Answer(value=None), args={"id": "<id:1>"})
    deployment = Answering(document_id, None)

    assert replay(recording, deployment) == []
    assert deployment.requests[1] == {"id": document_id}


def test_arguments_the_deployment_refuses_are_sent_again() -> None:
    emulator = Emulator()
    recording = Recording(test="t", target="live")
    with pytest.raises(FunctionError, match="which is reserved"):
        RecordingDeployment(emulator, recording).mutation(STORAGE, {"$a": 1})

    assert replay(recording, Emulator()) == []


def cached(deployment: Any, clock: ManualClock, waits: tuple[float, ...]) -> None:
    expires_at = clock.now_ns() / 1e6 + 1000
    value = {"op": "set", "key": "k", "keyPrefix": "", "value": 1, "expiresAt": expires_at}
    deployment.mutation("mastra/cache:handle", value)
    for seconds in waits:
        clock.advance(seconds)
        deployment.mutation("mastra/cache:handle", {"op": "get", "key": "k"})


# A key that lives for a second is gone at the call at which it was gone, not at the day of the replay.
def test_time_goes_by_as_it_did() -> None:
    recording, clock = Recording(test="t", target="live"), ManualClock()
    clock.advance(0.123)
    cached(RecordingDeployment(Emulator(clock=clock), recording, clock=clock), clock, (0.999, 0.001))
    replayed = ManualClock(recording.started_seconds)

    assert [exchange.answer.value["result"] for exchange in recording.exchanges[1:]] == [1.0, None]
    assert replay(recording, Emulator(clock=replayed), clock=replayed) == []
    assert replayed.now_ns() == clock.now_ns()
    assert len(replay(recording, Emulator())) == 1


def test_an_empty_recording_has_no_differences() -> None:
    assert replay(Recording(test="t", target="live"), Answering()) == []


@pytest.mark.parametrize(
    ("text", "developers"),
    [
        ("[Request ID: a1] Server Error", ""),
        ("[Request ID: a1] Server Error\nUncaught Error: x\n    at f (../a.ts:1:2)\n", "Uncaught Error: x"),
        ("plain", "plain"),
    ],
)
def test_the_developers_text_is_what_is_left(text: str, developers: str) -> None:
    assert developer_text(text) == developers
