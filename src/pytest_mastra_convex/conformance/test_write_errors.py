"""Writes that are refused: documents, ids, tables and values that a deployment does not take, and what stays after."""

from __future__ import annotations

from typing import Any

import pytest
from convex import ConvexInt64

from pytest_mastra_convex.probe import Probe, StepFailed, delete, get, insert, patch, query, ref, replace, undefined

THINGS = "conformance_things"
TYPED = "conformance_typed"

# A well-formed id by the rules of convex-backend crates/value/src/id_v6.rs, of a table no deployment of tests has.
ID_OF_TABLE_16384 = "g2002000000000000000000000000001j4"

EACH_WRITE = pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda identifier: patch(identifier, {"a": 1.0}), id="patch"),
        pytest.param(lambda identifier: replace(identifier, {"a": 1.0}), id="replace"),
        pytest.param(delete, id="delete"),
    ],
)
NO_OBJECTS = pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="null"),
        pytest.param([], id="list"),
        pytest.param("text", id="text"),
        pytest.param(1.0, id="number"),
        pytest.param(ConvexInt64(1), id="int64"),
        pytest.param(True, id="boolean"),
    ],
)


def refused(probe: Probe, *steps: Any) -> str:
    """The text with which the last step is refused."""
    error = probe.mutation(*steps)[-1].error
    assert error is not None
    return error


# Documents that are not there


# Deleting a thread twice, patching a deleted run: a write to nothing must fail, or updates get lost unseen.  The
# document existed, so that its id is one of this deployment.
@EACH_WRITE
def test_a_write_to_a_deleted_document_is_refused(probe: Probe, write: Any) -> None:
    identifier = probe.insert(THINGS, {"a": 1.0})
    probe.delete(identifier)

    with pytest.raises(StepFailed, match=r"(?i)non-?existent doc"):
        _ = probe.mutation(write(identifier))[0].value

    assert probe.count(THINGS) == 0


# The same inside one mutation: the deletion counts at once, not at the commit.
@EACH_WRITE
def test_a_write_after_a_delete_in_the_same_mutation_is_refused(probe: Probe, write: Any) -> None:
    error = refused(probe, insert(THINGS, {"a": 1.0}), delete(ref(0)), write(ref(0)))

    assert "nonexistent" in error.replace("-", "")


# The text names the document, which is what one looks for in a log.
@pytest.mark.diverges("missing-document-text-probe")
@pytest.mark.parametrize(
    ("write", "verb"),
    [
        pytest.param(lambda identifier: patch(identifier, {}), "Update", id="patch"),
        pytest.param(lambda identifier: replace(identifier, {}), "Replace", id="replace"),
        pytest.param(delete, "Delete", id="delete"),
    ],
)
def test_the_refusal_names_the_missing_document(probe: Probe, write: Any, verb: str) -> None:
    identifier = probe.insert(THINGS, {})
    probe.delete(identifier)

    assert refused(probe, write(identifier)) == f"{verb} on nonexistent document ID {identifier}"


# Ids


# An id of Mastra (a UUID, `thread-1`) given where Convex wants its own is the commonest mistake there is.
@pytest.mark.diverges("ids-of-nothing-in-writes")
@EACH_WRITE
def test_a_write_by_text_that_is_no_id_is_refused(probe: Probe, write: Any) -> None:
    error = refused(probe, write("thread-1"))

    assert "Unable to decode ID: Invalid ID length 8" in error


# Ids of another deployment (an import, a copied database) decode well, but their table is not there.
@pytest.mark.diverges("ids-of-nothing-in-writes")
@EACH_WRITE
def test_a_write_by_an_id_of_no_table_is_refused(probe: Probe, write: Any) -> None:
    error = refused(probe, write(ID_OF_TABLE_16384))

    assert f'Table for ID "{ID_OF_TABLE_16384}" not found' in error


# What is no text at all never reaches the decoder.
@pytest.mark.parametrize("identifier", [pytest.param(None, id="null"), pytest.param(5.0, id="number")])
@EACH_WRITE
def test_a_write_by_an_id_that_is_no_text_is_refused(probe: Probe, write: Any, identifier: Any) -> None:
    assert "Invalid argument" in refused(probe, write(identifier))


# The form with the table's name exists to catch just this: the id of a document of another table.
@pytest.mark.parametrize(
    "access",
    [
        pytest.param(lambda identifier: get(identifier, table=THINGS), id="get"),
        pytest.param(lambda identifier: patch(identifier, {"name": "b"}, table=THINGS), id="patch"),
        pytest.param(lambda identifier: replace(identifier, {"name": "b"}, table=THINGS), id="replace"),
        pytest.param(lambda identifier: delete(identifier, table=THINGS), id="delete"),
    ],
)
def test_the_form_with_the_tables_name_refuses_ids_of_another_table(probe: Probe, access: Any) -> None:
    identifier = probe.insert(TYPED, {"name": "a"})

    error = refused(probe, access(identifier))

    assert error.startswith("Invalid argument `id`")
    assert (probe.get(identifier) or {})["name"] == "a"


# Arguments


# A lookup that found nothing gives undefined, and that goes on into the next call.
@pytest.mark.parametrize(
    ("write", "text"),
    [
        pytest.param(insert(THINGS, undefined), "Must provide arg 2 `value` to `insert`", id="insert"),
        pytest.param(patch(undefined, {}), "Must provide arg 1 `id` to `patch`", id="patch-id"),
        pytest.param(patch("x", undefined), "Must provide arg 2 `value` to `patch`", id="patch-value"),
        pytest.param(replace(undefined, {}), "Must provide arg 1 `id` to `replace`", id="replace-id"),
        pytest.param(replace("x", undefined), "Must provide arg 2 `value` to `replace`", id="replace-value"),
        pytest.param(delete(undefined), "Must provide arg 1 `id` to `delete`", id="delete"),
    ],
)
def test_missing_arguments_are_named(probe: Probe, write: Any, text: str) -> None:
    assert refused(probe, write) == text


# Documents are objects; a list of messages must be inserted one by one.
@pytest.mark.diverges("documents-that-are-no-objects")
@NO_OBJECTS
def test_insert_takes_objects_only(probe: Probe, value: Any) -> None:
    error = refused(probe, insert(THINGS, value))

    assert "Invalid argument `value` for `db.insert`: Value must be an Object" in error
    assert probe.count(THINGS) == 0


# A replacement is a whole document, so the same holds; the old one must survive the attempt.
@pytest.mark.diverges("documents-that-are-no-objects")
@NO_OBJECTS
def test_replace_takes_objects_only(probe: Probe, value: Any) -> None:
    identifier = probe.insert(THINGS, {"a": 1.0})

    error = refused(probe, replace(identifier, value))

    assert "Invalid argument `value` for `db.replace`: Value must be an Object" in error
    assert (probe.get(identifier) or {})["a"] == 1.0


# Tables


# System tables are read-only: the files and the scheduled functions of a deployment are not written by hand.
@pytest.mark.parametrize("table", ["_storage", "_scheduled_functions", "_tables", "_anything"])
def test_insert_into_a_system_table_is_refused(probe: Probe, table: str) -> None:
    assert refused(probe, insert(table, {})) == "System tables (prefixed with `_`) are read-only."


# A table is made by its first document; a name with a hyphen, as packages have it, makes none.
@pytest.mark.diverges("names-of-tables")
@pytest.mark.parametrize(
    ("table", "reason"),
    [
        pytest.param("", "Identifier cannot be empty", id="empty"),
        pytest.param(
            "mastra-threads", "Identifiers can only contain alphanumeric characters or underscores", id="hyphen"
        ),
        pytest.param("1st", "Identifiers must start with an alphabetic character or underscore", id="digit-first"),
        pytest.param("t" * 65, "Identifier is too long (65 > maximum 64)", id="65-characters"),
    ],
)
def test_insert_into_a_table_that_cannot_be_is_refused(probe: Probe, table: str, reason: str) -> None:
    error = refused(probe, insert(table, {}))

    assert error.startswith("Invalid argument `table` for `db.insert`: ")
    assert reason in error


# System fields


# Copying a document by inserting what was read: the deployment gives ids and times itself.
@pytest.mark.diverges("system-fields-of-new-documents-probe")
@pytest.mark.parametrize(
    ("field", "text"),
    [
        pytest.param("_id", "doesn't match '_id' field", id="id"),
        pytest.param("_creationTime", "doesn't match '_creationTime' field", id="creation-time"),
    ],
)
def test_insert_refuses_system_fields(probe: Probe, field: str, text: str) -> None:
    identifier = probe.insert(THINGS, {})
    original = probe.get(identifier)
    assert original is not None

    error = refused(probe, insert(THINGS, {field: original[field]}))

    assert text in error
    assert probe.count(THINGS) == 1


# A document's identity and age cannot be changed afterwards either.
@pytest.mark.parametrize("field", [pytest.param("_id", id="id"), pytest.param("_creationTime", id="creation-time")])
@pytest.mark.parametrize("write", [pytest.param(patch, id="patch"), pytest.param(replace, id="replace")])
def test_system_fields_cannot_be_changed(probe: Probe, write: Any, field: str) -> None:
    identifier, other = probe.insert(THINGS, {}), probe.insert(THINGS, {})
    before, another = probe.get(identifier), probe.get(other)
    assert another is not None

    error = refused(probe, write(identifier, {field: another[field], "a": 1.0}))

    assert error.startswith("Provided ")
    assert probe.get(identifier) == before


# Names with an underscore in front are kept for the deployment, at the top level of a document only.
@pytest.mark.diverges("document-field-names-probe")
@pytest.mark.parametrize(
    "write",
    [
        pytest.param(insert(THINGS, {"_private": 1.0}), id="insert"),
        pytest.param(patch(ref(0), {"_private": 1.0}), id="patch"),
        pytest.param(replace(ref(0), {"_private": 1.0}), id="replace"),
    ],
)
def test_top_level_fields_with_an_underscore_are_refused(probe: Probe, write: Any) -> None:
    error = refused(probe, insert(THINGS, {}), write)

    assert "Field '_private' starts with an underscore" in error


# The other side: below the top level such names are the user's own.
def test_nested_fields_with_an_underscore_are_stored(probe: Probe) -> None:
    identifier = probe.insert(THINGS, {"inner": {"_private": 1.0, "_id": "mine"}})

    assert (probe.get(identifier) or {})["inner"] == {"_private": 1.0, "_id": "mine"}


# mastra-ai/mastra#16110: `$schema` of every Zod tool inside a snapshot; nothing of such a document may be stored.
@pytest.mark.parametrize("value", [{"$schema": "x"}, {"inner": {"$ref": "x"}}], ids=["top-level", "nested"])
def test_fields_with_a_dollar_are_refused(probe: Probe, value: Any) -> None:
    error = refused(probe, insert(THINGS, value))

    assert "starts with" in error
    assert "reserved" in error
    assert probe.count(THINGS) == 0


# After a refusal


# A refused write that is caught leaves nothing of itself and everything else: batches go on after a bad row.
def test_a_caught_refusal_leaves_the_other_writes_of_the_mutation(probe: Probe) -> None:
    *_, seen = probe.mutation(
        insert(TYPED, {"name": "before"}),
        insert(TYPED, {"name": 5.0}),
        patch(ref(0), {"text": 5.0}),
        insert(TYPED, {"name": "after"}),
        query(TYPED, select=["name", "text"]),
    )

    assert seen.value == [{"name": "before"}, {"name": "after"}]
    assert [row["name"] for row in probe.collect(TYPED)] == ["before", "after"]
