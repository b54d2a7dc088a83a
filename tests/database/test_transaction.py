"""Reads and writes of documents: convex-engine.md §3.2 to §3.4 and §6."""

import base64
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator import Emulator, Limits, ManualClock, mutation, undefined
from convex_mastra_emulator.errors import (
    DeploymentError,
    InvalidArgument,
    InvalidDocument,
    NonexistentDocument,
    SchemaViolation,
    ThrownError,
)
from convex_mastra_emulator.schema import define_schema, define_table, v
from convex_mastra_emulator.values.ids import decode_id, encode_id

Body = Callable[[Any], Any]

SCHEMA = define_schema(
    {
        "users": define_table({"name": v.string(), "age": v.optional(v.float64())}),
        "notes": define_table(v.any()).index("by_text", ["text"]),
    }
)
STORAGE_ID = encode_id(540, bytes(16))
SCHEDULED_ID = encode_id(539, bytes(16))
PRIVATE_SYSTEM_ID = encode_id(513, bytes(16))
UNKNOWN_TABLE_ID = encode_id(10_999, bytes(16))


@pytest.fixture
def deployment(clock: ManualClock) -> Iterator[Emulator]:
    with Emulator(SCHEMA, seed=1, clock=clock) as emulator:
        yield emulator


def note(emulator: Emulator, **fields: Any) -> str:
    """The id of a new note."""
    document_id: str = emulator.run(lambda ctx: ctx.db.insert("notes", fields))
    return document_id


def stored(emulator: Emulator, document_id: str) -> Any:
    return emulator.run(lambda ctx: ctx.db.get(document_id))


def own_fields(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if not name.startswith("_")}


def refused(emulator: Emulator, error: type[Exception], text: str, body: Body) -> Any:
    with pytest.raises(error, match=f"^{re.escape(text)}$") as caught:
        emulator.run(body)
    return caught.value


# Insert


def test_inserted_document_is_read_back_with_its_system_fields(deployment: Emulator) -> None:
    document_id = note(deployment, text="a", n=1)

    document = stored(deployment, document_id)

    assert document == {"_id": document_id, "_creationTime": document["_creationTime"], "n": 1.0, "text": "a"}
    assert list(document) == ["_creationTime", "_id", "n", "text"]


# Tables of the schema have their numbers from the start, others get the next when they are first written to.
def test_tables_are_numbered_in_order(deployment: Emulator) -> None:
    later = deployment.run(lambda ctx: ctx.db.insert("later", {}))
    user = deployment.run(lambda ctx: ctx.db.insert("users", {"name": "a"}))

    assert (decode_id(user)[0], decode_id(later)[0]) == (10001, 10003)
    assert user.startswith("j5")


def test_id_ends_with_the_day_of_creation(deployment: Emulator, clock: ManualClock) -> None:
    days = clock.now_ns() // (86_400 * 10**9)

    assert decode_id(note(deployment))[1][14:] == days.to_bytes(2)


def test_what_was_given_may_change_afterwards(deployment: Emulator) -> None:
    given: dict[str, Any] = {"items": [1.0]}
    document_id = deployment.run(lambda ctx: ctx.db.insert("notes", given))

    given["items"].append(2.0)
    stored(deployment, document_id)["items"].append(3.0)

    assert stored(deployment, document_id)["items"] == [1.0]


def test_system_tables_cannot_be_written(deployment: Emulator) -> None:
    text = "System tables (prefixed with `_`) are read-only."
    refused(deployment, ThrownError, text, lambda ctx: ctx.db.insert("_storage", {}))


@pytest.mark.parametrize(
    ("table", "cause"),
    [
        ("", "Identifier cannot be empty"),
        ("a-b", "Identifier a-b has invalid character '-': Identifiers can only contain alphanumeric characters or "),
        ("1a", "Invalid first character '1' in 1a: Identifiers must start with an alphabetic character or underscore"),
        ("x" * 65, "Identifier is too long (65 > maximum 64)"),
    ],
)
def test_table_name_that_is_no_identifier(deployment: Emulator, table: str, cause: str) -> None:
    with pytest.raises(InvalidArgument, match="^" + re.escape(f"Invalid argument `table` for `db.insert`: {cause}")):
        deployment.run(lambda ctx: ctx.db.insert(table, {}))


@pytest.mark.parametrize("value", ["text", 1, None, [], b""])
def test_value_that_is_no_object_is_not_inserted(deployment: Emulator, value: Any) -> None:
    text = "Invalid argument `value` for `db.insert`: Value must be an Object"
    refused(deployment, InvalidArgument, text, lambda ctx: ctx.db.insert("notes", value))


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ({"a": [None] * 8193}, "Array length is too long (8193 > maximum length 8192)"),
        ({f"f{n}": None for n in range(1025)}, "Object has too many fields (1025 > maximum number 1024)"),
    ],
)
@pytest.mark.parametrize("method", ["insert", "patch", "replace"])
def test_value_no_deployment_takes_is_an_invalid_argument(
    deployment: Emulator, method: str, value: Any, cause: str
) -> None:
    target = "notes" if method == "insert" else note(deployment)
    text = f"Invalid argument `value` for `db.{method}`: {cause}"

    error = refused(deployment, InvalidArgument, text, lambda ctx: getattr(ctx.db, method)(target, value))

    # The code of the cause is hidden.
    assert error.code == "InvalidArgument"


# §1.2: the JSON parser refuses it before the call is looked at, so no argument is named.
@pytest.mark.parametrize("method", ["insert", "patch", "replace"])
def test_lone_surrogate_is_no_json(deployment: Emulator, method: str) -> None:
    target = "notes" if method == "insert" else note(deployment)

    with pytest.raises(DeploymentError, match=r"^Received invalid json: ") as caught:
        deployment.run(lambda ctx: getattr(ctx.db, method)(target, {"a": "\ud800"}))

    assert caught.value.code == "SyscallArgsInvalidJson"


@pytest.mark.parametrize("given", ["x", None, UNKNOWN_TABLE_ID])
def test_id_cannot_be_chosen(deployment: Emulator, given: Any) -> None:
    with pytest.raises(InvalidDocument, match=r'^Provided document ID "j9\w{30}" doesn\'t match \'_id\' field ') as c:
        deployment.run(lambda ctx: ctx.db.insert("notes", {"_id": given}))

    assert c.value.code == "InvalidIdError"


def test_creation_time_cannot_be_chosen(deployment: Emulator) -> None:
    text = r"^Provided creation time [\d.]+ doesn't match '_creationTime' field in \{_creationTime: 5\.0, _id: \"j9"
    with pytest.raises(InvalidDocument, match=text) as caught:
        deployment.run(lambda ctx: ctx.db.insert("notes", {"_creationTime": 5}))

    assert caught.value.code == "InvalidCreationTimeError"


def test_reserved_field_is_refused(deployment: Emulator) -> None:
    with pytest.raises(InvalidDocument, match=r"isn't a valid document: Field '_x' starts with an underscore"):
        deployment.run(lambda ctx: ctx.db.insert("notes", {"_x": 1}))


def test_document_that_does_not_match_its_table_is_refused(deployment: Emulator) -> None:
    text = (
        'Failed to insert or update a document in table "users" because it does not match the schema: '
        "Value does not match validator.\nPath: .name\nValue: 1.0\nValidator: v.string()"
    )
    error = refused(deployment, SchemaViolation, text, lambda ctx: ctx.db.insert("users", {"name": 1}))

    assert error.code == "SchemaEnforcementError"


def test_refusal_shows_the_document_without_its_system_fields(deployment: Emulator) -> None:
    user = deployment.run(lambda ctx: ctx.db.insert("users", {"name": "a"}))
    text = (
        'Failed to insert or update a document in table "users" because it does not match the schema: '
        "Object contains extra field `x` that is not in the validator.\n\n"
        'Object: {name: "a", x: 1.0}\nValidator: v.object({age: v.optional(v.float64()), name: v.string()})'
    )

    refused(deployment, SchemaViolation, text, lambda ctx: ctx.db.patch(user, {"x": 1}))


def test_tables_the_schema_does_not_name_are_not_checked(deployment: Emulator) -> None:
    assert deployment.run(lambda ctx: ctx.db.insert("anything", {"name": 1, "x": {}}))


def test_without_schema_validation_nothing_is_checked() -> None:
    schema = define_schema({"users": define_table({"name": v.string()})}, schema_validation=False)
    with Emulator(schema, seed=1, clock=ManualClock()) as emulator:
        assert emulator.run(lambda ctx: ctx.db.insert("users", {"name": 1}))


# A validator that names system fields, as generated types do, must not make them required.
def test_system_fields_in_a_validator_are_ignored() -> None:
    table = define_table({"name": v.string(), "_id": v.id("users"), "_creationTime": v.float64()})
    with Emulator(define_schema({"users": table}), seed=1, clock=ManualClock()) as emulator:
        assert emulator.run(lambda ctx: ctx.db.insert("users", {"name": "a"}))


# Arguments that are not given


@pytest.mark.parametrize(
    ("method", "arguments", "missing"),
    [
        ("insert", ("notes", undefined), "2 `value`"),
        ("get", (undefined,), "1 `id`"),
        ("patch", (undefined, {}), "1 `id`"),
        ("patch", (STORAGE_ID, undefined), "2 `value`"),
        ("replace", (undefined, {}), "1 `id`"),
        ("replace", (STORAGE_ID, undefined), "2 `value`"),
        ("delete", (undefined,), "1 `id`"),
        ("normalizeId", ("notes", undefined), "2 `id`"),
    ],
)
def test_missing_argument_is_a_type_error(
    deployment: Emulator, method: str, arguments: tuple[Any, ...], missing: str
) -> None:
    python_name = {"normalizeId": "normalize_id"}.get(method, method)
    text = f"Must provide arg {missing} to `{method}`"

    refused(deployment, TypeError, text, lambda ctx: getattr(ctx.db, python_name)(*arguments))


# Get


@pytest.mark.parametrize(
    "document_id", [encode_id(10002, bytes(16)), UNKNOWN_TABLE_ID, PRIVATE_SYSTEM_ID], ids=["none", "table", "private"]
)
def test_id_of_no_document_gives_null(deployment: Emulator, document_id: str) -> None:
    assert stored(deployment, document_id) is None


def test_id_of_no_table_gives_null_whatever_table_is_named(deployment: Emulator) -> None:
    assert deployment.run(lambda ctx: ctx.db.get("notes", UNKNOWN_TABLE_ID)) is None


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (None, "'object': null"),
        (5, "'number': 5"),
        (1.5, "'number': 1.5"),
        (True, "'boolean': true"),
        ({}, "'object': [object Object]"),
    ],
)
def test_get_of_something_that_is_no_text(deployment: Emulator, given: Any, text: str) -> None:
    text = f"Invalid argument `id` for `db.get`, expected string but got {text}"
    with pytest.raises(Exception, match=f"^{re.escape(text)}$"):
        deployment.run(lambda ctx: ctx.db.get(given))


def test_document_is_found_with_its_table_named(deployment: Emulator) -> None:
    document_id = note(deployment, text="a")

    assert deployment.run(lambda ctx: ctx.db.get("notes", document_id))["text"] == "a"
    assert deployment.run(lambda ctx: ctx.db.get(document_id, undefined))["text"] == "a"


METHODS: list[tuple[str, tuple[Any, ...]]] = [("get", ()), ("patch", ({},)), ("replace", ({},)), ("delete", ())]


@pytest.mark.parametrize(("method", "rest"), METHODS)
def test_text_that_is_no_id(deployment: Emulator, method: str, rest: tuple[Any, ...]) -> None:
    text = f"Invalid argument `id` for `db.{method}`: Unable to decode ID: Invalid ID length 7"
    error = refused(deployment, InvalidArgument, text, lambda ctx: getattr(ctx.db, method)("garbage", *rest))

    assert error.code == "InvalidArgument"


@pytest.mark.parametrize(("method", "rest"), METHODS)
def test_id_of_another_table_than_named(deployment: Emulator, method: str, rest: tuple[Any, ...]) -> None:
    document_id = note(deployment)
    text = f'Invalid argument `id` for `db.{method}`: expected to be an Id<"users">, got Id<"notes"> instead.'

    refused(deployment, InvalidArgument, text, lambda ctx: getattr(ctx.db, method)("users", document_id, *rest))


@pytest.mark.parametrize(("method", "rest"), METHODS)
@pytest.mark.parametrize("document_id", [STORAGE_ID, SCHEDULED_ID])
def test_id_of_a_system_table(deployment: Emulator, method: str, rest: tuple[Any, ...], document_id: str) -> None:
    text = "System tables can only be accessed with db.system."
    error = refused(deployment, DeploymentError, text, lambda ctx: getattr(ctx.db, method)(document_id, *rest))

    assert error.code == "SystemTableError"


# Patch, replace, delete


@pytest.mark.parametrize(("method", "rest"), METHODS[1:])
@pytest.mark.parametrize("document_id", [UNKNOWN_TABLE_ID, PRIVATE_SYSTEM_ID])
def test_write_to_a_table_that_does_not_exist(
    deployment: Emulator, method: str, rest: tuple[Any, ...], document_id: str
) -> None:
    text = f'Invalid argument `id` for `db.{method}`: Table for ID "{document_id}" not found'
    refused(deployment, InvalidArgument, text, lambda ctx: getattr(ctx.db, method)(document_id, *rest))


@pytest.mark.parametrize(
    ("method", "rest", "verb"),
    [("patch", ({},), "Update"), ("replace", ({},), "Replace"), ("delete", (), "Delete")],
)
def test_write_to_a_document_that_does_not_exist(
    deployment: Emulator, method: str, rest: tuple[Any, ...], verb: str
) -> None:
    document_id = encode_id(10002, bytes(16))
    text = f"{verb} on nonexistent document ID {document_id}"

    error = refused(deployment, NonexistentDocument, text, lambda ctx: getattr(ctx.db, method)(document_id, *rest))

    assert error.code == "NonexistentDocument"


@pytest.mark.parametrize(("method", "rest"), METHODS[1:])
@pytest.mark.parametrize("document_id", [None, 5, {}, []])
def test_id_of_a_write_that_is_no_text(
    deployment: Emulator, method: str, rest: tuple[Any, ...], document_id: Any
) -> None:
    with pytest.raises(
        InvalidArgument, match=f"^Invalid arguments for `db.{method}`: invalid type: .*expected a string"
    ):
        deployment.run(lambda ctx: getattr(ctx.db, method)(document_id, *rest))


@pytest.mark.parametrize("method", ["patch", "replace"])
@pytest.mark.parametrize("value", ["text", 1, None, []])
def test_value_of_a_write_that_is_no_object(deployment: Emulator, method: str, value: Any) -> None:
    document_id = note(deployment)
    text = f"Invalid argument `value` for `db.{method}`: Value must be an Object"

    refused(deployment, InvalidArgument, text, lambda ctx: getattr(ctx.db, method)(document_id, value))


def test_patch_merges_top_level_fields(deployment: Emulator) -> None:
    document_id = note(deployment, a=1, nested={"x": 1, "y": 2}, gone="x")

    deployment.run(lambda ctx: ctx.db.patch(document_id, {"b": 2, "nested": {"x": 3}, "gone": undefined}))

    assert own_fields(stored(deployment, document_id)) == {"a": 1.0, "b": 2.0, "nested": {"x": 3.0}}


def test_patch_may_remove_a_field_that_is_not_there(deployment: Emulator) -> None:
    document_id = note(deployment, a=1)

    deployment.run(lambda ctx: ctx.db.patch(document_id, {"b": undefined}))

    assert own_fields(stored(deployment, document_id)) == {"a": 1.0}


def test_nested_undefined_of_a_patch_is_dropped(deployment: Emulator) -> None:
    document_id = note(deployment, a={"x": 1})

    deployment.run(lambda ctx: ctx.db.patch(document_id, {"a": {"x": undefined, "y": 1}}))

    assert own_fields(stored(deployment, document_id)) == {"a": {"y": 1.0}}


# npm convex, inside the function, is the first to look at names.
@pytest.mark.parametrize("method", ["insert", "patch", "replace"])
@pytest.mark.parametrize("name", ["$b", "$undefined"])
def test_reserved_name_is_refused_in_the_words_of_npm_convex(deployment: Emulator, method: str, name: str) -> None:
    target = "notes" if method == "insert" else note(deployment)
    text = f"Field name {name} starts with a '$', which is reserved."

    refused(deployment, ThrownError, text, lambda ctx: getattr(ctx.db, method)(target, {"a": {name: None}}))


def test_replace_keeps_nothing_but_the_system_fields(deployment: Emulator) -> None:
    document_id = note(deployment, a=1, b=2)
    before = stored(deployment, document_id)

    deployment.run(lambda ctx: ctx.db.replace(document_id, {"c": 3, "d": undefined}))

    after = stored(deployment, document_id)
    assert own_fields(after) == {"c": 3.0}
    assert (after["_id"], after["_creationTime"]) == (before["_id"], before["_creationTime"])


# The usual `replace(doc._id, {...doc, text})` carries the system fields along.
@pytest.mark.parametrize("method", ["patch", "replace"])
def test_same_system_fields_are_accepted(deployment: Emulator, method: str) -> None:
    document_id = note(deployment, a=1)
    before = stored(deployment, document_id)

    deployment.run(lambda ctx: getattr(ctx.db, method)(document_id, {**before, "a": 2}))

    assert stored(deployment, document_id) == {**before, "a": 2.0}


@pytest.mark.parametrize("method", ["patch", "replace"])
def test_other_id_in_a_write_is_refused(deployment: Emulator, method: str) -> None:
    document_id = note(deployment)
    text = f'Provided document ID "{document_id}" doesn\'t match \'_id\' field "x"'

    error = refused(deployment, InvalidDocument, text, lambda ctx: getattr(ctx.db, method)(document_id, {"_id": "x"}))

    assert error.code == "InvalidIdError"


@pytest.mark.parametrize("method", ["patch", "replace"])
def test_other_creation_time_in_a_write_is_refused(deployment: Emulator, method: str) -> None:
    document_id = note(deployment)

    with pytest.raises(InvalidDocument, match=r"doesn't match '_creationTime' field in \{_creationTime: 5\.0") as c:
        deployment.run(lambda ctx: getattr(ctx.db, method)(document_id, {"_creationTime": 5}))

    assert c.value.code == "InvalidCreationTimeError"


def test_system_fields_removed_by_a_patch_come_back(deployment: Emulator) -> None:
    document_id = note(deployment, a=1)
    before = stored(deployment, document_id)

    deployment.run(lambda ctx: ctx.db.patch(document_id, {"_id": undefined, "_creationTime": undefined}))

    assert stored(deployment, document_id) == before


@pytest.mark.parametrize("method", ["patch", "replace"])
def test_reserved_field_of_a_write_is_refused(deployment: Emulator, method: str) -> None:
    document_id = note(deployment)

    with pytest.raises(InvalidDocument, match=r"isn't a valid document: Field '_x' starts with an underscore"):
        deployment.run(lambda ctx: getattr(ctx.db, method)(document_id, {"_x": 1}))


# Fields a patch adds count together with those already there.
def test_patch_beyond_the_number_of_fields_is_refused(deployment: Emulator) -> None:
    document_id = note(deployment, **{f"f{n}": None for n in range(1022)})

    with pytest.raises(DeploymentError, match=r"^Object has too many fields \(1025 > maximum number 1024\)$"):
        deployment.run(lambda ctx: ctx.db.patch(document_id, {"one_more": None}))


def test_patch_up_to_1_mib_fits_and_beyond_does_not(deployment: Emulator) -> None:
    document_id = note(deployment, a="x" * 1_000_000)
    room = 1_048_576 - 63 - 4 - 1_000_000 - 4

    with pytest.raises(DeploymentError, match=r"^Value is too large \(1\.00 MiB > maximum size 1 MiB\)$") as caught:
        deployment.run(lambda ctx: ctx.db.patch(document_id, {"b": "x" * (room + 1)}))
    deployment.run(lambda ctx: ctx.db.patch(document_id, {"b": "x" * room}))

    assert caught.value.code == "ValueTooLargeError"
    assert len(stored(deployment, document_id)["b"]) == room


def test_explicit_table_forms_write(deployment: Emulator) -> None:
    document_id = note(deployment, a=1)

    deployment.run(lambda ctx: ctx.db.patch("notes", document_id, {"a": 2}))
    assert stored(deployment, document_id)["a"] == 2.0
    deployment.run(lambda ctx: ctx.db.replace("notes", document_id, {"a": 3}))
    assert stored(deployment, document_id)["a"] == 3.0
    deployment.run(lambda ctx: ctx.db.delete("notes", document_id))
    assert stored(deployment, document_id) is None


# JavaScript decides by the last argument: `patch(table, id, undefined)` is `patch(table, id)`.
def test_undefined_last_argument_makes_the_table_the_id(deployment: Emulator) -> None:
    document_id = note(deployment)
    text = "Invalid argument `id` for `db.patch`: Unable to decode ID: Invalid ID length 5"

    refused(deployment, InvalidArgument, text, lambda ctx: ctx.db.patch("notes", document_id, undefined))


def test_deleted_document_is_gone_within_the_function(deployment: Emulator) -> None:
    document_id = note(deployment)

    def body(ctx: Any) -> Any:
        ctx.db.delete(document_id)
        return ctx.db.get(document_id)

    assert deployment.run(body) is None


@pytest.mark.parametrize(
    ("method", "rest", "verb"),
    [("delete", (), "Delete"), ("patch", ({"a": 1},), "Update"), ("replace", ({"a": 1},), "Replace")],
)
def test_deleted_document_cannot_be_written(
    deployment: Emulator, method: str, rest: tuple[Any, ...], verb: str
) -> None:
    document_id = note(deployment)

    def body(ctx: Any) -> None:
        ctx.db.delete(document_id)
        getattr(ctx.db, method)(document_id, *rest)

    refused(deployment, NonexistentDocument, f"{verb} on nonexistent document ID {document_id}", body)


def test_document_inserted_and_deleted_leaves_nothing(deployment: Emulator) -> None:
    def body(ctx: Any) -> None:
        ctx.db.delete(ctx.db.insert("notes", {"text": "a"}))

    deployment.run(body)

    assert deployment.table_counts() == {}
    assert deployment.run(lambda ctx: ctx.db.query("notes").with_index("by_text").collect()) == []


def test_writes_return_nothing(deployment: Emulator) -> None:
    document_id = note(deployment)

    def body(ctx: Any) -> list[Any]:
        db = ctx.db
        return [db.patch(document_id, {"a": 1}), db.replace(document_id, {"a": 2}), db.delete(document_id)]

    assert deployment.run(body) == [None, None, None]


def test_own_writes_are_read(deployment: Emulator) -> None:
    def body(ctx: Any) -> list[str]:
        first = ctx.db.insert("notes", {"text": "a"})
        ctx.db.insert("notes", {"text": "b"})
        ctx.db.patch(first, {"text": "c"})
        return [row["text"] for row in ctx.db.query("notes").with_index("by_text").collect()]

    assert deployment.run(body) == ["b", "c"]


# Order of the checks


def test_insert_reads_its_value_before_the_name_of_the_table(deployment: Emulator) -> None:
    text = "Invalid argument `value` for `db.insert`: Value must be an Object"
    refused(deployment, InvalidArgument, text, lambda ctx: ctx.db.insert("a-b", 5))


def test_insert_refuses_system_tables_before_anything_else(deployment: Emulator) -> None:
    text = "System tables (prefixed with `_`) are read-only."
    refused(deployment, ThrownError, text, lambda ctx: ctx.db.insert("_x", 5))


def test_document_is_built_before_it_is_held_against_the_schema(deployment: Emulator) -> None:
    with pytest.raises(InvalidDocument, match="starts with an underscore"):
        deployment.run(lambda ctx: ctx.db.insert("users", {"_x": 1, "name": 5}))


def test_schema_is_checked_before_the_size(deployment: Emulator) -> None:
    with pytest.raises(SchemaViolation, match="does not match the schema"):
        deployment.run(lambda ctx: ctx.db.insert("users", {"name": 5, "age": "x" * 1_100_000}))


def test_size_is_checked_before_the_write_is_counted() -> None:
    limits = Limits(document_size_max=100, documents_written_max=0)
    with Emulator(SCHEMA, limits=limits, seed=1, clock=ManualClock()) as emulator:
        with pytest.raises(DeploymentError, match=r"^Value is too large"):
            emulator.run(lambda ctx: ctx.db.insert("notes", {"a": "x" * 100}))
        with pytest.raises(DeploymentError, match=r"^Too many writes"):
            emulator.run(lambda ctx: ctx.db.insert("notes", {}))


@pytest.mark.parametrize("method", ["patch", "replace"])
def test_id_is_read_before_the_value(deployment: Emulator, method: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^Invalid argument `id` for `db.{method}`: Unable to decode ID"):
        deployment.run(lambda ctx: getattr(ctx.db, method)("garbage", 5))


@pytest.mark.parametrize("method", ["patch", "replace"])
def test_named_table_is_checked_before_the_value(deployment: Emulator, method: str) -> None:
    document_id = note(deployment)
    with pytest.raises(
        InvalidArgument, match=f'^Invalid argument `id` for `db.{method}`: expected to be an Id<"users">'
    ):
        deployment.run(lambda ctx: getattr(ctx.db, method)("users", document_id, 5))


@pytest.mark.parametrize("method", ["patch", "replace"])
def test_value_is_read_before_the_document(deployment: Emulator, method: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^Invalid argument `value` for `db.{method}`: Value must be an Object$"):
        deployment.run(lambda ctx: getattr(ctx.db, method)(encode_id(10002, bytes(16)), 5))


# §6: "explicit table name matches → value decodes/is an object → system-table guard".
@pytest.mark.parametrize("method", ["patch", "replace"])
def test_value_is_read_before_system_tables_are_refused(deployment: Emulator, method: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^Invalid argument `value` for `db.{method}`: Value must be an Object$"):
        deployment.run(lambda ctx: getattr(ctx.db, method)(STORAGE_ID, 5))


@pytest.mark.parametrize(("method", "rest"), METHODS[1:])
def test_named_table_is_checked_before_system_tables_are_refused(
    deployment: Emulator, method: str, rest: tuple[Any, ...]
) -> None:
    text = f'^Invalid argument `id` for `db.{method}`: expected to be an Id<"notes">, got Id<"_storage"> instead\\.$'
    with pytest.raises(InvalidArgument, match=text):
        deployment.run(lambda ctx: getattr(ctx.db, method)("notes", STORAGE_ID, *rest))


# normalizeId


def test_id_of_the_table_is_normalized_to_itself(deployment: Emulator) -> None:
    document_id = note(deployment)

    assert deployment.run(lambda ctx: ctx.db.normalize_id("notes", document_id)) == document_id


def test_id_of_no_document_is_normalized_too(deployment: Emulator) -> None:
    document_id = encode_id(10002, bytes(16))

    assert deployment.run(lambda ctx: ctx.db.normalize_id("notes", document_id)) == document_id


@pytest.mark.parametrize("text", ["", "garbage", encode_id(10001, bytes(16)), STORAGE_ID])
def test_other_text_is_normalized_to_null(deployment: Emulator, text: str) -> None:
    assert deployment.run(lambda ctx: ctx.db.normalize_id("notes", text)) is None


def test_id_of_a_table_that_does_not_exist_is_normalized_to_null(deployment: Emulator) -> None:
    document_id = note(deployment)

    assert deployment.run(lambda ctx: ctx.db.normalize_id("nope", document_id)) is None


# Any text of 22 characters can be a legacy id; an application that validates user input with it is surprised.
def test_legacy_id_is_normalized_to_a_new_one(deployment: Emulator) -> None:
    legacy = base64.urlsafe_b64encode(bytes(range(16))).decode().rstrip("=")

    normalized = deployment.run(lambda ctx: ctx.db.normalize_id("notes", legacy))

    assert normalized == encode_id(10002, bytes(range(16)))


def test_system_table_is_not_normalized_here(deployment: Emulator) -> None:
    text = "System tables can only be accessed from db.system.normalizeId()."
    refused(deployment, ThrownError, text, lambda ctx: ctx.db.normalize_id("_storage", STORAGE_ID))


def test_table_to_normalize_for_must_be_an_identifier(deployment: Emulator) -> None:
    with pytest.raises(InvalidArgument, match=r"^Invalid argument `table` for `db\.normalizeId`: Identifier a-b has"):
        deployment.run(lambda ctx: ctx.db.normalize_id("a-b", STORAGE_ID))


@pytest.mark.parametrize("given", [None, 5, {}])
def test_id_to_normalize_must_be_a_text(deployment: Emulator, given: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"^Invalid arguments for `db\.normalizeId`: "):
        deployment.run(lambda ctx: ctx.db.normalize_id("notes", given))


def test_system_tables_are_not_queried_here(deployment: Emulator) -> None:
    text = "System tables can only be accessed from db.system.query()."
    refused(deployment, ThrownError, text, lambda ctx: ctx.db.query("_storage"))


# Creation times


class FixedClock:
    """Stands at one nanosecond, so that a creation time can be computed."""

    def now_ns(self) -> int:
        return 1_700_000_000_000_123_456


def times(emulator: Emulator, body: Body) -> list[float]:
    return [stored(emulator, document_id)["_creationTime"] for document_id in emulator.run(body)]


def test_first_creation_time_is_the_beginning_of_the_transaction() -> None:
    with Emulator(SCHEMA, seed=1, clock=FixedClock()) as emulator:
        [time] = times(emulator, lambda ctx: [ctx.db.insert("notes", {})])

    assert time == 1_700_000_000_000 + 0.123456


def test_each_insert_takes_the_next_float() -> None:
    with Emulator(SCHEMA, seed=1, clock=FixedClock()) as emulator:
        first, second, third = times(emulator, lambda ctx: [ctx.db.insert("notes", {}) for _ in range(3)])

    assert second == math.nextafter(first, math.inf)
    assert third == math.nextafter(second, math.inf)


# A test's clock stands still where a deployment's would have moved: documents keep the order they were made in.
def test_next_transaction_creates_behind_the_last_one_if_the_clock_stands() -> None:
    with Emulator(SCHEMA, seed=1, clock=FixedClock()) as emulator:
        [first] = times(emulator, lambda ctx: [ctx.db.insert("notes", {})])
        [second] = times(emulator, lambda ctx: [ctx.db.insert("notes", {})])

    assert first < second < first + 0.01


def test_failed_insert_takes_a_creation_time() -> None:
    def body(ctx: Any) -> list[str]:
        first = ctx.db.insert("users", {"name": "a"})
        with pytest.raises(SchemaViolation, match="does not match"):
            ctx.db.insert("users", {})
        return [first, ctx.db.insert("users", {"name": "b"})]

    with Emulator(SCHEMA, seed=1, clock=FixedClock()) as emulator:
        first, second = times(emulator, body)

    assert second == math.nextafter(math.nextafter(first, math.inf), math.inf)


# A table that is created on the way takes some for its own rows; how many is Convex' affair.
def test_creation_times_rise_strictly_across_new_tables(deployment: Emulator) -> None:
    def body(ctx: Any) -> list[str]:
        return [ctx.db.insert(f"table_{n % 3}", {}) for n in range(9)]

    found = times(deployment, body)

    assert found == sorted(found)
    assert len(set(found)) == 9


def test_creation_times_go_with_the_clock(deployment: Emulator, clock: ManualClock) -> None:
    first = stored(deployment, note(deployment))["_creationTime"]
    clock.advance(1.5)
    second = stored(deployment, note(deployment))["_creationTime"]

    assert second - first == 1500.0


# A failed write that is caught


def test_transaction_goes_on_after_a_failed_write(deployment: Emulator) -> None:
    user = deployment.run(lambda ctx: ctx.db.insert("users", {"name": "a"}))

    def body(ctx: Any) -> None:
        ctx.db.insert("notes", {"text": "before"})
        with pytest.raises(SchemaViolation, match="does not match"):
            ctx.db.patch(user, {"name": 5})
        with pytest.raises(InvalidDocument, match="underscore"):
            ctx.db.insert("notes", {"_x": 1})
        ctx.db.insert("notes", {"text": "after"})

    deployment.run(body)

    assert stored(deployment, user)["name"] == "a"
    assert deployment.table_counts() == {"notes": 2, "users": 1}


# What equal means for a write that changes nothing


@pytest.mark.parametrize(
    ("before", "after", "is_change"),
    [
        (1.0, 1, False),
        (1.0, ConvexInt64(1), True),
        (0.0, -0.0, True),
        (math.nan, math.nan, False),
        ({"a": [1.0]}, {"a": [1]}, False),
        ("a", "b", True),
        (None, undefined, True),
    ],
)
@pytest.mark.parametrize("method", ["patch", "replace"])
def test_write_of_an_equal_value_is_none(
    deployment: Emulator, method: str, before: Any, after: Any, is_change: bool
) -> None:
    document_id = note(deployment, value=before)
    deployment.define("t:write", mutation(lambda ctx, args: getattr(ctx.db, method)(document_id, {"value": after})))

    deployment.mutation("t:write")

    assert deployment.usage.documents_written == int(is_change)
    assert deployment.usage.documents_read == 1
