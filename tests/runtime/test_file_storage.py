"""`ctx.storage`: what each kind of function can do, when it takes effect, and what it is refused.

convex-backend crates/model/src/file_storage/mod.rs, crates/file_storage/src/core.rs (convex-engine.md §10.13).
"""

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any

import pytest

from convex_mastra_emulator import (
    ADMIN,
    Emulator,
    FunctionError,
    ManualClock,
    StoredBlob,
    action,
    mutation,
    query,
    undefined,
)
from convex_mastra_emulator.errors import RequestRefused
from convex_mastra_emulator.runtime.arguments import python_arguments
from convex_mastra_emulator.runtime.subscriptions import Subscription
from convex_mastra_emulator.values.ids import encode_id

BODY = b"\x00 hello \xff"
SHA256 = hashlib.sha256(BODY).digest()
BASE64 = base64.b64encode(SHA256).decode()
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
MISSING_ID = encode_id(540, bytes(16))
MISSING_UUID = "00000000-0000-4000-8000-000000000000"
NO_ID = (
    "Invalid storage ID: \"{}\". Storage ID should be an\n                    Id of '_storage' table, or a UUID string."
)
OTHER_TABLE = "Invalid storage ID. Storage ID cannot be an ID on any table other than '_storage'."

KINDS: dict[str, Any] = {"query": query, "mutation": mutation, "action": action}
Body = Callable[[Any], Any]


def run(emulator: Emulator, kind: str, body: Body) -> Any:
    emulator.define("t:run", KINDS[kind](lambda ctx, args: body(ctx)))
    return getattr(emulator, kind)("t:run")


def error_of(emulator: Emulator, kind: str, body: Body) -> str:
    with pytest.raises(FunctionError) as failed:
        run(emulator, kind, body)
    return failed.value.message


@pytest.fixture
def stored(emulator: Emulator) -> str:
    storage_id: str = run(emulator, "action", lambda ctx: ctx.storage.store(BODY, "Text/Plain"))
    return storage_id


def url_of(emulator: Emulator, name: str) -> Any:
    return run(emulator, "query", lambda ctx: ctx.storage.get_url(name))


def documents(emulator: Emulator) -> list[Any]:
    found: list[Any] = emulator.run(lambda ctx: ctx.db.system.query("_storage").collect())
    return found


# Documents


def test_a_stored_file_is_a_document_of_storage(emulator: Emulator, stored: str) -> None:
    [document] = documents(emulator)

    assert document == {
        "_id": stored,
        "_creationTime": document["_creationTime"],
        "contentType": "text/plain",
        "sha256": BASE64,
        "size": 9.0,
    }
    assert run(emulator, "query", lambda ctx: ctx.db.system.get(stored)) == document


# crates/model/src/file_storage/virtual_table.rs: null, although npm's types say that the field is optional.
@pytest.mark.parametrize("content_type", [None, "", "tëxt/plain"])
def test_a_file_without_a_type_has_null(emulator: Emulator, content_type: str | None) -> None:
    run(emulator, "action", lambda ctx: ctx.storage.store(b"", content_type))

    [document] = documents(emulator)
    assert (document["contentType"], document["size"]) == (None, 0.0)


@pytest.mark.parametrize("kind", ["query", "mutation", "action"])
def test_a_url_names_the_file_by_another_name_than_its_id(emulator: Emulator, stored: str, kind: str) -> None:
    url = run(emulator, kind, lambda ctx: ctx.storage.get_url(stored))

    start, uuid = url.rsplit("/", 1)
    assert start == "http://127.0.0.1:3210/api/storage"
    assert UUID.fullmatch(uuid)


@pytest.mark.parametrize("kind", ["query", "mutation", "action"])
def test_metadata_has_the_digest_in_hexadecimal(emulator: Emulator, stored: str, kind: str) -> None:
    metadata = run(emulator, kind, lambda ctx: ctx.storage.get_metadata(stored))

    assert UUID.fullmatch(metadata.pop("storageId"))
    assert metadata == {"sha256": SHA256.hex(), "size": 9.0, "contentType": "text/plain"}


# Ids from before npm convex 1.6 are the UUIDs of URLs; Rust's crate uuid takes four forms of them.
@pytest.mark.parametrize("form", ["{}", "urn:uuid:{}", "{{{}}}"])
def test_a_uuid_names_a_file_as_well(emulator: Emulator, stored: str, form: str) -> None:
    url = url_of(emulator, stored)
    uuid = url.rsplit("/", 1)[1]

    for name in (form.format(uuid), form.format(uuid.upper()), uuid.replace("-", "")):
        assert url_of(emulator, name) == url


@pytest.mark.parametrize("storage_id", [MISSING_ID, MISSING_UUID])
def test_of_a_file_that_is_not_there_nothing_is_told(emulator: Emulator, storage_id: str) -> None:
    def read(ctx: Any) -> Any:
        return [ctx.storage.get_url(storage_id), ctx.storage.get_metadata(storage_id)]

    assert run(emulator, "query", read) == [None, None]
    assert run(emulator, "action", lambda ctx: ctx.storage.get(storage_id)) is None


# What each kind of function has


def test_a_query_only_reads(emulator: Emulator) -> None:
    def names(ctx: Any) -> list[str]:
        return [name for name in dir(ctx.storage) if not name.startswith("_")]

    assert run(emulator, "query", names) == ["get_metadata", "get_url"]
    text = error_of(emulator, "query", lambda ctx: ctx.storage.generate_upload_url())
    assert text == "Uncaught AttributeError: 'StorageReader' object has no attribute 'generate_upload_url'"


# npm convex 1.48 has both methods there; crates/isolate/src/environment/udf/async_syscall.rs knows neither call.
@pytest.mark.parametrize(
    ("call", "name"),
    [(lambda ctx: ctx.storage.get(MISSING_ID), "storageGet"), (lambda ctx: ctx.storage.store(b""), "storageStore")],
)
def test_a_mutation_neither_reads_bytes_nor_stores_them(emulator: Emulator, call: Body, name: str) -> None:
    assert error_of(emulator, "mutation", call) == f"Uncaught Error: Unknown async operation 1.0/{name}"


def test_an_action_reads_what_was_stored(emulator: Emulator, stored: str) -> None:
    read: list[StoredBlob] = []

    run(emulator, "action", lambda ctx: read.append(ctx.storage.get(stored)))

    assert read == [StoredBlob(BODY, "text/plain")]
    assert read[0].text() == "\x00 hello \ufffd"


@pytest.mark.parametrize("body", [bytearray(b"abc"), memoryview(b"abc")])
def test_bytes_of_every_kind_are_stored(emulator: Emulator, body: Any) -> None:
    run(emulator, "action", lambda ctx: ctx.storage.store(body))

    assert documents(emulator)[0]["sha256"] == base64.b64encode(hashlib.sha256(b"abc").digest()).decode()


def test_text_is_no_body(emulator: Emulator) -> None:
    text = error_of(emulator, "action", lambda ctx: ctx.storage.store("abc"))

    assert text == "Uncaught TypeError: body must be bytes, got str; text has to be encoded"


# Effects


def test_a_file_deleted_by_a_failed_mutation_is_still_there(emulator: Emulator, stored: str) -> None:
    def fail(ctx: Any) -> None:
        ctx.storage.delete(stored)
        assert ctx.storage.get_url(stored) is None
        raise ValueError("no")

    error_of(emulator, "mutation", fail)

    url = url_of(emulator, stored)
    assert emulator.download(url) == StoredBlob(BODY, "text/plain")


def test_a_file_that_an_action_deletes_is_gone_even_if_it_fails(emulator: Emulator, stored: str) -> None:
    def fail(ctx: Any) -> None:
        ctx.storage.delete(stored)
        raise ValueError("no")

    error_of(emulator, "action", fail)

    assert documents(emulator) == []


def test_the_url_of_a_deleted_file_is_not_found(emulator: Emulator, stored: str) -> None:
    url = url_of(emulator, stored)
    run(emulator, "mutation", lambda ctx: ctx.storage.delete(stored))

    with pytest.raises(RequestRefused, match=r"File [0-9a-f-]{36} not found") as refused:
        emulator.download(url)
    assert refused.value.code == "FileNotFound"


# A live page that shows a file must notice that it is gone.
@pytest.mark.parametrize("by_uuid", [False, True])
def test_a_query_of_a_url_depends_on_the_file(emulator: Emulator, stored: str, by_uuid: bool) -> None:
    url = url_of(emulator, stored)
    name = url.rsplit("/", 1)[1] if by_uuid else stored
    told: list[None] = []
    emulator.define("t:watch", query(lambda ctx, args: ctx.storage.get_url(name)))
    outcome = emulator.call("t:watch", python_arguments(None), None, ADMIN)
    assert outcome.read_set is not None
    emulator.watch(Subscription(outcome.read_set, lambda: told.append(None)))

    run(emulator, "action", lambda ctx: ctx.storage.delete(stored))

    assert told == [None]


def test_rolling_back_brings_a_file_back(emulator: Emulator, stored: str) -> None:
    url = url_of(emulator, stored)

    with emulator.rollback():
        run(emulator, "action", lambda ctx: ctx.storage.delete(stored))
        other = run(emulator, "action", lambda ctx: ctx.storage.get_url(ctx.storage.store(b"other")))

    assert emulator.download(url).body == BODY
    with pytest.raises(RequestRefused):
        emulator.download(other)


def test_snapshots_and_clones_have_the_files(emulator: Emulator, stored: str) -> None:
    url = url_of(emulator, stored)
    before = emulator.snapshot()
    run(emulator, "action", lambda ctx: ctx.storage.delete(stored))
    twin = emulator.clone()

    emulator.restore(before)

    assert emulator.download(url).body == BODY
    with pytest.raises(RequestRefused):
        twin.download(url)


# Uploads


@pytest.mark.parametrize("kind", ["mutation", "action"])
def test_an_upload_url_takes_a_file(emulator: Emulator, kind: str) -> None:
    url = run(emulator, kind, lambda ctx: ctx.storage.generate_upload_url())

    storage_id = emulator.upload(url, BODY, "image/png")

    assert url.startswith("http://127.0.0.1:3210/api/storage/upload?token=")
    assert [document["_id"] for document in documents(emulator)] == [storage_id]
    assert documents(emulator)[0]["contentType"] == "image/png"


def test_an_upload_url_ends_by_the_clock_of_the_emulator(emulator: Emulator, clock: ManualClock) -> None:
    url = run(emulator, "mutation", lambda ctx: ctx.storage.generate_upload_url())
    clock.advance(3599)
    emulator.upload(url, b"in time")
    clock.advance(1)

    with pytest.raises(RequestRefused, match="Store File Authorization expired") as refused:
        emulator.upload(url, b"too late")

    assert refused.value.code == "StorageTokenExpired"
    assert len(documents(emulator)) == 1


# A test that clones a prepared emulator goes on with the URLs it was given.
def test_a_clone_takes_the_upload_urls(emulator: Emulator) -> None:
    url = run(emulator, "mutation", lambda ctx: ctx.storage.generate_upload_url())
    twin = emulator.clone()

    twin.upload(url, b"x")

    assert len(documents(twin)) == 1
    assert documents(emulator) == []


# Refusals


@pytest.mark.parametrize(
    ("kind", "call", "name"),
    [
        ("query", lambda ctx: ctx.storage.get_url("x"), "getUrl"),
        ("action", lambda ctx: ctx.storage.get_url("x"), "getUrl"),
        ("query", lambda ctx: ctx.storage.get_metadata("x"), "getMetadata"),
        ("mutation", lambda ctx: ctx.storage.delete("x"), "delete"),
        # crates/isolate/src/environment/action/storage.rs names the other call.
        ("action", lambda ctx: ctx.storage.get("x"), "getMetadata"),
    ],
)
def test_what_is_no_id_is_refused(emulator: Emulator, kind: str, call: Body, name: str) -> None:
    text = error_of(emulator, kind, call)

    assert text == f"Uncaught Error: Invalid argument `storageId` for `storage.{name}`: {NO_ID.format('x')}"


@pytest.mark.parametrize("number", [539, 10_001])
def test_ids_of_other_tables_are_refused(emulator: Emulator, number: int) -> None:
    other = encode_id(number, bytes(16))

    calls: list[tuple[str, Body]] = [
        ("query", lambda ctx: ctx.storage.get_url(other)),
        ("query", lambda ctx: ctx.storage.get_metadata(other)),
        ("mutation", lambda ctx: ctx.storage.delete(other)),
        ("action", lambda ctx: ctx.storage.get(other)),
    ]

    assert {error_of(emulator, kind, call) for kind, call in calls} == {f"Uncaught Error: {OTHER_TABLE}"}


@pytest.mark.parametrize("kind", ["mutation", "action"])
@pytest.mark.parametrize(
    ("storage_id", "told"), [(MISSING_ID, MISSING_ID), (MISSING_UUID.replace("-", ""), MISSING_UUID)]
)
def test_a_file_that_is_not_there_cannot_be_deleted(emulator: Emulator, kind: str, storage_id: str, told: str) -> None:
    text = error_of(emulator, kind, lambda ctx: ctx.storage.delete(storage_id))

    assert text == f"Uncaught Error: storage id {told} not found"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "null"),
        (True, "boolean `true`"),
        (5, "integer `5`"),
        (1.5, "floating point `1.5`"),
        ([], "sequence"),
        ({}, "map"),
    ],
)
def test_an_id_must_be_text(emulator: Emulator, value: Any, told: str) -> None:
    expected = f"Uncaught Error: Invalid arguments for `storage.{{}}`: invalid type: {told}, expected a string"

    assert error_of(emulator, "query", lambda ctx: ctx.storage.get_url(value)) == expected.format("getUrl")
    assert error_of(emulator, "mutation", lambda ctx: ctx.storage.delete(value)) == expected.format("delete")


def test_an_id_must_be_given(emulator: Emulator) -> None:
    missing = "Uncaught Error: Invalid arguments for `storage.{}`: missing field `storageId`"

    texts = [
        error_of(emulator, "query", lambda ctx: ctx.storage.get_url()),
        error_of(emulator, "query", lambda ctx: ctx.storage.get_metadata(undefined)),
        error_of(emulator, "mutation", lambda ctx: ctx.storage.delete()),
        error_of(emulator, "action", lambda ctx: ctx.storage.get()),
        error_of(emulator, "action", lambda ctx: ctx.storage.get(5)),
    ]

    assert texts == [
        "Uncaught TypeError: Must provide arg 1 `storageId` to `getUrl`",
        missing.format("getMetadata"),
        missing.format("delete"),
        "Uncaught Error: storage.get requires a string storageId but received undefined",
        "Uncaught Error: storage.get requires a string storageId but received 5",
    ]


# Base64 0.13 wants no padding, and takes it.
@pytest.mark.parametrize("digest", [BASE64, BASE64.rstrip("=")])
def test_a_digest_that_is_right_is_taken(emulator: Emulator, digest: str) -> None:
    run(emulator, "action", lambda ctx: ctx.storage.store(BODY, sha256=digest))

    assert len(documents(emulator)) == 1


@pytest.mark.parametrize(
    ("digest", "text"),
    [
        (base64.b64encode(bytes(32)).decode(), f"Sha256 mismatch. Expected: {'A' * 43}= Actual: {BASE64}"),
        ("AAAA", "invalid HTTP header"),
        (SHA256.hex(), "invalid HTTP header"),
        ("", "invalid HTTP header"),
        ("a\nb", "failed to parse header value"),
    ],
)
def test_a_digest_that_is_wrong_stores_nothing(emulator: Emulator, digest: str, text: str) -> None:
    assert error_of(emulator, "action", lambda ctx: ctx.storage.store(BODY, sha256=digest)) == f"Uncaught Error: {text}"
    assert documents(emulator) == []


def test_a_type_that_is_none_stores_nothing(emulator: Emulator) -> None:
    text = error_of(emulator, "action", lambda ctx: ctx.storage.store(BODY, "text"))

    assert text == ("Uncaught Error: mime parse error: a slash (/) was missing between the type and subtype")
    assert documents(emulator) == []
