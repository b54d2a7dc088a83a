"""Stored files as functions see them: their documents, what each kind of function may do, what is undone.

convex-backend crates/model/src/file_storage/mod.rs, crates/file_storage/src/core.rs (convex-engine.md §10.13).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_mastra_convex.probe import (
    Probe,
    insert,
    ref,
    run_mutation,
    run_query,
    storage_delete,
    storage_get,
    storage_metadata,
    storage_store,
    storage_upload_url,
    storage_url,
    system_get,
    throw,
    uncaught,
)

THINGS = "conformance_things"
BODY = b"\x00 grape \xff"
DIGEST = hashlib.sha256(BODY)
BASE64 = base64.b64encode(DIGEST.digest()).decode()
OTHER_TABLE = "Invalid storage ID. Storage ID cannot be an ID on any table other than '_storage'."

Store = Callable[..., str]


@pytest.fixture
def store(probe: Probe) -> Iterator[Store]:
    """Stores files that are gone after the test: nobody else empties the table of files."""
    stored: list[str] = []

    def keep(body: bytes = BODY, content_type: str | None = "text/plain") -> str:
        [result] = probe.action(storage_store(body, content_type))
        stored.append(result.value)
        return stored[-1]

    yield keep
    for storage_id in stored:
        probe.action(storage_delete(storage_id))


def gone(probe: Probe, storage_id: str) -> str:
    """The same id, of which there is no longer a file."""
    probe.action(storage_delete(storage_id))[0].value  # noqa: B018
    return storage_id


# Documents


# Apps show size and type of a file from its document.
@pytest.mark.diverges("file-documents")
def test_a_stored_file_is_a_document(probe: Probe, store: Store) -> None:
    storage_id = store()

    [result] = probe.query(system_get(storage_id))

    document: dict[str, Any] = result.value
    assert document.pop("_creationTime") > 0
    assert document == {"_id": storage_id, "contentType": "text/plain", "sha256": BASE64, "size": len(BODY)}


# npm's types say that the field is missing then; a deployment has null.
@pytest.mark.diverges("file-documents")
def test_a_file_without_a_type_has_null(probe: Probe, store: Store) -> None:
    [result] = probe.query(system_get(store(content_type=None)))

    assert result.value["contentType"] is None


# Old code asks for the metadata, in which the digest is hexadecimal.
@pytest.mark.diverges("file-metadata")
@pytest.mark.parametrize("kind", ["query", "mutation", "action"])
def test_metadata_has_the_digest_in_hexadecimal(probe: Probe, store: Store, kind: str) -> None:
    [result] = getattr(probe, kind)(storage_metadata(store()))

    assert result.value == {"contentType": "text/plain", "sha256": DIGEST.hexdigest(), "size": len(BODY)}


# A picture comes back as it went in, whatever its bytes are.
@pytest.mark.parametrize("body", [b"", BODY, bytes(range(256)) * 400], ids=["empty", "short", "100 KiB"])
def test_an_action_reads_what_was_stored(probe: Probe, store: Store, body: bytes) -> None:
    [result] = probe.action(storage_get(store(body)))

    assert result.value == {"body": body, "contentType": "text/plain"}


# A Blob has its type in lower case, and so has the document.
@pytest.mark.diverges("file-documents")
def test_a_type_is_kept_in_lower_case(probe: Probe, store: Store) -> None:
    [result] = probe.query(system_get(store(content_type="Text/Plain; Charset=UTF-8")))

    assert result.value["contentType"] == "text/plain; charset=utf-8"


# What each kind of function may do


@pytest.mark.parametrize("kind", ["query", "mutation", "action"])
def test_every_function_gets_urls(probe: Probe, store: Store, kind: str) -> None:
    [result] = getattr(probe, kind)(storage_url(store()))

    assert result.value is True


@pytest.mark.parametrize("kind", ["mutation", "action"])
def test_functions_that_write_get_urls_for_uploads(probe: Probe, kind: str) -> None:
    [result] = getattr(probe, kind)(storage_upload_url())

    assert result.value is True


# npm convex 1.48 has both methods in mutations; the deployment of that time knows neither operation.
@pytest.mark.diverges("file-bytes-in-mutations")
@pytest.mark.parametrize(
    ("step", "name"), [(storage_store(BODY), "storageStore"), (storage_get("x"), "storageGet")], ids=["store", "get"]
)
def test_a_mutation_neither_stores_bytes_nor_reads_them(probe: Probe, step: dict[str, Any], name: str) -> None:
    [result] = probe.mutation(step)

    assert result.error == f"Unknown async operation 1.0/{name}"


# What is undone


# A message and its picture go together or not at all.
def test_a_failed_mutation_keeps_the_file(probe: Probe, store: Store) -> None:
    storage_id = store()

    _, url, read = probe.action(
        run_mutation(storage_delete(storage_id), throw("stop")),
        run_query(storage_url(storage_id)),
        storage_get(storage_id),
    )

    assert (url.value[0].value, read.value["body"]) == (True, BODY)


# Within the mutation, the file is gone at once.
def test_a_mutation_sees_what_it_deleted(probe: Probe, store: Store) -> None:
    storage_id = store()

    before, _, after, document = probe.mutation(
        storage_url(storage_id), storage_delete(storage_id), storage_url(storage_id), system_get(storage_id)
    )

    assert [before.value, after.value, document.value] == [True, False, None]


def test_a_file_is_deleted_with_what_else_a_mutation_does(probe: Probe, store: Store) -> None:
    storage_id = store()

    probe.mutation(insert(THINGS, {"key": "kept"}), uncaught(storage_delete(storage_id)))

    [read] = probe.action(storage_get(storage_id))
    assert (read.value, len(probe.collect(THINGS))) == (None, 1)


# An action is no transaction: what it stored and deleted stays so, although it fails.
def test_an_action_stores_and_deletes_at_once(probe: Probe, store: Store) -> None:
    stored, before, deleted, after = probe.action(
        storage_store(BODY), run_query(storage_url(store())), storage_delete(ref(0)), storage_get(ref(0))
    )

    assert isinstance(stored.value, str)
    assert (before.value[0].value, deleted.value, after.value) == (True, None, None)


# Files that are not there


def test_of_a_file_that_is_gone_nothing_is_told(probe: Probe, store: Store) -> None:
    storage_id = gone(probe, store())

    url, document = probe.query(storage_url(storage_id), system_get(storage_id))
    [read] = probe.action(storage_get(storage_id))

    assert [url.value, document.value, read.value] == [False, None, None]


@pytest.mark.diverges("file-deleted-twice")
@pytest.mark.parametrize("kind", ["mutation", "action"])
def test_a_file_cannot_be_deleted_twice(probe: Probe, store: Store, kind: str) -> None:
    storage_id = gone(probe, store())

    [result] = getattr(probe, kind)(storage_delete(storage_id))

    assert result.error == f"storage id {storage_id} not found"


# Ids that are none


# Apps pass the id of the message instead of that of its picture.
@pytest.mark.diverges("file-ids")
def test_ids_of_other_tables_are_refused(probe: Probe) -> None:
    other = probe.insert(THINGS, {})

    results = [
        *probe.query(storage_url(other)),
        *probe.mutation(storage_delete(other)),
        *probe.action(storage_url(other), storage_delete(other), storage_get(other)),
    ]

    assert {result.error for result in results} == {OTHER_TABLE}


@pytest.mark.diverges("file-ids")
@pytest.mark.parametrize(
    ("kind", "step", "name"),
    [
        ("query", storage_url("no id"), "getUrl"),
        ("action", storage_url("no id"), "getUrl"),
        ("mutation", storage_delete("no id"), "delete"),
        # The deployment does name the other call.
        ("action", storage_get("no id"), "getMetadata"),
    ],
    ids=["getUrl", "getUrl in an action", "delete", "get"],
)
def test_text_that_is_no_id_is_refused(probe: Probe, kind: str, step: dict[str, Any], name: str) -> None:
    [result] = getattr(probe, kind)(step)

    assert result.error == (
        f'Invalid argument `storageId` for `storage.{name}`: Invalid storage ID: "no id". Storage ID should be an\n'
        "                    Id of '_storage' table, or a UUID string."
    )


# Digests


@pytest.mark.parametrize("sha256", [BASE64], ids=["right"])
def test_a_digest_that_is_right_is_taken(probe: Probe, sha256: str) -> None:
    stored, deleted = probe.action(storage_store(BODY, sha256=sha256), storage_delete(ref(0)))

    assert (stored.error, deleted.error) == (None, None)


# A file that arrived damaged must not be stored.
@pytest.mark.diverges("file-digests")
def test_a_digest_of_other_bytes_is_refused(probe: Probe) -> None:
    other = base64.b64encode(bytes(32)).decode()

    [result] = probe.action(storage_store(BODY, sha256=other))

    assert result.error == f"Sha256 mismatch. Expected: {other} Actual: {BASE64}"
