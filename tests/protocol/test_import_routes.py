"""Imports through the network: parts, states, what is asked before anything is written, and every refusal.

Rules: convex-backend crates/local_backend/src/snapshot_import.rs, crates/application/src/snapshot_import/*.rs,
crates/model/src/snapshot_imports/*.rs (convex-wire.md §5.3).
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator import Emulator, ManualClock, query
from convex_mastra_emulator.schema import define_schema, define_table, v
from tests.data_files.exports import export_of, id_of, lines_of, rows_of, zip_of
from tests.protocol.admin_client import AdminClient, answer
from tests.protocol.sync_client import add
from tests.protocol.test_environment_routes import NO_ADMIN

SCHEMA = define_schema({"notes": define_table({"n": v.float64()}), "free": define_table(v.any())})
BACKGROUND = (
    "Once the import has started, it will run in the background.\nInterrupting `npx convex import` will not cancel it."
)
PREFIX = "Hit an error while importing:\n"


@pytest.fixture
def admin(clock: ManualClock) -> AdminClient:
    return AdminClient(Emulator(SCHEMA, seed=1, clock=clock))


def rows(*numbers: float) -> bytes:
    return lines_of({"n": number} for number in numbers).encode()


def jsonl(table: str, mode: str | None = None) -> dict[str, Any]:
    described = {"tableName": table, "format": "jsonLines"}
    return described if mode is None else {**described, "mode": mode}


def numbers_in(admin: AdminClient, table: str) -> list[float]:
    return [row["n"] for row in rows_of(admin.emulator, table)]


def failure(admin: AdminClient, data: bytes, **described: Any) -> str:
    """What the state of an import that fails says, before it is confirmed or after; nothing was imported."""
    before = admin.emulator.table_counts()
    state = admin.import_all(data, **described)
    assert state["state"] == "failed"
    assert admin.emulator.table_counts() == before
    assert admin.emulator.imports.files_kept == 0
    return str(state["error_message"])


# The way of an import


def test_an_import_goes_through_its_states(admin: AdminClient) -> None:
    import_id = admin.upload(rows(1, 2), **jsonl("notes"))
    assert admin.import_state(import_id) == {"state": "uploaded"}

    admin.work()
    assert admin.import_state(import_id) == {
        "state": "waiting_for_confirmation",
        "message_to_confirm": "Import change summary:\n"
        "table | create | delete |\n"
        "-------------------------\n"
        f"notes | 2      | 0 of 0 |\n{BACKGROUND}",
        "require_manual_confirmation": False,
    }
    assert numbers_in(admin, "notes") == []

    admin.post("/api/perform_import", {"importId": import_id})
    assert admin.import_state(import_id) == {
        "state": "in_progress",
        "progress_message": "Importing",
        "checkpoint_messages": [],
    }

    admin.work()
    state = admin.import_state(import_id)
    assert (state["state"], state["num_rows_written"]) == ("completed", ConvexInt64(2))
    assert type(state["timestamp"]) is ConvexInt64
    assert numbers_in(admin, "notes") == [1, 2]
    assert admin.emulator.imports.files_kept == 0


def test_the_document_says_what_was_asked(admin: AdminClient) -> None:
    import_id = admin.upload(rows(1, 2), **jsonl("notes", "append"))
    admin.work()

    document = admin.query("_system/cli/queryImport", {"importId": import_id})

    assert re.fullmatch(r"snapshot_imports/[0-9a-f]{16}", document.pop("fq_object_key"))
    assert {name: document[name] for name in document if name not in ("_creationTime", "state")} == {
        "_id": import_id,
        "checkpoints": [
            {
                "component_path": None,
                "display_table_name": "notes",
                "existing_rows_in_table": ConvexInt64(0),
                "existing_rows_to_delete": ConvexInt64(0),
                "is_missing_id_field": True,
                "num_rows_written": ConvexInt64(0),
                "tablet_id": None,
                "total_num_rows_to_write": ConvexInt64(2),
            }
        ],
        "component_path": None,
        "format": {"format": "jsonl", "table": "notes"},
        "member_id": None,
        "mode": "Append",
        "requestor": {"type": "snapshotImport"},
    }


@pytest.mark.parametrize(
    ("described", "format", "mode"),
    [
        ({"format": "csv", "tableName": "free"}, {"format": "csv", "table": "free"}, "RequireEmpty"),
        (
            {"format": "jsonArray", "tableName": "free", "mode": "replace"},
            {"format": "json_array", "table": "free"},
            "Replace",
        ),
        ({"format": "zip", "mode": "replaceAll", "tableName": None}, {"format": "zip"}, "ReplaceAll"),
        ({"format": "zip", "mode": "requireEmpty", "componentPath": ""}, {"format": "zip"}, "RequireEmpty"),
    ],
)
def test_formats_and_modes_have_their_names(
    admin: AdminClient, described: dict[str, Any], format: dict[str, str], mode: str
) -> None:
    import_id = admin.upload(b"", **described)

    [document] = admin.query("_system/cli/queryImport:list")

    assert (document["_id"], document["format"], document["mode"]) == (import_id, format, mode)


def test_the_last_twenty_imports_are_listed_the_newest_first(admin: AdminClient) -> None:
    ids = [admin.upload(b"", **jsonl("free")) for _ in range(21)]

    assert [document["_id"] for document in admin.query("_system/cli/queryImport:list")] == ids[:0:-1]


def test_an_import_that_is_not_there_is_null(admin: AdminClient) -> None:
    import_id = admin.upload(b"", **jsonl("free"))
    admin.emulator.restore(Emulator(SCHEMA).snapshot())

    assert admin.query("_system/cli/queryImport", {"importId": import_id}) is None


def test_a_live_query_follows_an_import(admin: AdminClient) -> None:
    client = admin.live()
    import_id = admin.upload(rows(1), **jsonl("notes"))
    [update] = client.modify(add(0, "_system/cli/queryImport:default", {"importId": import_id}))
    states = [update["value"]["state"]["state"]]

    for step in (
        admin.work,
        lambda: admin.post("/api/perform_import", {"importId": import_id}),
        admin.work,
    ):
        step()
        states += [update["value"]["state"]["state"] for update in client.transition()["modifications"]]

    assert states == ["uploaded", "waiting_for_confirmation", "in_progress", "completed"]


# Parts


def test_parts_are_put_together_by_number(admin: AdminClient) -> None:
    token = admin.post("/api/import/start_upload")[1]["uploadToken"]
    data = rows(1, 2, 3)
    second = admin.send_part(token, 2, data[5:])[1]
    stale = admin.send_part(token, 1, b"lost")[1]
    first = admin.send_part(token, 1, data[:5])[1]
    body = {"import": jsonl("notes"), "uploadToken": token, "partTokens": [second, first]}
    assert len({first, second, stale, token}) == 4

    assert admin.post("/api/import/finish_upload", {**body, "partTokens": [stale, second]})[0] == 400
    status, told = admin.post("/api/import/finish_upload", body)
    admin.work()
    admin.post("/api/perform_import", told)
    admin.work()

    assert status == 200
    assert numbers_in(admin, "notes") == [1, 2, 3]


# The limit on JSON bodies is none on files.
def test_a_part_may_be_larger_than_a_json_body(admin: AdminClient) -> None:
    size_max = admin.emulator.limits.request_body_size_max
    data = rows(1) + b" " * size_max
    token = admin.post("/api/import/start_upload")[1]["uploadToken"]

    status, _ = admin.send_part(token, 1, data)

    assert status == 200


def test_a_finished_upload_is_gone(admin: AdminClient) -> None:
    token = admin.post("/api/import/start_upload")[1]["uploadToken"]
    body = {"import": jsonl("notes"), "uploadToken": token, "partTokens": []}
    assert admin.post("/api/import/finish_upload", body)[0] == 200

    status, told = admin.post("/api/import/finish_upload", body)

    assert (status, told["code"]) == (400, "InvalidUpload")
    assert told["message"].startswith(f"uploadToken: there is no upload '{token}'")
    assert admin.send_part(token, 1, b"")[0] == 400


def test_an_upload_nobody_goes_on_with_is_forgotten_after_an_hour(admin: AdminClient, clock: ManualClock) -> None:
    uploads = admin.emulator.imports.uploads
    given_up, kept = uploads.start(), uploads.start()
    clock.advance(3600)
    uploads.add_part(kept, 1, b"")
    uploads.start()
    assert len(uploads) == 3

    clock.advance(0.001)
    uploads.start()

    assert len(uploads) == 3
    assert admin.send_part(kept, 1, b"")[0] == 200
    assert admin.send_part(given_up, 1, b"")[0] == 400


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("", "missing field `uploadToken`"),
        ("uploadToken=a", "missing field `partNumber`"),
        ("uploadToken=a&partNumber=", "partNumber: cannot parse integer from empty string"),
        ("uploadToken=a&partNumber=x", "partNumber: invalid digit found in string"),
        ("uploadToken=a&partNumber=65536", "partNumber: number too large to fit in target type"),
    ],
)
def test_parts_that_cannot_be_read_are_refused(admin: AdminClient, query: str, text: str) -> None:
    parameters: dict[str, Any] = dict(pair.split("=") for pair in query.split("&") if pair)

    told = answer(admin.request("POST", "/api/import/upload_part", **parameters))

    assert told == (400, {"code": "BadQueryArgs", "message": f"Failed to deserialize query string: {text}"})


# Modes


def test_an_import_into_a_table_with_documents_is_refused_before_it_is_asked(admin: AdminClient) -> None:
    admin.import_all(rows(1), **jsonl("notes"))

    import_id = admin.upload(rows(2), **jsonl("notes"))
    admin.work()

    text = "Table notes already exists. Please choose a new table name or use replace/append modes."
    assert admin.import_state(import_id) == {"state": "failed", "error_message": PREFIX + text}
    assert admin.emulator.imports.files_kept == 0


@pytest.mark.parametrize(
    ("mode", "needs_confirmation", "deleted", "numbers"),
    [("append", False, "0 of 1", [1, 2, 3]), ("replace", True, "1 of 1", [2, 3])],
)
def test_documents_stay_or_go(
    admin: AdminClient, mode: str, needs_confirmation: bool, deleted: str, numbers: list[float]
) -> None:
    admin.import_all(rows(1), **jsonl("notes"))
    admin.import_all(rows(9), **jsonl("free"))

    import_id = admin.upload(rows(2, 3), **jsonl("notes", mode))
    admin.work()
    state = admin.import_state(import_id)
    admin.post("/api/perform_import", {"importId": import_id})
    admin.work()

    assert state["require_manual_confirmation"] is needs_confirmation
    assert f"notes | 2      | {deleted} |" in state["message_to_confirm"]
    assert (numbers_in(admin, "notes"), numbers_in(admin, "free")) == (numbers, [9])


# All tables are named, with the widths of their columns.
def test_replacing_all_tells_of_tables_the_file_has_not(admin: AdminClient) -> None:
    admin.import_all(rows(*range(1000)), **jsonl("later"))

    import_id = admin.upload(
        export_of({"notes": 10001}, {"notes": [{"_id": id_of(10001, 1), "n": 1.0}]}).getvalue(),
        format="zip",
        mode="replaceAll",
    )
    admin.work()

    state = admin.import_state(import_id)
    assert state["require_manual_confirmation"] is True
    assert state["message_to_confirm"] == (
        "Import change summary:\n"
        "table | create | delete         |\n"
        "---------------------------------\n"
        "free  | 0      | 0 of 0         |\n"
        "later | 0      | 1,000 of 1,000 |\n"
        f"notes | 1      | 0 of 0         |\n{BACKGROUND}"
    )
    document = admin.query("_system/cli/queryImport", {"importId": import_id})
    missing = {row["display_table_name"]: row["is_missing_id_field"] for row in document["checkpoints"]}
    assert missing == {"free": False, "later": False, "notes": False}

    admin.post("/api/perform_import", {"importId": import_id})
    admin.work()

    assert admin.emulator.table_counts() == {"notes": 1}


def test_an_empty_zip_imports_nothing_and_has_nothing_to_show(admin: AdminClient) -> None:
    import_id = admin.upload(zip_of({"README.md": ""}).getvalue(), format="zip")
    admin.work()

    assert admin.import_state(import_id)["message_to_confirm"] == BACKGROUND


# A ZIP as people make them: in a folder, with tables of the system nobody knows, without the mark of its lines.
def test_a_zip_with_a_prefix_and_unknown_system_tables(admin: AdminClient) -> None:
    file = zip_of(
        {
            "backup/_tables/documents.jsonl": lines_of([{"name": "notes", "id": 10001}]),
            "backup/_other/documents.jsonl": lines_of([{"secret": 1}]),
            "backup/notes/documents.jsonl": lines_of([{"_id": id_of(10001, 1), "_creationTime": 5.0, "n": 1}]),
        }
    )

    state = admin.import_all(file.getvalue(), format="zip")

    assert state["num_rows_written"] == ConvexInt64(1)
    assert rows_of(admin.emulator, "notes") == [{"_id": id_of(10001, 1), "_creationTime": 5.0, "n": 1.0}]


def test_csv_and_arrays_are_read(admin: AdminClient) -> None:
    admin.import_all(b"n,s\n1,x\n", format="csv", tableName="free")
    admin.import_all(b'[{"n": 2}]', format="jsonArray", tableName="free", mode="append")

    assert [(row["n"], row.get("s")) for row in rows_of(admin.emulator, "free")] == [(1.0, "x"), (2.0, None)]


# Progress


def test_progress_stands_in_the_state(admin: AdminClient) -> None:
    seen: list[Any] = []
    import_id = admin.upload(b"".join(rows(n) for n in range(16_002)), **jsonl("notes"))
    admin.work()
    on_note(admin, lambda: seen.append(admin.import_state(import_id)))

    admin.post("/api/perform_import", {"importId": import_id})
    admin.work()

    assert [state["progress_message"] for state in seen] == [
        'Importing "notes"',
        'Importing "notes" (8,000 documents)',
        'Importing "notes" (16,001 documents)',
        'Imported "notes" (16,002 documents)',
    ]
    assert [state["checkpoint_messages"] for state in seen] == [[], [], [], ['Imported "notes" (16,002 documents)']]


def on_note(admin: AdminClient, do: Callable[[], object]) -> None:
    """Does something each time an import notes how far it is, as another thread may."""
    note = admin.emulator.imports.note

    def note_and_do(*args: Any, **options: Any) -> None:
        note(*args, **options)
        do()

    admin.emulator.imports.note = note_and_do  # type: ignore[method-assign]


# Functions run while rows are read and checked: they see nothing of the import, and what they write stays.
def test_others_go_on_meanwhile(admin: AdminClient) -> None:
    seen: list[int] = []

    def write(ctx: Any) -> None:
        seen.append(len(ctx.db.query("notes").collect()))
        ctx.db.insert("notes", {"n": 10.0})

    on_note(admin, lambda: admin.emulator.run(write))
    admin.import_all(rows(1, 2), **jsonl("notes", "append"))

    assert seen == [0, 1]
    assert sorted(numbers_in(admin, "notes")) == [1, 2, 10, 10]


# Bad rows


@pytest.mark.parametrize(
    ("data", "described", "reason", "place"),
    [
        (
            b'{"n":1}\n{"n":}\n',
            jsonl("notes"),
            "Row 2 wasn't valid JSON: expected value at line 1 column 6",
            "notes, line 2, field `n`",
        ),
        (b"[1]", {"format": "jsonArray", "tableName": "notes"}, "Row 1 wasn't a valid Convex value: expected object, "
         "received 1.0", "notes, line 1"),
        (b"{}", {"format": "jsonArray", "tableName": "notes"}, "Not a JSON array", "notes, line 1"),
        (
            b"n\n1\n2,3\n",
            {"format": "csv", "tableName": "notes"},
            "CSV row 3 doesn't have all of the fields in the header",
            "notes, line 3",
        ),
        (
            b'{"n":1}\n{"n":"x"}\n',
            jsonl("notes"),
            'Failed to insert or update a document in table "notes" because it does not match the schema: '
            "Value does not match validator.\nPath: .n\nValue: \"x\"\nValidator: v.float64()",
            "notes, line 2, field `n`",
        ),
        (b"\xef\xbb\xbf{}\n", jsonl("notes"), "UTF-8 BOM is not supported. Please save your file without BOM.",
         "notes, line 1"),
        (b'{"n":1,"_id":"x"}\n', jsonl("notes"), "invalid _id 'x'", "notes, line 1, field `_id`"),
    ],
)  # fmt: skip
def test_a_bad_row_is_named_behind_the_deployments_words(
    admin: AdminClient, data: bytes, described: dict[str, Any], reason: str, place: str
) -> None:
    assert failure(admin, data, **described) == f"{PREFIX}{reason}\n\nThis row cannot be imported:\n{place}"


def test_all_bad_rows_are_named(admin: AdminClient) -> None:
    text = failure(admin, rows(1) + b'{"n":"x"}\n{"m":2}\n', **jsonl("notes"))

    lines = text.splitlines()
    start = lines.index("2 rows cannot be imported:")
    assert lines[1].startswith('Failed to insert or update a document in table "notes"')
    assert lines[start + 1] == "notes, line 2, field `n`"
    assert lines[start + 2].startswith("notes, line 3, field `n`: Failed to insert or update a document")


def test_of_many_bad_rows_twenty_are_named(admin: AdminClient) -> None:
    text = failure(admin, b"x\n" * 1021, **jsonl("notes"))

    assert "\n1,021 rows cannot be imported:\n" in text
    assert text.endswith("… and 1,001 more rows")


# One bad row in one table of many: nothing of the others comes in.
def test_a_bad_row_in_a_zip_is_named_with_its_file(admin: AdminClient) -> None:
    file = export_of({}, {"free": [{"n": 1}], "notes": [{"n": 1.0}, {"n": "x"}]})

    text = failure(admin, file.getvalue(), format="zip")

    assert text.endswith("notes/documents.jsonl, line 2, field `n`")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"no zip", "invalid zip file"),
        (
            export_of({"a": 10001, "b": 10001}, {}).getvalue(),
            "conflict between `a` and `b` with number 10001",
        ),
        (
            export_of({}, {"_components/c/t": [{"n": 1}]}).getvalue(),
            "_components/c/t/documents.jsonl: components are not emulated; leave the folder _components out of the ZIP",
        ),
    ],
)
def test_a_bad_zip_fails_with_its_reason(admin: AdminClient, data: bytes, reason: str) -> None:
    assert failure(admin, data, format="zip") == PREFIX + reason


def test_a_table_of_the_system_cannot_be_imported(admin: AdminClient) -> None:
    text = failure(admin, rows(1), **jsonl("_mine"))

    assert text == f"{PREFIX}Invalid table name _mine starts with metadata prefix '_'"


# Names, components, bodies


@pytest.mark.parametrize(
    ("described", "code", "message"),
    [
        ({"format": "zip", "tableName": "notes"}, "InvalidName", "ZIP import cannot have table name"),
        ({"format": "csv"}, "InvalidName", "CSV import requires table name"),
        ({"format": "jsonArray"}, "InvalidName", "JSON import requires table name"),
        ({"format": "jsonLines", "tableName": None}, "InvalidName", "JSONL import requires table name"),
        (
            jsonl("a-b"),
            "ImportInvalidName",
            "invalid table name a-b: Identifier a-b has invalid character '-': Identifiers can only contain "
            "alphanumeric characters or underscores",
        ),
        (
            {**jsonl("notes"), "componentPath": "other"},
            "NotEmulated",
            "components are not emulated, and so there is no 'other': leave --component out",
        ),
    ],
)
def test_what_an_import_is_for_is_checked(
    admin: AdminClient, described: dict[str, Any], code: str, message: str
) -> None:
    body = {"import": described, "uploadToken": "t", "partTokens": []}

    assert admin.post("/api/import/finish_upload", body) == (400, {"code": code, "message": message})
    parameters = {name: value for name, value in described.items() if value is not None}
    assert admin.post("/api/import", **parameters) == (400, {"code": code, "message": message})


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{"uploadToken":"t","partTokens":[]}', "missing field `import` at line 1 column 35"),
        ('{"import":{},"uploadToken":"t","partTokens":[]}', "import: missing field `format` at line 1 column 12"),
        (
            '{"import":{"format":"xml"},"uploadToken":"t","partTokens":[]}',
            "import.format: unknown variant `xml`, expected one of `csv`, `jsonLines`, `jsonArray`, `zip` at line 1 "
            "column 25",
        ),
        (
            '{"import":{"format":"zip","mode":"all"},"uploadToken":"t","partTokens":[]}',
            "import.mode: unknown variant `all`, expected one of `append`, `replace`, `replaceAll`, `requireEmpty` at "
            "line 1 column 38",
        ),
        (
            '{"import":{"format":"zip"},"uploadToken":"t","partTokens":[1]}',
            "partTokens[0]: invalid type: integer `1`, expected a string at line 1 column 60",
        ),
    ],
)
def test_bodies_of_another_form_are_refused(admin: AdminClient, body: str, text: str) -> None:
    message = f"Failed to deserialize the JSON body into the target type: {text}"

    told = answer(admin.request("POST", "/api/import/finish_upload", body=body.encode()))

    assert told == (400, {"code": "BadJsonBody", "message": message})


# Confirming and cancelling


@pytest.mark.parametrize("path", ["/api/perform_import", "/api/cancel_import"])
def test_ids_that_are_no_imports_are_refused(admin: AdminClient, path: str) -> None:
    other = id_of(10001, 1)

    assert admin.post(path, {"importId": "x"}) == (400, {"code": "InvalidImport", "message": "invalid import id x"})
    assert admin.post(path, {"importId": other}) == (
        404,
        {"code": "ImportNotFound", "message": f"import {other} not found"},
    )
    assert admin.post(path, {})[1]["code"] == "BadJsonBody"


# The dashboard may have confirmed it meanwhile.
def test_confirming_twice_changes_nothing(admin: AdminClient) -> None:
    import_id = admin.upload(rows(1), **jsonl("notes"))
    admin.work()
    for _ in range(2):
        assert admin.post("/api/perform_import", {"importId": import_id})[0] == 200
    admin.work()

    assert admin.post("/api/perform_import", {"importId": import_id})[0] == 200
    admin.work()

    assert numbers_in(admin, "notes") == [1]


def test_an_import_cannot_be_confirmed_before_it_was_read(admin: AdminClient) -> None:
    import_id = admin.upload(rows(1), **jsonl("notes"))
    admin.post("/api/perform_import", {"importId": import_id})
    admin.work()

    assert admin.import_state(import_id)["state"] == "waiting_for_confirmation"


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_cancelled_import_leaves_nothing(admin: AdminClient, steps: int) -> None:
    import_id = admin.upload(rows(1), **jsonl("notes"))
    for step in (admin.work, lambda: admin.post("/api/perform_import", {"importId": import_id}))[:steps]:
        step()

    assert admin.post("/api/cancel_import", {"importId": import_id}) == (200, None)
    admin.work()

    assert admin.import_state(import_id) == {"state": "failed", "error_message": "Import canceled"}
    assert (numbers_in(admin, "notes"), admin.emulator.imports.files_kept) == ([], 0)


# Cancelled from another thread at the last moment that there is.
@pytest.mark.parametrize("at", ['Importing "notes"', 'Imported "notes" (1 documents)'])
def test_an_import_cancelled_while_it_runs_leaves_nothing(admin: AdminClient, at: str) -> None:
    import_id = admin.upload(rows(1), **jsonl("notes"))
    admin.work()
    admin.post("/api/perform_import", {"importId": import_id})

    def cancel() -> None:
        state = admin.import_state(import_id)
        if state.get("progress_message") == at:
            admin.post("/api/cancel_import", {"importId": import_id})

    on_note(admin, cancel)
    admin.work()

    assert admin.import_state(import_id)["error_message"] == "Import canceled"
    assert (numbers_in(admin, "notes"), admin.emulator.imports.files_kept) == ([], 0)


@pytest.mark.parametrize(("mode", "ended"), [("replace", "completed"), (None, "failed")])
def test_an_import_that_has_ended_cannot_be_cancelled(admin: AdminClient, mode: str | None, ended: str) -> None:
    admin.import_all(rows(1), **jsonl("notes"))
    import_id = admin.upload(rows(2), **jsonl("notes", mode))
    admin.work()
    admin.post("/api/perform_import", {"importId": import_id})
    admin.work()
    assert admin.import_state(import_id)["state"] == ended

    assert admin.post("/api/cancel_import", {"importId": import_id}) == (
        400,
        {"code": "CannotCancelImport", "message": f"Cannot cancel an import that has {ended}"},
    )


def test_an_import_that_waits_for_more_than_a_week_fails(admin: AdminClient, clock: ManualClock) -> None:
    ids = [admin.upload(rows(n), **jsonl("free", "append")) for n in range(2)]
    admin.work()
    for import_id, seconds in zip(ids, (7 * 24 * 3600 - 1, 2), strict=True):
        clock.advance(seconds)
        admin.post("/api/perform_import", {"importId": import_id})
        admin.work()

    assert admin.import_state(ids[0])["state"] == "completed"
    assert admin.import_state(ids[1]) == {
        "state": "failed",
        "error_message": f"{PREFIX}Import took too long. Try again or contact Convex.",
    }


# Rollbacks and restores


def test_a_rollback_takes_an_import_away(admin: AdminClient) -> None:
    with admin.emulator.rollback():
        import_id = admin.upload(rows(1), **jsonl("notes"))
        admin.work()
    assert admin.query("_system/cli/queryImport:list") == []

    assert admin.post("/api/perform_import", {"importId": import_id})[0] == 404
    admin.upload(rows(2), **jsonl("notes"))

    assert admin.emulator.imports.files_kept == 1


def test_an_import_whose_file_is_gone_fails(admin: AdminClient) -> None:
    import_id = admin.upload(rows(1), **jsonl("notes"))
    copy = AdminClient(admin.emulator.clone())
    copy.upload(rows(2), **jsonl("notes"))

    copy.work()

    assert copy.import_state(import_id)["error_message"] == (
        f"{PREFIX}the uploaded file is no longer there: upload it again"
    )


def test_a_fault_of_the_emulator_itself_fails_the_import(admin: AdminClient, monkeypatch: pytest.MonkeyPatch) -> None:
    import_id = admin.upload(rows(1), **jsonl("notes"))

    def fail(*_args: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("convex_mastra_emulator.data.import_jobs.read_upload", fail)
    with pytest.raises(ZeroDivisionError):
        admin.work()

    state = admin.import_state(import_id)
    assert state["error_message"] == f"{PREFIX}Your request couldn't be completed. Try again later."
    monkeypatch.undo()
    assert admin.import_all(rows(2), **jsonl("notes"))["state"] == "completed"


# In one request


def test_one_request_imports_without_asking(admin: AdminClient) -> None:
    response = admin.request("POST", "/api/import", body=rows(1, 2), content_type="text/plain", **jsonl("notes"))
    assert answer(response) == (200, {"numWritten": 2})

    response = admin.request("POST", "/api/import", body=rows(3), **jsonl("notes", "replace"))
    assert answer(response) == (200, {"numWritten": 1})
    assert numbers_in(admin, "notes") == [3]
    assert admin.emulator.imports.files_kept == 0


@pytest.mark.parametrize("data", [b"x\n", b'{"n":"x"}\n'])
def test_one_request_tells_what_failed(admin: AdminClient, data: bytes) -> None:
    status, told = answer(admin.request("POST", "/api/import", body=data, **jsonl("notes")))

    assert (status, told["code"]) == (400, "ImportFailed")
    assert told["message"].startswith(PREFIX)
    assert told["message"].endswith("This row cannot be imported:\nnotes, line 1" + (", field `n`" * (data != b"x\n")))


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({}, "missing field `format`"),
        ({"format": "xml"}, "format: unknown variant `xml`, expected one of `csv`, `jsonLines`, `jsonArray`, `zip`"),
        (
            {"format": "zip", "mode": "all"},
            "mode: unknown variant `all`, expected one of `append`, `replace`, `replaceAll`, `requireEmpty`",
        ),
    ],
)
def test_query_strings_of_another_form_are_refused(admin: AdminClient, parameters: dict[str, str], text: str) -> None:
    message = f"Failed to deserialize query string: {text}"

    assert admin.post("/api/import", key=None, **parameters) == (400, {"code": "BadQueryArgs", "message": message})


# Who may


@pytest.mark.parametrize(
    ("path", "body", "parameters"),
    [
        ("/api/import/start_upload", None, {}),
        ("/api/import/upload_part", None, {"uploadToken": "t", "partNumber": "1"}),
        (
            "/api/import/finish_upload",
            {"import": {"format": "zip"}, "uploadToken": "t", "partTokens": []},
            {},
        ),
        ("/api/perform_import", {"importId": id_of(541, 1)}, {}),
        ("/api/cancel_import", {"importId": id_of(541, 1)}, {}),
        ("/api/import", None, {"format": "zip"}),
    ],
)
def test_only_administrators_may(admin: AdminClient, path: str, body: Any, parameters: dict[str, str]) -> None:
    assert admin.post(path, body, key=None, **parameters) == NO_ADMIN
    assert admin.post(path, body, key="other|key", **parameters)[0] == 401


def test_get_is_not_allowed(admin: AdminClient) -> None:
    assert admin.request("GET", "/api/import/start_upload").status == 405


# What is not emulated says so: clients try an empty 404 again and again.
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/list_snapshot"), ("POST", "/api/document_deltas"), ("PUT", "/api/streaming_import/clear_tables")],
)
def test_streaming_is_not_emulated_and_says_so(admin: AdminClient, method: str, path: str) -> None:
    status, told = answer(admin.request(method, path))

    assert (status, told["code"]) == (501, "NotEmulated")
    assert told["message"].startswith(f"{path} is not emulated")


def test_queries_that_read_the_table_run_again(admin: AdminClient) -> None:
    admin.emulator.define("notes:all", query(lambda ctx, args: [row["n"] for row in ctx.db.query("notes").collect()]))
    client = admin.live()
    client.modify(add(0, "notes:all"))

    admin.import_all(rows(1), **jsonl("notes"))

    assert [update["value"] for update in client.transition()["modifications"]] == [[1.0]]
