"""Which rows of the file a commit changes, and what takes a commit back."""

from typing import Any

import pytest

from convex_mastra_emulator.database.documents import StoredDocument
from convex_mastra_emulator.database.store import Change, Store, Table
from convex_mastra_emulator.database.stored_files import StoredFile
from convex_mastra_emulator.database.stored_rows import rows_of, undoing
from convex_mastra_emulator.schema import define_schema


@pytest.fixture
def table() -> Table:
    return Store(define_schema({})).new_table("notes", 10001)


def version(**fields: Any) -> StoredDocument:
    return StoredDocument(fields, 0)


def test_only_the_last_version_of_a_document_is_written(table: Table) -> None:
    first, second = version(n=1.0), version(n=2.0)

    rows = rows_of([Change(table, "a", None, first), Change(table, "a", first, second)])

    assert rows.written == [("a", '{"n":2.0}', None)]
    assert rows.deleted == []


def test_a_document_that_comes_and_goes_is_not_written(table: Table) -> None:
    only = version()

    rows = rows_of([Change(table, "a", None, only), Change(table, "a", only, None)])

    assert (rows.written, rows.deleted) == ([], [("a",)])


# As in a dictionary: what goes and comes back stands at the end.
def test_a_document_that_goes_and_comes_back_is_deleted_first(table: Table) -> None:
    old, other, new = version(n=1.0), version(n=2.0), version(n=3.0)

    rows = rows_of(
        [Change(table, "a", old, None), Change(table, "b", None, other), Change(table, "a", None, new)],
    )

    assert rows.deleted == [("a",)]
    assert [document_id for document_id, _, _ in rows.written] == ["b", "a"]


def test_tables_that_exchange_their_numbers_are_removed_first(table: Table) -> None:
    other = Store(define_schema({})).new_table("notes", 10002)
    removed = Change(table, None, None, None, removes_table=True)

    rows = rows_of([removed, Change(other, None, None, None)])

    assert (rows.tables_removed, rows.tables_added) == ([("notes",)], [("notes", 10002)])


def test_bytes_of_a_stored_file_are_written_beside_it(table: Table) -> None:
    document = version()
    document.attachment = StoredFile(b"\x00", "0" * 36)

    assert rows_of([Change(table, "a", None, document)]).written == [("a", "{}", b"0" * 36 + b"\x00")]


def test_nothing_is_no_rows() -> None:
    assert not rows_of([])


def test_undoing_goes_backwards_and_exchanges_the_sides(table: Table) -> None:
    old, new = version(n=1.0), version(n=2.0)
    changes = [Change(table, None, None, None), Change(table, "a", None, old), Change(table, "a", old, new)]

    assert list(undoing(changes)) == [
        Change(table, "a", new, old),
        Change(table, "a", old, None),
        Change(table, None, None, None, removes_table=True),
    ]
