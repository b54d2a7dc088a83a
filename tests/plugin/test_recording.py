"""What a recording keeps of a test's calls, and how its file is read back."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from convex import ConvexError, ConvexInt64

from convex_mastra_emulator import Emulator, ManualClock, connect, mutation, query
from convex_mastra_emulator.errors import DeploymentUnreachable, FunctionError, RequestRefused, UnsupportedType
from convex_mastra_emulator.runtime.context import MutationContext, QueryContext
from pytest_mastra_convex.recording import Exchange, MalformedRecording, Recording, RecordingDeployment, load_recordings

TEST = "tests/test_x.py::test_y"


def raise_data(ctx: QueryContext, args: dict[str, Any]) -> None:
    raise ConvexError("no", {"code": "no"})


def write_note(ctx: MutationContext, args: dict[str, Any]) -> Any:
    return ctx.db.get(ctx.db.insert("mastra_documents", {"table": "t", "primaryKey": "k", "record": args}))


@pytest.fixture
def deployment(emulator: Emulator) -> Emulator:
    emulator.define("notes:fail", query(raise_data))
    emulator.define("notes:write", mutation(write_note))
    return emulator


@pytest.fixture
def recording() -> Recording:
    return Recording(test=TEST, target="live", versions={"convex": "1.48.0"})


@pytest.fixture
def recorded(deployment: Emulator, recording: Recording, clock: ManualClock) -> RecordingDeployment:
    return RecordingDeployment(deployment, recording, clock=clock)


def last(recording: Recording) -> dict[str, Any]:
    exchange: dict[str, Any] = recording.to_json()["exchanges"][-1]
    return exchange


def test_a_call_is_handed_on_and_kept(recorded: RecordingDeployment, recording: Recording) -> None:
    value = recorded.mutation("notes:write", {"n": 1})

    assert value["record"] == {"n": 1.0}
    assert last(recording) == {
        "kind": "mutation",
        "path": "notes:write",
        "args": {"n": 1.0},
        "value": {
            "_creationTime": "<time:1>",
            "_id": "<id:1>",
            "primaryKey": "k",
            "record": {"n": 1.0},
            "table": "t",
        },
    }


def test_values_are_kept_in_encoded_form(recorded: RecordingDeployment, recording: Recording) -> None:
    recorded.mutation("notes:write", {"big": ConvexInt64(1), "bytes": b"\x00", "nan": float("nan")})

    encoded = {
        "big": {"$integer": "AQAAAAAAAAA="},
        "bytes": {"$bytes": "AA=="},
        "nan": {"$float": "AAAAAAAA+H8="},
    }
    assert last(recording)["args"] == encoded
    assert last(recording)["value"]["record"] == encoded


# A store may go on filling the object it has sent.
def test_arguments_are_kept_as_they_were_sent(recorded: RecordingDeployment, recording: Recording) -> None:
    args = {"list": [1]}

    recorded.mutation("notes:write", args)
    args["list"].append(2)

    assert last(recording)["args"] == {"list": [1.0]}


def test_a_failed_function_is_kept_with_its_text(recorded: RecordingDeployment, recording: Recording) -> None:
    with pytest.raises(FunctionError, match="Record is missing an id"):
        recorded.mutation("mastra/storage:handle", {"op": "insert", "tableName": "mastra_threads", "record": {}})

    assert last(recording)["error"] == {
        "class": "FunctionError",
        "text": "[Request ID: <request:1>] Server Error\nUncaught Error: Record is missing an id\n",
    }


def test_a_thrown_value_is_kept(recorded: RecordingDeployment, recording: Recording) -> None:
    with pytest.raises(ConvexError):
        recorded.query("notes:fail")

    assert last(recording)["error"]["class"] == "ConvexError"
    assert last(recording)["error"]["data"] == {"code": "no"}


def test_a_refused_request_is_kept_with_its_code(recorded: RecordingDeployment, recording: Recording) -> None:
    with pytest.raises(RequestRefused) as refused:
        recorded.query("no:such:path")

    assert last(recording)["error"]["class"] == "RequestRefused"
    assert last(recording)["error"]["code"] == refused.value.code


def test_what_a_failed_function_logged_is_kept(recording: Recording) -> None:
    class Logging:
        def query(self, path: str, args: Any = None) -> Any:
            raise FunctionError("text", message="text", log_lines=("[LOG] 'a'",))

        mutation = action = query

    with pytest.raises(FunctionError):
        RecordingDeployment(Logging(), recording).action("a:b")

    assert last(recording)["error"]["logLines"] == ["[LOG] 'a'"]


# Nothing was sent, so there is no exchange; the caller still gets the error of the deployment's class.
def test_arguments_that_cannot_be_sent_are_no_exchange(recorded: RecordingDeployment, recording: Recording) -> None:
    with pytest.raises(UnsupportedType):
        recorded.query("notes:fail", "no object")

    assert recording.exchanges == []
    assert recording.is_whole


def test_arguments_the_deployment_refuses_are_an_exchange(recorded: RecordingDeployment, recording: Recording) -> None:
    with pytest.raises(FunctionError, match="which is reserved"):
        recorded.query("notes:fail", {"$a": 1})

    assert last(recording)["args"] == {"$a": 1}


# A call without an answer may have been carried out: what follows it cannot be told from the recording.
def test_a_recording_with_a_hole_is_not_written(recording: Recording, tmp_path: Path) -> None:
    with connect("http://127.0.0.1:1") as nobody, pytest.raises(DeploymentUnreachable):
        RecordingDeployment(nobody, recording).query("a:b")

    assert recording.save(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_a_test_without_calls_leaves_no_file(recording: Recording, tmp_path: Path) -> None:
    assert recording.save(tmp_path) is None


def test_time_is_kept_only_where_it_passed(
    recorded: RecordingDeployment, recording: Recording, clock: ManualClock
) -> None:
    recorded.mutation("notes:write")
    clock.advance(1.5)
    recorded.mutation("notes:write")

    assert recording.date == "2023-11-14T22:13:20.000Z"
    assert recording.started_seconds == clock.now_ns() / 1e9 - 1.5
    assert [exchange.get("atMs") for exchange in recording.to_json()["exchanges"]] == [None, 1500]


def test_times_are_numbered_in_their_order_in_the_file(recording: Recording, clock: ManualClock) -> None:
    class Backwards:
        times = iter([5_000.0, 4_000.0])

        def query(self, path: str, args: Any = None) -> Any:
            created = next(self.times)
            return {"_creationTime": created, "text": f"{created:013.0f}"}

        mutation = action = query

    deployment = RecordingDeployment(Backwards(), recording, clock=clock)
    for _ in range(2):
        deployment.query("a:b")

    values = [exchange["value"]["_creationTime"] for exchange in recording.to_json()["exchanges"]]
    assert values == ["<time:2>", "<time:1>"]


# The address and the key of somebody's deployment must not end in a repository.
def test_neither_address_nor_key_gets_into_the_file(deployment: Emulator, tmp_path: Path) -> None:
    with (
        deployment.serve(admin_key="local|" + "0123456789abcdef" * 4) as served,
        connect(served.url, served.admin_key) as connected,
    ):
        recording = Recording(test=TEST, target="live", secrets={"admin_key": served.admin_key})
        RecordingDeployment(connected, recording).mutation(
            "notes:write", {"url": connected.url, "key": served.admin_key}
        )

    path = recording.save(tmp_path)

    assert path is not None
    assert '"args": {"key": "<admin_key>", "url": "<url>"}' in path.read_text()
    assert served.url not in path.read_text()
    assert "0123456789abcdef" not in path.read_text()
    assert "0123456789abcdef" not in repr(recording)


def test_several_deployments_share_a_recording(deployment: Emulator, recording: Recording) -> None:
    first, second = (RecordingDeployment(deployment, recording) for _ in range(2))

    row = first.mutation("notes:write")
    second.mutation("notes:write", {"of": row["_id"]})

    assert last(recording)["args"] == {"of": "<id:1>"}


def test_calls_of_several_threads_are_all_kept(recorded: RecordingDeployment, recording: Recording) -> None:
    threads = [threading.Thread(target=recorded.mutation, args=("notes:write", {"n": n})) for n in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(exchange.args["n"] for exchange in recording.exchanges) == [float(n) for n in range(8)]
    assert {exchange.answer.value["_id"] for exchange in recording.exchanges} == {f"<id:{n}>" for n in range(1, 9)}


def test_a_file_reads_back_as_it_was_written(
    recorded: RecordingDeployment, recording: Recording, tmp_path: Path
) -> None:
    recorded.mutation("notes:write", {"a": [1, "<id:1>"]})
    with pytest.raises(ConvexError):
        recorded.query("notes:fail")
    path = recording.save(tmp_path)

    [read] = load_recordings(tmp_path)

    assert path == tmp_path / "tests.test_x.py--test_y.json"
    assert (read.test, read.target, read.date) == (TEST, "live", recording.date)
    assert read.exchanges == recording.exchanges
    assert read.to_json() == recording.to_json()


# The same test recorded again gives the same file: a difference in it is one of the deployment.
def test_recording_twice_writes_the_same(tmp_path: Path) -> None:
    texts = []
    for seed in (1, 2):
        emulator = Emulator(seed=seed, clock=(clock := ManualClock()))
        emulator.define("notes:write", mutation(write_note))
        recording = Recording(test=TEST, target="live", versions={"b": "1", "a": "2"})
        RecordingDeployment(emulator, recording, clock=clock).mutation("notes:write", {"b": 1, "a": 2})
        path = recording.save(tmp_path)
        assert path is not None
        texts.append(path.read_text())

    assert texts[0] == texts[1]
    assert list(json.loads(texts[0])) == ["format", "test", "target", "date", "versions", "exchanges"]


def written() -> dict[str, Any]:
    """What a file with one error holds."""
    return {
        "format": 1,
        "test": TEST,
        "target": "live",
        "date": "2026-11-21T12:00:00.000Z",
        "versions": {},
        "exchanges": [{"kind": "query", "path": "a:b", "args": {}, "error": {"class": "FunctionError", "text": "x"}}],
    }


Damage = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda file: file.pop("target"), "target is missing"),
        (lambda file: file.update(more=1), "more is not known; there are format, test, "),
        (lambda file: file.update(format=2), "format must be 1, got 2"),
        (lambda file: file.update(date="yesterday"), "date must be like 2026-11-21T12:00:00.000Z, got 'yesterday'"),
        (lambda file: file.update(versions={"a": 1}), "versions must be texts by name"),
        (lambda file: file.update(exchanges={}), "exchanges must be a list, got {}"),
        (lambda file: file["exchanges"].append(1), r"exchanges\[1\] must be an object, got 1"),
        (lambda file: file["exchanges"][0].pop("path"), r"exchanges\[0\].path is missing"),
        (lambda file: file["exchanges"][0].update(kind="get"), r"exchanges\[0\].kind must be one of query, mutation"),
        (lambda file: file["exchanges"][0].update(atMs=-1), r"exchanges\[0\].atMs must be milliseconds, got -1"),
        (lambda file: file["exchanges"][0].update(value=1), r"exchanges\[0\] must have either a value or an error"),
        (lambda file: file["exchanges"][0].pop("error"), r"exchanges\[0\] must have either a value or an error"),
        (lambda file: file["exchanges"][0]["error"].pop("text"), r"exchanges\[0\].error.text is missing"),
        (
            lambda file: file["exchanges"][0]["error"].update({"class": "X"}),
            r"error.class must be one of FunctionError",
        ),
        (lambda file: file["exchanges"][0]["error"].update(logLines=[1]), r"error.logLines must be a text, got 1"),
    ],
)
def test_a_malformed_file_is_refused_with_its_field(tmp_path: Path, damage: Damage, fault: str) -> None:
    content = written()
    damage(content)
    (tmp_path / "broken.json").write_text(json.dumps(content))

    with pytest.raises(MalformedRecording, match=rf"^broken\.json: .*{fault}"):
        load_recordings(tmp_path)


def test_a_file_that_is_no_object_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[]")

    with pytest.raises(MalformedRecording, match=r"list\.json: the file must be an object, got \[\]"):
        load_recordings(tmp_path)


def test_an_undamaged_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "whole.json").write_text(json.dumps(written()))

    [recording] = load_recordings(tmp_path)

    assert [type(exchange) for exchange in recording.exchanges] == [Exchange]
    assert recording.started_seconds == 1_795_262_400
