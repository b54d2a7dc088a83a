"""States of a store: taking one copies no document, going back writes what differs and can itself be undone."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from convex_mastra_emulator.database.documents import StoredDocument, build_document
from convex_mastra_emulator.database.snapshot import StoreState, TableState, bring_to, state_of
from convex_mastra_emulator.database.store import Store, Table
from convex_mastra_emulator.limits import DEFAULT_LIMITS
from convex_mastra_emulator.schema import define_schema, define_table, v
from convex_mastra_emulator.values.ids import encode_id
from convex_mastra_emulator.values.size import take_in

SCHEMA = define_schema({"notes": define_table(v.any()).index("by_n", ["n"]), "users": define_table(v.any())})


@pytest.fixture
def store() -> Store:
    return Store(SCHEMA)


def document(table: Table, n: int) -> StoredDocument:
    document_id = encode_id(table.number, n.to_bytes(16))
    built = build_document(take_in({"n": float(n)}, DEFAULT_LIMITS), document_id, float(n), DEFAULT_LIMITS)
    return table.with_index_keys(built, None)


def put(store: Store, name: str, *numbers: int) -> None:
    table = store.table(name) or store.create_table(name)
    for n in numbers:
        new = document(table, n)
        store.put(table, new.value["_id"], new)


def contents(store: Store) -> dict[str, Any]:
    """Per table: its number, and its documents in the order of each index."""
    return {
        name: (
            table.number,
            {
                index.name: [table.document_by_key(key).value["n"] for key in index.keys(b"", None)]
                for index in table.index_list
                if index.name != "by_id"
            },
        )
        for name, table in sorted(store.tables.items())
    }


def states(state: StoreState) -> Mapping[str, tuple[int, int]]:
    return {name: (table.number, len(table.documents)) for name, table in state.tables.items()}


def test_state_has_every_table_of_the_schema_and_all_documents(store: Store) -> None:
    put(store, "extra", 1, 2)

    state = state_of(store)

    assert states(state) == {"extra": (10003, 2), "notes": (10001, 0), "users": (10002, 0)}


# Copies would make a snapshot cost what a deployment weighs.
def test_state_refers_to_the_documents_themselves(store: Store) -> None:
    put(store, "notes", 1)
    stored = store.tables["notes"].documents

    state = state_of(store)

    assert all(state.tables["notes"].documents[document_id] is stored[document_id] for document_id in stored)


def test_later_writes_leave_a_state_as_it_is(store: Store) -> None:
    put(store, "notes", 1)
    state = state_of(store)

    put(store, "notes", 2)

    assert states(state)["notes"] == (10001, 1)


def test_bringing_back_restores_documents_tables_and_indexes(store: Store) -> None:
    put(store, "notes", 1, 3)
    before, contents_before = state_of(store), contents(store)
    put(store, "notes", 2)
    put(store, "extra", 1)
    store.put(store.tables["notes"], encode_id(10001, (1).to_bytes(16)), None)

    bring_to(store, before)

    assert contents(store) == contents_before


def test_bringing_back_writes_only_what_differs(store: Store) -> None:
    put(store, "notes", 1, 2, 3)
    before = state_of(store)
    put(store, "notes", 4)
    written = len(store.log)

    bring_to(store, before)

    assert len(store.log) == written + 1


def test_bringing_back_can_be_undone(store: Store) -> None:
    before = state_of(store)
    put(store, "notes", 1)
    put(store, "extra", 2)
    contents_after, mark = contents(store), len(store.log)
    bring_to(store, before)

    store.undo(mark)

    assert contents(store) == contents_after
    assert store.table_name(10003) == "extra"


# A query at an earlier timestamp reverts commits and makes them again.
def test_bringing_back_can_be_made_again(store: Store) -> None:
    before = state_of(store)
    put(store, "notes", 1)
    put(store, "extra", 2)
    mark = len(store.log)
    bring_to(store, before)
    changes, contents_before = store.log[mark:], contents(store)

    store.revert(changes)
    store.reapply(changes)

    assert contents(store) == contents_before
    assert store.table_number("extra") is None


def test_two_tables_may_exchange_their_numbers(store: Store) -> None:
    put(store, "notes", 1)
    mark = len(store.log)
    state = state_of(store)
    exchanged = {"notes": TableState(10002, {}), "users": TableState(10001, state.tables["users"].documents)}

    bring_to(store, replace(state, tables=exchanged))

    assert (store.table_name(10001), store.table_name(10002)) == ("users", "notes")
    assert contents(store)["notes"] == (10002, {"by_creation_time": [], "by_n": []})
    store.undo(mark)
    assert (store.table_name(10001), store.table_name(10002)) == ("notes", "users")
    assert contents(store)["notes"] == (10001, {"by_creation_time": [1.0], "by_n": [1.0]})


def test_documents_of_system_tables_are_part_of_a_state(store: Store) -> None:
    before = state_of(store)
    table = store.system_table("_storage")
    new = document(table, 1)
    store.put(table, new.value["_id"], new)

    bring_to(store, before)

    assert store.system_table("_storage").documents == {}
