"""Ids of documents: their form, whose they are, and what becomes of those that lead nowhere.

convex-backend crates/value/src/id_v6.rs (form), crates/isolate/src/environment/udf/async_syscall.rs (``db.get``,
``db.normalizeId``).  Ids of Convex are opaque: no case reads more out of one than the deployment does itself.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from pytest_mastra_convex.conformance.things import THINGS, store
from pytest_mastra_convex.probe import Probe, StepFailed, counter, delete, get, insert, normalize_id

TYPED = "conformance_typed"

# Well formed, of the largest table number there is: no deployment has so many tables.
ID_OF_NO_TABLE = "zzzzzzrf000000000000000000000000005v2"


def normalized(probe: Probe, table: str, text: Any) -> Any:
    """What ``db.normalizeId`` answers."""
    return probe.query(normalize_id(table, text))[0].value


def with_another_end(document_id: str) -> str:
    """The id with another last character, which is a part of its checksum."""
    return document_id[:-1] + ("0" if document_id[-1] != "0" else "1")


# Clients keep ids in URLs and columns of 32 characters; they are lower-case letters (no i, l, o, u) and digits.
@pytest.mark.diverges("form-of-ids")
def test_id_is_32_characters_of_base32(probe: Probe) -> None:
    stored = probe.insert(THINGS, {})

    assert re.fullmatch("[0-9abcdefghjkmnpqrstvwxyz]{32}", stored)


# The table is part of the id, so that one of another table can be refused: it decides the first characters.
@pytest.mark.diverges("form-of-ids")
def test_first_characters_belong_to_the_table(probe: Probe) -> None:
    things = store(probe, {}, {}, {})
    typed = probe.insert(TYPED, {"name": "a"})

    assert len({document_id[:3] for document_id in things}) == 1
    assert typed[:3] != things[0][:3]


def test_document_is_found_by_its_id(probe: Probe) -> None:
    first, second = store(probe, {"name": "first"}, {"name": "second"})

    assert (probe.get(first) or {})["name"] == "first"
    assert (probe.get(second) or {})["name"] == "second"


def test_document_carries_its_id(probe: Probe) -> None:
    stored = probe.insert(THINGS, {"name": "a"})

    assert (probe.get(stored) or {})["_id"] == stored
    assert [row["_id"] for row in probe.collect(THINGS)] == [stored]


# Ids are drawn at random within a transaction: a thousand at once have to differ.
def test_ids_of_one_mutation_differ(probe: Probe) -> None:
    probe.mutation(insert(THINGS, {"number": counter()}, times=1_000))

    assert len({row["_id"] for row in probe.collect(THINGS, select=["_id"])}) == 1_000


# An id that was given away again would make an old link lead to somebody else's thread.
def test_id_of_a_deleted_document_is_not_given_again(probe: Probe) -> None:
    gone = store(probe, {}, {}, {})
    probe.mutation(*[delete(document_id) for document_id in gone])

    later = store(probe, {}, {}, {})

    assert not set(gone) & set(later)


# Reading


# Two readers: one deletes a thread, the other opens it a moment later and must see that it is gone.
def test_get_of_a_deleted_document_is_null(probe: Probe) -> None:
    stored = probe.insert(THINGS, {})
    probe.delete(stored)

    assert probe.get(stored) is None


def test_get_by_an_id_of_no_table_is_null(probe: Probe) -> None:
    assert probe.get(ID_OF_NO_TABLE) is None


# Record ids of Mastra are no ids of Convex: to mix them up is an error of the program, not an empty answer.
@pytest.mark.diverges("text-that-is-no-id")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "Invalid ID length 0", id="empty"),
        pytest.param("thread-1", "Invalid ID length 8", id="record-id"),
        pytest.param("0f8fad5b-d9cb-469f-a165-70867728950e", "ID wasn't valid base32", id="uuid"),
        pytest.param("a" * 30, "Invalid ID length 30", id="30-characters"),
        pytest.param("a" * 38, "Invalid ID length 38", id="38-characters"),
        pytest.param("\u00e9" * 16, "ID wasn't valid base32", id="32-bytes-of-other-letters"),
        pytest.param("j5700000000000000000000000001qv1", "Unable to decode ID", id="wrong-end"),
        pytest.param("j5700000000000000000000000000qv0", "Invalid ID version", id="wrong-checksum"),
        pytest.param("0" * 32, "Invalid table number", id="table-zero"),
    ],
)
def test_get_by_text_that_is_no_id_is_refused(probe: Probe, text: str, reason: str) -> None:
    with pytest.raises(StepFailed, match=f"Invalid argument `id` for `db.get`: .*{reason}"):
        probe.get(text)


# Base32 is read by many programs in both cases; here there is one spelling of an id.
@pytest.mark.diverges("text-that-is-no-id")
def test_get_by_an_id_in_capitals_is_refused(probe: Probe) -> None:
    stored = probe.insert(THINGS, {})

    with pytest.raises(StepFailed, match="Unable to decode ID: ID wasn't valid base32"):
        probe.get(stored.upper())


# One character lost or doubled in copying must not lead to another document, nor to "it is gone".
@pytest.mark.diverges("text-that-is-no-id")
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(with_another_end, id="checksum"),
        pytest.param(lambda text: text[:-1], id="cut-off"),
        pytest.param(lambda text: text + "0", id="longer"),
        pytest.param(lambda text: " " + text, id="space-before"),
        pytest.param(lambda text: text + "\n", id="newline-behind"),
    ],
)
def test_get_by_a_spoiled_id_is_refused(probe: Probe, spoil: Any) -> None:
    stored = probe.insert(THINGS, {})

    with pytest.raises(StepFailed, match="Unable to decode ID"):
        probe.get(spoil(stored))


# What is no text at all: npm convex looks first.
@pytest.mark.parametrize("value", [None, 5.0, True, {"_id": "a"}], ids=["null", "number", "boolean", "object"])
def test_get_by_no_text_is_refused(probe: Probe, value: Any) -> None:
    answer = probe.query(get(value))[0]

    assert "Invalid argument `id`" in (answer.error or "")


# The form with the table's name exists to catch ids of other tables; the text names both.
def test_get_with_the_wrong_table_is_refused(probe: Probe) -> None:
    stored = probe.insert(THINGS, {})

    answer = probe.query(get(stored, table=TYPED))[0]

    assert "Invalid argument `id`" in (answer.error or "")
    assert TYPED in (answer.error or "")
    assert THINGS in (answer.error or "")


def test_get_with_the_right_table_finds_the_document(probe: Probe) -> None:
    stored = probe.insert(THINGS, {"name": "a"})

    assert probe.query(get(stored, table=THINGS))[0].value["name"] == "a"


def test_get_of_a_deleted_document_with_its_table_is_null(probe: Probe) -> None:
    stored = probe.insert(THINGS, {})
    probe.delete(stored)

    assert probe.query(get(stored, table=THINGS))[0].value is None


# normalizeId


def test_normalize_id_gives_the_id_of_its_table(probe: Probe) -> None:
    stored = probe.insert(THINGS, {})

    assert normalized(probe, THINGS, stored) == stored


# It looks at the text alone: whether the document is there is what `get` is for.
def test_normalize_id_does_not_look_for_the_document(probe: Probe) -> None:
    stored = probe.insert(THINGS, {})
    probe.delete(stored)

    assert normalized(probe, THINGS, stored) == stored


# The check of ids that come from outside: one of another table is none.
def test_normalize_id_of_another_table_is_null(probe: Probe) -> None:
    stored = probe.insert(THINGS, {})

    assert normalized(probe, TYPED, stored) is None


def test_normalize_id_for_a_table_that_is_not_there_is_null(probe: Probe) -> None:
    stored = probe.insert(THINGS, {})

    assert normalized(probe, "conformance_missing", stored) is None


# Unlike `get` it refuses nothing: this is how a program finds out whether a text is an id.
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("thread-1", id="record-id"),
        pytest.param("0f8fad5b-d9cb-469f-a165-70867728950e", id="uuid"),
        pytest.param("conformance_things", id="table-name"),
        pytest.param("\u00e9" * 16, id="other-letters"),
        pytest.param(ID_OF_NO_TABLE, id="of-no-table"),
    ],
)
def test_normalize_id_of_text_that_is_no_id_is_null(probe: Probe, text: str) -> None:
    assert normalized(probe, THINGS, text) is None


def test_normalize_id_of_a_spoiled_id_is_null(probe: Probe) -> None:
    stored = probe.insert(THINGS, {})

    assert normalized(probe, THINGS, with_another_end(stored)) is None


@pytest.mark.parametrize("table", ["_storage", "_scheduled_functions", "_tables"])
def test_normalize_id_for_a_system_table_is_refused(probe: Probe, table: str) -> None:
    stored = probe.insert(THINGS, {})

    answer = probe.query(normalize_id(table, stored))[0]

    assert "System tables can only be accessed from db.system" in (answer.error or "")


# An older form of ids was 22 characters of base64url: any such text is taken for one, and comes back in the new form.
@pytest.mark.diverges("legacy-ids")
@pytest.mark.parametrize("text", ["AAAAAAAAAAAAAAAAAAAAAA", "abcdefghijklmnopqrst-A"], ids=["zeros", "letters"])
def test_normalize_id_reads_the_old_form(probe: Probe, text: str) -> None:
    stored = probe.insert(THINGS, {})

    found = normalized(probe, THINGS, text)

    assert found[:3] == stored[:3]
    assert len(found) == 32
    assert normalized(probe, THINGS, found) == found
