"""Writes that succeed: what insert, patch, replace and delete leave behind."""

from __future__ import annotations

import pytest
from convex import ConvexInt64

from pytest_mastra_convex.probe import Probe, delete, eq, get, insert, patch, query, ref, replace, undefined

THINGS = "conformance_things"
TYPED = "conformance_typed"


def without_system_fields(document: dict[str, object] | None) -> dict[str, object] | None:
    """What the writer gave; None if there is no document."""
    return document and {name: value for name, value in document.items() if not name.startswith("_")}


# Insert


# The one thing every store relies on: what insert answers is the id under which the document is found.
def test_insert_answers_the_id_of_the_document(probe: Probe) -> None:
    identifier = probe.insert(THINGS, {"title": "note"})

    document = probe.get(identifier)

    assert document is not None
    assert document["_id"] == identifier
    assert document["title"] == "note"


# Nobody sends these two; code that sorts by creation would break without the second.
def test_insert_adds_id_and_creation_time_and_nothing_else(probe: Probe) -> None:
    identifier = probe.insert(THINGS, {})

    document = probe.get(identifier)

    assert document is not None
    assert sorted(document) == ["_creationTime", "_id"]
    assert isinstance(document["_creationTime"], float)


# Metadata of messages holds anything; each type must come back as itself, and Int64 must not become a number.
@pytest.mark.parametrize(
    "value",
    [None, False, 1.5, ConvexInt64(7), "text", b"bytes", [1.0, "two", None], {"inner": {"deep": True}}],
    ids=["null", "boolean", "number", "int64", "text", "bytes", "list", "object"],
)
def test_every_type_comes_back_as_it_was_inserted(probe: Probe, value: object) -> None:
    identifier = probe.insert(THINGS, {"value": value})

    document = probe.get(identifier)

    assert without_system_fields(document) == {"value": value}


# JavaScript drops fields that are undefined, at any depth: optional metadata is written just so.
def test_undefined_fields_of_a_new_document_are_dropped(probe: Probe) -> None:
    identifier = probe.insert(THINGS, {"kept": 1.0, "gone": undefined, "inner": {"gone": undefined}})

    document = probe.get(identifier)

    assert without_system_fields(document) == {"kept": 1.0, "inner": {}}


# Two equal documents are two documents: a store that wants one must look first.
def test_equal_documents_get_different_ids(probe: Probe) -> None:
    first, second = probe.mutation(insert(THINGS, {"same": 1.0}), insert(THINGS, {"same": 1.0}))

    assert first.value != second.value
    assert probe.count(THINGS) == 2


# Patch


# Threads are renamed by patching the title alone (mastra updateThread).
def test_patch_leaves_the_fields_it_does_not_name(probe: Probe) -> None:
    identifier = probe.insert(THINGS, {"title": "old", "resource": "r"})

    probe.patch(identifier, {"title": "new", "added": True})

    assert without_system_fields(probe.get(identifier)) == {"title": "new", "resource": "r", "added": True}


# In a patch undefined means "remove", unlike everywhere else, where it means "not given".
def test_patch_with_undefined_removes_the_field(probe: Probe) -> None:
    identifier = probe.insert(THINGS, {"kept": 1.0, "removed": 2.0})

    probe.patch(identifier, {"removed": undefined})

    assert without_system_fields(probe.get(identifier)) == {"kept": 1.0}


# The difference between clearing a value and removing its field; filters tell the two apart.
def test_patch_with_null_keeps_the_field(probe: Probe) -> None:
    identifier = probe.insert(THINGS, {"value": 1.0})

    probe.patch(identifier, {"value": None})

    assert without_system_fields(probe.get(identifier)) == {"value": None}


# Removing what is not there is no error: clients remove blindly.
def test_patch_can_remove_a_field_that_is_not_there(probe: Probe) -> None:
    identifier = probe.insert(THINGS, {"kept": 1.0})

    probe.patch(identifier, {"never": undefined})

    assert without_system_fields(probe.get(identifier)) == {"kept": 1.0}


# The merge is shallow: metadata patched with one key loses its other keys, so stores must send the whole of it.
def test_patch_replaces_nested_objects_whole(probe: Probe) -> None:
    identifier = probe.insert(THINGS, {"metadata": {"a": 1.0, "b": 2.0}})

    probe.patch(identifier, {"metadata": {"b": 3.0}})

    assert without_system_fields(probe.get(identifier)) == {"metadata": {"b": 3.0}}


# Below the top level undefined is dropped as in any value; it does not remove, because nothing is merged there.
def test_undefined_in_a_nested_object_of_a_patch_is_dropped(probe: Probe) -> None:
    identifier = probe.insert(THINGS, {"metadata": {"a": 1.0, "b": 2.0}})

    probe.patch(identifier, {"metadata": {"a": 5.0, "b": undefined}})

    assert without_system_fields(probe.get(identifier)) == {"metadata": {"a": 5.0}}


# An update without changes must not lose anything.
def test_an_empty_patch_changes_nothing(probe: Probe) -> None:
    identifier = probe.insert(THINGS, {"a": 1.0})
    before = probe.get(identifier)

    probe.patch(identifier, {})

    assert probe.get(identifier) == before


# Code that reads a document, changes it and patches all of it back sends the system fields, too.
def test_patch_accepts_the_documents_own_system_fields(probe: Probe) -> None:
    identifier = probe.insert(THINGS, {"a": 1.0})
    document = probe.get(identifier)
    assert document is not None

    probe.patch(identifier, {**document, "a": 2.0})

    assert probe.get(identifier) == {**document, "a": 2.0}


# A document always has its system fields: removing them is taken for "not given".
@pytest.mark.diverges("removal-of-system-fields")
@pytest.mark.parametrize("field", ["_id", "_creationTime"])
def test_patch_cannot_take_a_system_field_away(probe: Probe, field: str) -> None:
    identifier = probe.insert(THINGS, {"a": 1.0})
    before = probe.get(identifier)

    probe.patch(identifier, {field: undefined})

    assert probe.get(identifier) == before


# Later patches see earlier ones of the same mutation, not what was committed.
def test_patches_of_one_mutation_add_up(probe: Probe) -> None:
    identifier = probe.insert(THINGS, {"a": 1.0})

    probe.mutation(patch(identifier, {"b": 2.0}), patch(identifier, {"c": 3.0}), patch(identifier, {"b": undefined}))

    assert without_system_fields(probe.get(identifier)) == {"a": 1.0, "c": 3.0}


# Replace


# A snapshot is written as a whole (mastra persistWorkflowSnapshot): nothing of the one before may shine through.
def test_replace_drops_the_fields_it_does_not_name(probe: Probe) -> None:
    identifier = probe.insert(THINGS, {"status": "running", "error": "none"})

    probe.replace(identifier, {"status": "done"})

    assert without_system_fields(probe.get(identifier)) == {"status": "done"}


# Ids are handed out, and lists are sorted by creation: neither changes when a document is replaced.
def test_replace_keeps_id_and_creation_time(probe: Probe) -> None:
    identifier = probe.insert(THINGS, {"a": 1.0})
    before = probe.get(identifier)

    probe.replace(identifier, {"b": 2.0})

    after = probe.get(identifier)
    assert before is not None
    assert after == {"_id": identifier, "_creationTime": before["_creationTime"], "b": 2.0}


# The document as it was read, with one change, is the usual argument of replace.
def test_replace_accepts_the_documents_own_system_fields(probe: Probe) -> None:
    identifier = probe.insert(THINGS, {"a": 1.0})
    document = probe.get(identifier)
    assert document is not None

    probe.replace(identifier, {**document, "a": 2.0})

    assert probe.get(identifier) == {**document, "a": 2.0}


# The smallest replacement: the document stays, empty.
def test_replace_with_nothing_leaves_the_system_fields(probe: Probe) -> None:
    identifier = probe.insert(THINGS, {"a": 1.0})

    probe.replace(identifier, {})

    assert sorted(probe.get(identifier) or {}) == ["_creationTime", "_id"]


# There is nothing to remove in a replacement: undefined is "not given" again.
def test_undefined_fields_of_a_replacement_are_dropped(probe: Probe) -> None:
    identifier = probe.insert(THINGS, {"a": 1.0})

    probe.replace(identifier, {"a": undefined, "b": 2.0})

    assert without_system_fields(probe.get(identifier)) == {"b": 2.0}


# Delete


# Deleting one document of two, so that deleting everything would be seen.
def test_delete_takes_one_document_away(probe: Probe) -> None:
    gone, kept = probe.insert(THINGS, {"n": 1.0}), probe.insert(THINGS, {"n": 2.0})

    probe.delete(gone)

    assert probe.get(gone) is None
    assert [document["_id"] for document in probe.collect(THINGS)] == [kept]


# What was inserted and deleted in one mutation never was: temporary rows leave no trace.
def test_a_document_inserted_and_deleted_at_once_leaves_nothing(probe: Probe) -> None:
    inserted, _, found = probe.mutation(insert(THINGS, {"a": 1.0}), delete(ref(0)), get(ref(0)))

    assert found.value is None
    assert probe.get(inserted.value) is None
    assert probe.count(THINGS) == 0


# All four


# Handlers that return what `ctx.db` gave must not leak the document: these three give nothing.
@pytest.mark.parametrize(
    "write",
    [patch(ref(0), {"a": 1.0}), replace(ref(0), {"a": 1.0}), delete(ref(0))],
    ids=["patch", "replace", "delete"],
)
def test_writes_of_existing_documents_answer_nothing(probe: Probe, write: dict[str, object]) -> None:
    _, written = probe.mutation(insert(THINGS, {}), write)

    assert written.value is None


# The newer form with the table's name first does what the older one does.
def test_the_form_with_the_tables_name_does_the_same(probe: Probe) -> None:
    identifier = probe.insert(THINGS, {"a": 1.0})

    answers = probe.mutation(
        patch(identifier, {"b": 2.0}, table=THINGS),
        get(identifier, table=THINGS),
        replace(identifier, {"c": 3.0}, table=THINGS),
        get(identifier, table=THINGS),
        delete(identifier, table=THINGS),
        get(identifier, table=THINGS),
    )

    found = [without_system_fields(answers[step].value) for step in (1, 3, 5)]
    assert found == [{"a": 1.0, "b": 2.0}, {"c": 3.0}, None]


# A row moves in every index when it is patched: the old place must be empty, the new one filled.
def test_writes_move_documents_in_their_indexes(probe: Probe) -> None:
    identifier = probe.insert(THINGS, {"key": "old"})

    probe.patch(identifier, {"key": "new"})

    assert probe.count(THINGS, index="by_key", range=[eq("key", "old")]) == 0
    assert probe.count(THINGS, index="by_key", range=[eq("key", "new")]) == 1


# Tables are apart: rows of one are nothing to the other, also in one mutation.
def test_tables_do_not_mix(probe: Probe) -> None:
    *_, things, typed = probe.mutation(
        insert(THINGS, {"name": "thing"}), insert(TYPED, {"name": "typed"}), query(THINGS), query(TYPED)
    )

    assert [document["name"] for document in things.value] == ["thing"]
    assert [document["name"] for document in typed.value] == ["typed"]
