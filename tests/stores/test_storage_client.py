"""The requests to storage:handle that every domain is made of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.stores.errors import StorageError
from convex_mastra_emulator.stores.storage_client import UNSET, StorageClient, equal, given
from tests.stores.recording import RecordingDeployment

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
TABLE = "some_table"


class Answers:
    """A deployment that gives one answer to everything."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def query(self, path: str, args: Any = None) -> Any:
        raise AssertionError(path)

    def mutation(self, path: str, args: Any = None) -> Any:
        return self._answer

    def action(self, path: str, args: Any = None) -> Any:
        raise AssertionError(path)


def recorded() -> tuple[RecordingDeployment, StorageClient]:
    recording = RecordingDeployment(Emulator())
    return recording, StorageClient(recording, new_id=lambda: "new-id")


def test_unset_is_left_out_and_none_is_not() -> None:
    assert given(a=UNSET, b=None) == {"b": None}
    assert repr(UNSET) == "UNSET"


def test_function_can_have_another_path() -> None:
    recording = RecordingDeployment(Answers({"ok": True}))

    StorageClient(recording, storage_function="other/storage:run").insert(TABLE, {"id": "a"})

    assert [(one["kind"], one["path"]) for one in recording.requests] == [("mutation", "other/storage:run")]


# The text is Mastra's: applications look for it.
@pytest.mark.parametrize("answer", [None, {}, {"ok": False}, {"ok": False, "error": ""}, "text", {"result": 1}])
def test_answer_that_says_nothing_is_an_unknown_error(answer: Any) -> None:
    with pytest.raises(StorageError, match="Unknown Convex storage error"):
        StorageClient(Answers(answer)).call("load", TABLE)


def test_error_of_the_handler_is_raised_with_its_facts() -> None:
    answer = {"ok": False, "error": "No", "code": "C", "details": {"a": 1}}

    with pytest.raises(StorageError, match="No") as caught:
        StorageClient(Answers(answer)).call("load", TABLE)

    assert (caught.value.code, caught.value.details) == ("C", {"a": 1})


def test_answer_is_handed_on() -> None:
    response = StorageClient(Answers({"ok": True, "result": 1, "continuationCursor": "c"})).call_raw("load", TABLE)

    assert (response.result, response.has_more, response.continuation_cursor) == (1, False, "c")


def test_record_gets_an_id_and_iso_times() -> None:
    recording, client = recorded()

    client.insert(TABLE, {"at": NOON, "no": UNSET, "none": None})

    assert recording.arguments[0]["record"] == {"id": "new-id", "at": "2026-01-02T12:00:00.000Z", "none": None}


def test_workflow_snapshot_gets_its_id_from_workflow_and_run() -> None:
    recording = RecordingDeployment(Answers({"ok": True}))

    StorageClient(recording).insert("mastra_workflow_snapshot", {"workflow_name": "w", "run_id": "r"})

    assert recording.arguments[0]["record"]["id"] == "w-r"


def test_record_is_found_by_its_keys() -> None:
    _, client = recorded()
    client.insert(TABLE, {"id": "a", "n": 1})

    assert client.load(TABLE, id="a") == {"id": "a", "n": 1}
    assert client.load(TABLE, id="absent") is None


def test_patch_tells_whether_the_record_is_there() -> None:
    _, client = recorded()
    client.insert(TABLE, {"id": "a", "n": 1})

    assert client.patch(TABLE, "a", {"at": NOON})
    assert not client.patch(TABLE, "absent", {"at": NOON})
    assert client.load(TABLE, id="a") == {"id": "a", "n": 1, "at": "2026-01-02T12:00:00.000Z"}


def test_empty_lists_send_nothing() -> None:
    recording, client = recorded()

    client.batch_insert(TABLE, [])
    client.delete_many(TABLE, [])
    assert client.load_many(TABLE, []) == []

    assert recording.requests == []


# A deployment refuses more than ten ids at once, before it looks for duplicates.
@pytest.mark.parametrize(("count", "batches"), [(10, [10]), (11, [10, 1]), (21, [10, 10, 1])])
def test_many_ids_travel_ten_by_ten(count: int, batches: list[int]) -> None:
    recording, client = recorded()
    ids = [f"a{number}" for number in range(count)]
    client.batch_insert(TABLE, [{"id": id} for id in ids])
    recording.requests.clear()

    found = client.load_many(TABLE, [*ids, *ids])

    assert [one["id"] for one in found] == ids
    assert [len(one["ids"]) for one in recording.arguments] == batches


def test_filters_that_are_absent_do_not_travel() -> None:
    recording, client = recorded()

    client.query_table(TABLE)
    client.query_table(TABLE, [])
    client.query_table(TABLE, [equal("a", None)], limit=1)

    assert recording.arguments == [
        {"op": "queryTable", "tableName": TABLE},
        {"op": "queryTable", "tableName": TABLE, "filters": []},
        {"op": "queryTable", "tableName": TABLE, "filters": [{"field": "a", "value": None}], "limit": 1},
    ]


# A deployment deletes 25 rows per call; 25 need one, 26 need two.
@pytest.mark.parametrize(("count", "calls"), [(25, 1), (26, 2)])
def test_clearing_goes_on_until_nothing_is_left(count: int, calls: int) -> None:
    recording, client = recorded()
    client.batch_insert(TABLE, [{"id": f"a{number}"} for number in range(count)])
    recording.requests.clear()

    client.clear_table(TABLE)

    assert recording.operations == ["clearTable"] * calls
    assert client.query_table(TABLE) == []
