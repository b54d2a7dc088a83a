"""Strategies for values and documents: what they draw is stored, and shrinks to the simplest of its kind."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from convex import ConvexInt64
from hypothesis import find, given, settings
from hypothesis.strategies import SearchStrategy

from convex_mastra_emulator import Emulator, mutation, undefined
from convex_mastra_emulator.limits import DEFAULT_LIMITS
from convex_mastra_emulator.mastra import mastra_schema
from convex_mastra_emulator.runtime.context import MutationContext
from convex_mastra_emulator.schema import TableDefinition, define_schema, define_table, v
from convex_mastra_emulator.schema.validators import NoTables
from convex_mastra_emulator.values.ids import encode_id
from convex_mastra_emulator.values.names import field_name_problem
from convex_mastra_emulator.values.order import same
from convex_mastra_emulator.values.size import take_in
from pytest_mastra_convex.strategies import convex_values, documents, field_names

NOTES = "notes"
NOTE_ID = encode_id(10001, bytes(16))
EVERYTHING = v.object(
    {
        "null": v.null(),
        "boolean": v.boolean(),
        "number": v.float64(),
        "int64": v.int64(),
        "commit": v.commit_ts(),
        "text": v.string(),
        "bytes": v.bytes(),
        "literal": v.literal("yes"),
        "id": v.id(NOTES),
        "list": v.array(v.number()),
        "map": v.record(v.string(), v.number()),
        "by_id": v.record(v.union(v.id(NOTES), v.string()), v.null()),
        "either": v.union(v.string(), v.object({"a": v.optional(v.any())})),
        "maybe": v.optional(v.any()),
    }
)


def minimal(values: SearchStrategy[Any], is_wanted: Callable[[Any], bool]) -> Any:
    """The simplest value; conditions that look alike would find each other's in a database."""
    return find(values, is_wanted, settings=settings(database=None, derandomize=True, max_examples=2000))


class OnlyNotes:
    """Every number is the one of `notes`."""

    def table_name(self, table_number: int) -> str | None:
        return NOTES


def stored(table: TableDefinition, value: Any) -> Any:
    """What a deployment gives back for a document it was given."""

    @mutation
    def store(ctx: MutationContext, args: dict[str, Any]) -> Any:
        return ctx.db.get(ctx.db.insert(NOTES, args["value"]))

    emulator = Emulator(define_schema({NOTES: table}))
    emulator.define("notes:store", store)
    document = emulator.mutation("notes:store", {"value": value})
    return {name: item for name, item in document.items() if name not in ("_id", "_creationTime")}


def is_negative_zero(value: Any) -> bool:
    return isinstance(value, float) and value == 0 and math.copysign(1, value) < 0


@settings(deadline=None)
@given(convex_values())
def test_values_are_stored_and_read_back(value: Any) -> None:
    assert same(stored(define_table(v.any()), {"value": value}), {"value": value})


KINDS: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "nan": lambda value: isinstance(value, float) and math.isnan(value),
    "infinity": lambda value: value == -math.inf,
    "-0": is_negative_zero,
    "int64": lambda value: isinstance(value, ConvexInt64) and abs(value.value) > 2**53,
    "text": lambda value: isinstance(value, str) and not value.isascii(),
    "bytes": lambda value: isinstance(value, bytes) and value != b"",
    "list": lambda value: isinstance(value, list) and value != [],
    "object": lambda value: isinstance(value, dict) and value != {},
}


# The numbers that JSON and JavaScript lack among them.
def test_values_are_of_every_kind() -> None:
    seen: set[str] = set()

    @settings(deadline=None, max_examples=500, derandomize=True, database=None)
    @given(convex_values(nesting_max=1))
    def look(value: Any) -> None:
        seen.update(kind for kind, is_kind in KINDS.items() if is_kind(value))

    look()

    assert seen == set(KINDS)


@given(convex_values(nesting_max=2))
def test_values_are_not_deeper_than_asked(value: Any) -> None:
    assert take_in(value, DEFAULT_LIMITS).nesting <= 2


def test_values_are_as_deep_as_asked() -> None:
    deepest = minimal(convex_values(nesting_max=2), lambda value: take_in(value, DEFAULT_LIMITS).nesting == 2)

    assert deepest == [[]]


@given(convex_values(nesting_max=0))
def test_values_without_nesting_are_no_containers(value: Any) -> None:
    assert not isinstance(value, list | dict)


def test_negative_nesting_is_refused() -> None:
    with pytest.raises(ValueError, match="nesting_max must not be negative, got -1"):
        convex_values(nesting_max=-1)


@given(convex_values(nesting_max=2))
def test_values_hold_no_undefined_unless_asked(value: Any) -> None:
    assert value is not undefined
    assert same(take_in(value, DEFAULT_LIMITS).value, value)


# The deployment drops such fields; in a list it refuses them.
def test_undefined_is_drawn_when_asked() -> None:
    values = convex_values(undefined=True)

    assert minimal(values, lambda value: value is undefined) is undefined
    assert minimal(values, lambda value: isinstance(value, dict) and undefined in value.values()) == {"": undefined}


@given(convex_values(nesting_max=2, undefined=True))
def test_undefined_stands_where_a_deployment_takes_it(value: Any) -> None:
    take_in({"value": value}, DEFAULT_LIMITS)


def test_values_shrink_to_the_simplest() -> None:
    values = convex_values()

    assert minimal(values, lambda value: True) is None
    assert minimal(values, lambda value: isinstance(value, dict) and len(value) == 1) == {"": None}
    assert minimal(values, lambda value: isinstance(value, list) and len(value) == 3) == [None, None, None]


@given(field_names())
def test_field_names_are_legal(name: str) -> None:
    assert field_name_problem(name) is None


@given(field_names(reserved=False))
def test_field_names_may_stand_at_the_top_of_a_document(name: str) -> None:
    assert name
    assert not name.startswith(("$", "_"))


@given(documents(EVERYTHING, ids={NOTES: [NOTE_ID]}))
def test_documents_match_every_kind_of_validator(value: Any) -> None:
    assert EVERYTHING.problem(value, "", OnlyNotes()) is None


def test_document_with_everything_shrinks_to_the_simplest() -> None:
    assert minimal(documents(EVERYTHING, ids={NOTES: [NOTE_ID]}), lambda value: True) == {
        "null": None,
        "boolean": False,
        "number": 0.0,
        "int64": ConvexInt64(0),
        "commit": ConvexInt64(0),
        "text": "",
        "bytes": b"",
        "literal": "yes",
        "id": NOTE_ID,
        "list": [],
        "map": {},
        "by_id": {},
        "either": "",
    }


@pytest.mark.parametrize("name", list(mastra_schema().tables))
def test_documents_of_mastras_tables_match(name: str) -> None:
    table = mastra_schema().tables[name]

    @settings(max_examples=20, deadline=None)
    @given(documents(table))
    def check(value: Any) -> None:
        assert table.stored_type.problem(value, "", NoTables()) is None

    check()


@settings(max_examples=50, deadline=None)
@given(documents(define_table(v.any())))
def test_documents_of_loose_tables_are_stored(value: Any) -> None:
    assert same(stored(define_table(v.any()), value), value)


# An id of nothing would be refused.
def test_documents_do_without_ids_that_are_not_known() -> None:
    shape = v.object({"maybe": v.optional(v.id(NOTES)), "list": v.array(v.id(NOTES)), "either": v.union(v.id(NOTES))})
    loose = v.object({**shape.fields, "either": v.union(v.id(NOTES), v.null())})

    assert minimal(documents(loose), lambda value: True) == {"list": [], "either": None}
    with pytest.raises(ValueError, match=r"nothing matches v\.object.*; ids are given of the tables: others$"):
        documents(shape, ids={"others": [NOTE_ID]})


def test_documents_of_an_empty_union_are_refused() -> None:
    with pytest.raises(ValueError, match="nothing matches"):
        documents(v.union())


@settings(max_examples=30)
@given(documents(v.array(v.id(NOTES)), ids={NOTES: [NOTE_ID, "other"]}))
def test_ids_are_those_that_are_given(value: list[str]) -> None:
    assert set(value) <= {NOTE_ID, "other"}
