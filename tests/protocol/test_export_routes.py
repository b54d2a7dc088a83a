"""Exports through the network: states, the download and its headers, expiry, and every refusal.

Rules: convex-backend crates/local_backend/src/snapshot_export.rs, crates/model/src/exports/*.rs,
crates/application/src/exports/worker.rs (convex-wire.md §5.4).
"""

import io
import re
from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator import Emulator, ManualClock
from convex_mastra_emulator.schema import define_schema, define_table, v
from tests.data_files.exports import id_of
from tests.protocol.admin_client import AdminClient, answer
from tests.protocol.sync_client import add
from tests.protocol.test_environment_routes import NO_ADMIN

SCHEMA = define_schema({"notes": define_table(v.any())})
REQUEST, LATEST = "/api/export/request/zip", "_system/cli/exports:getLatest"
DAY_NS = 24 * 3600 * 10**9
INTERNAL = (
    500,
    {"code": "InternalServerError", "message": "Your request couldn't be completed. Try again later."},
)


@pytest.fixture
def admin(clock: ManualClock) -> AdminClient:
    emulator = Emulator(SCHEMA, seed=1, clock=clock)
    emulator.run(lambda ctx: [ctx.db.insert("notes", {"n": float(n)}) for n in range(3)])
    return AdminClient(emulator)


def export(admin: AdminClient) -> Any:
    """Makes an export; gives its document."""
    assert admin.post(REQUEST) == (200, None)
    admin.work()
    return admin.query(LATEST)


def download(admin: AdminClient, key: object) -> Any:
    return admin.request("GET", f"/api/export/zip/{key}")


def plain(document: Any) -> Any:
    """An export's document without what is another one every time; Int64 values as numbers."""
    return {
        name: value.value if isinstance(value, ConvexInt64) else value
        for name, value in document.items()
        if name not in ("_id", "_creationTime")
    }


# The way of an export


def test_an_export_goes_through_its_states(admin: AdminClient, clock: ManualClock) -> None:
    assert admin.query(LATEST) is None
    client = admin.live()
    client.modify(add(0, LATEST))

    admin.post(REQUEST, includeStorage="false")
    requested = client.transition()["modifications"][0]["value"]
    expiration_ts = plain(admin.query(LATEST))["expiration_ts"]
    assert requested["state"] == "requested"
    assert plain(admin.query(LATEST)) == {
        "component": None,
        "expiration_ts": expiration_ts,
        "format": {"format": "zip", "include_storage": False},
        "requestor": "snapshotExport",
        "state": "requested",
    }
    assert abs(expiration_ts - clock.now_ns() - 14 * DAY_NS) < 10**9

    admin.work()
    completed = plain(admin.query(LATEST))
    assert client.transition()["modifications"][0]["value"]["state"] == "completed"
    assert re.fullmatch(r"exports/[0-9a-f]{16}", completed.pop("zip_object_key"))
    assert completed.pop("start_ts") < completed.pop("complete_ts")
    assert completed == {
        "component": None,
        "expiration_ts": expiration_ts,
        "format": {"format": "zip", "include_storage": False},
        "requestor": "snapshotExport",
        "size": len(download(admin, admin.query(LATEST)["_id"]).body),
        "state": "completed",
    }


def test_progress_names_the_table(admin: AdminClient) -> None:
    messages: list[Any] = []
    table = admin.emulator._executor.store.system_table("_exports")
    admin.emulator._executor.commit_listeners.append(
        lambda _ts, _changes: messages.extend(d.value.get("progress_message") for d in table.documents.values())
    )

    export(admin)

    assert messages == [None, None, "Beginning backup", "Backing up _tables", "Backing up notes", None]


def test_files_are_wanted_although_there_are_none(admin: AdminClient) -> None:
    assert admin.post(REQUEST, includeStorage="true") == (200, None)
    admin.work()

    assert admin.query(LATEST)["format"] == {"format": "zip", "include_storage": True}


# The download


def test_the_zip_is_the_emulators_own(admin: AdminClient) -> None:
    document = export(admin)
    file = io.BytesIO()
    admin.emulator.export_zip(file)
    start_ts = document["start_ts"].value

    for key in (start_ts, document["_id"]):
        response = download(admin, key)

        assert (response.status, response.body) == (200, file.getvalue())
        assert response.headers == (
            ("content-disposition", f"attachment; filename=snapshot_happy-animal-123_{start_ts}.zip"),
            ("cache-control", "private, max-age=2592000"),
        )


# What is written after the request was answered, and before the export is made, belongs to it; what comes later not.
def test_an_export_is_of_one_moment(admin: AdminClient) -> None:
    document = export(admin)
    admin.emulator.run(lambda ctx: ctx.db.insert("notes", {"n": 9.0}))

    target = Emulator(SCHEMA)
    target.import_zip(io.BytesIO(download(admin, document["_id"]).body))

    assert target.table_counts() == {"notes": 3}


def test_each_export_stays(admin: AdminClient) -> None:
    first = export(admin)
    second = export(admin)

    assert admin.query(LATEST)["_id"] == second["_id"] != first["_id"]
    assert download(admin, first["start_ts"].value).status == 200
    assert download(admin, second["start_ts"].value).status == 200


@pytest.mark.parametrize(
    ("key", "status", "code", "message"),
    [
        ("12", 404, "ExportNotFound", "The requested export 12 was not found"),
        (id_of(516, 1), 404, "ExportNotFound", f"The requested export {id_of(516, 1)} was not found"),
        ("x", 400, "BadSnapshotId", "Snapshot Id did not parse to an ID."),
        ("9223372036854775808", 400, "BadSnapshotId", "Snapshot Id did not parse to an ID."),
    ],
)
def test_exports_that_are_not_there(admin: AdminClient, key: str, status: int, code: str, message: str) -> None:
    assert answer(download(admin, key)) == (status, {"code": code, "message": message})


def test_an_export_that_has_not_completed_cannot_be_had(admin: AdminClient) -> None:
    admin.post(REQUEST)
    export_id = admin.query(LATEST)["_id"]

    assert answer(download(admin, export_id)) == (
        400,
        {"code": "ExportNotComplete", "message": f"The requested export {export_id} has not completed"},
    )


# One at a time


def test_there_is_one_export_at_a_time(admin: AdminClient) -> None:
    admin.post(REQUEST)
    busy = (
        400,
        {"code": "ExportInProgress", "message": "There is already an export requested or in progress."},
    )

    assert admin.post(REQUEST) == busy
    admin.work()
    assert admin.post(REQUEST) == (200, None)


def cancel(admin: AdminClient, export_id: str) -> Any:
    return admin.post(f"/api/export/cancel/{export_id}")


def test_a_cancelled_export_is_not_made(admin: AdminClient) -> None:
    admin.post(REQUEST)
    export_id = admin.query(LATEST)["_id"]

    assert cancel(admin, export_id) == (200, None)
    admin.work()

    document = plain(admin.query(LATEST))
    assert document.pop("canceled_ts") > 0
    assert document == {
        "component": None,
        "format": {"format": "zip", "include_storage": False},
        "requestor": "snapshotExport",
        "start_ts": None,
        "state": "canceled",
    }
    assert admin.emulator.exports.files_kept == 0
    assert admin.post(REQUEST) == (200, None)


# Who asks while the first is being made is refused, and must not take the first one's file away.
@pytest.mark.parametrize("at", ["Beginning backup", "Backing up notes"])
def test_a_refused_request_does_not_disturb_the_export(admin: AdminClient, at: str) -> None:
    tell = admin.emulator.exports._tell

    def tell_and_ask(export_id: str, message: str) -> None:
        tell(export_id, message)
        if message == at:
            assert admin.post(REQUEST)[0] == 400

    admin.emulator.exports._tell = tell_and_ask  # type: ignore[method-assign]
    document = export(admin)

    assert download(admin, document["_id"]).status == 200


@pytest.mark.parametrize("at", ["Beginning backup", "Backing up notes"])
def test_an_export_cancelled_while_it_is_made_leaves_nothing(admin: AdminClient, at: str) -> None:
    tell = admin.emulator.exports._tell

    def tell_and_cancel(export_id: str, message: str) -> None:
        tell(export_id, message)
        if message == at:
            cancel(admin, export_id)

    admin.emulator.exports._tell = tell_and_cancel  # type: ignore[method-assign]
    document = export(admin)

    assert (document["state"], admin.emulator.exports.files_kept) == ("canceled", 0)
    assert type(document["start_ts"]) is ConvexInt64


def test_an_export_that_cannot_be_made_has_failed(admin: AdminClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: Any, **_options: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("convex_mastra_emulator.data.export_jobs.write_export", fail)
    admin.post(REQUEST)
    with pytest.raises(ZeroDivisionError):
        admin.work()
    monkeypatch.undo()

    document = plain(admin.query(LATEST))
    assert (document["state"], document["start_ts"] < document["failed_ts"]) == ("failed", True)
    assert export(admin)["state"] == "completed"


# A deployment has no words for these.
def test_what_cannot_be_cancelled_is_an_internal_error(admin: AdminClient) -> None:
    done = export(admin)["_id"]

    for export_id in (done, id_of(516, 1), "x"):
        assert cancel(admin, export_id) == INTERNAL


# Expiry


def expire(admin: AdminClient, export_id: str, expiration_ns: Any) -> Any:
    return admin.post(f"/api/export/set_expiration/{export_id}", {"expirationTsNs": expiration_ns})


def test_an_expiration_is_kept_to_the_nanosecond(admin: AdminClient) -> None:
    document = export(admin)

    assert expire(admin, document["_id"], 1795276377668666145) == (200, None)

    assert admin.query(LATEST)["expiration_ts"] == ConvexInt64(1795276377668666145)


# Files go when they have expired and somebody asks for another; documents stay for another month.
def test_expired_files_go(admin: AdminClient, clock: ManualClock) -> None:
    old, kept = export(admin), export(admin)
    expire(admin, old["_id"], clock.now_ns() + 10**9)
    clock.advance(1)
    assert download(admin, old["_id"]).status == 200

    clock.advance(1)
    export(admin)

    start_ts, key = old["start_ts"].value, old["zip_object_key"]
    assert answer(download(admin, old["_id"])) == (
        404,
        {"code": "ExportNotFound", "message": f"The requested export {start_ts}/{key} was not found"},
    )
    assert download(admin, kept["_id"]).status == 200

    clock.advance(30 * 24 * 3600 + 1)
    export(admin)
    told = answer(download(admin, old["_id"]))[1]["message"]
    assert told == f"The requested export {old['_id']} was not found"


def test_exports_that_are_gone_with_a_rollback_keep_no_file(admin: AdminClient) -> None:
    with admin.emulator.rollback():
        export(admin)

    export(admin)

    assert admin.emulator.exports.files_kept == 1


def test_what_cannot_expire_is_an_internal_error(admin: AdminClient) -> None:
    admin.post(REQUEST)

    for export_id in (admin.query(LATEST)["_id"], id_of(516, 1), "x"):
        assert expire(admin, export_id, 1) == INTERNAL


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1", 'invalid type: string "1", expected u64 at line 1 column 22'),
        (1.5, "invalid type: floating point `1.5`, expected u64 at line 1 column 22"),
        (-1, "invalid value: integer `-1`, expected u64 at line 1 column 21"),
    ],
)
def test_expirations_of_another_form_are_refused(admin: AdminClient, value: Any, text: str) -> None:
    status, told = expire(admin, id_of(516, 1), value)

    message = f"Failed to deserialize the JSON body into the target type: expirationTsNs: {text}"
    assert (status, told) == (400, {"code": "BadJsonBody", "message": message})


# Who may, and what is asked for


@pytest.mark.parametrize(
    ("parameters", "code", "message"),
    [
        (
            {"includeStorage": "yes"},
            "BadQueryArgs",
            "Failed to deserialize query string: includeStorage: provided string was not `true` or `false`",
        ),
        (
            {"component": "c"},
            "NotEmulated",
            "components are not emulated, and so there is no 'c': leave --component out",
        ),
    ],
)
def test_what_cannot_be_exported(admin: AdminClient, parameters: Any, code: str, message: str) -> None:
    assert admin.post(REQUEST, **parameters) == (400, {"code": code, "message": message})


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", REQUEST, b""),
        ("GET", "/api/export/zip/1", b""),
        ("POST", "/api/export/set_expiration/1", b'{"expirationTsNs":1}'),
        ("POST", "/api/export/cancel/1", b""),
    ],
)
def test_only_administrators_may(admin: AdminClient, method: str, path: str, body: bytes) -> None:
    assert answer(admin.request(method, path, body=body, key=None)) == NO_ADMIN
    assert admin.request(method, path, body=body, key="other|key").status == 401


@pytest.mark.parametrize("path", ["/api/export/zip", "/api/export/zip/1/2", "/api/export/other/1"])
def test_other_paths_are_not_there(admin: AdminClient, path: str) -> None:
    assert (admin.request("GET", path).status, admin.request("GET", path).body) == (404, b"")


def test_other_methods_are_not_allowed(admin: AdminClient) -> None:
    response = admin.request("POST", "/api/export/zip/1")

    assert (response.status, dict(response.headers)["allow"]) == (405, "GET,HEAD")
