"""CSV as `npx convex import` reads it: header, numbers, texts (parse.rs; the dialect is that of Rust's csv crate)."""

from typing import Any

import pytest

from convex_mastra_emulator.data.csv_rows import csv_rows, optional_fields_of
from convex_mastra_emulator.data.refusals import BadRow, ImportRefused
from convex_mastra_emulator.schema import define_schema, define_table, v


def rows(text: str | bytes, optional: frozenset[str] = frozenset()) -> list[Any]:
    data = text.encode() if isinstance(text, str) else text
    return [row if isinstance(row, BadRow) else row.json for row in csv_rows("t.csv", data, optional).rows()]


def test_rows_have_the_fields_of_the_header() -> None:
    assert rows("a, b c ,d\n1,x,\n") == [{"a": 1.0, "b c": "x", "d": ""}]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("5", 5.0),
        ("+5.", 5.0),
        (".5", 0.5),
        ("-1e3", -1000.0),
        ("1E+3", 1000.0),
        ("007", 7.0),
        ("1e-999", 0.0),
        ("", ""),
        (" 5", " 5"),
        ("5 ", "5 "),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("1e", "1e"),
        (".", "."),
        ("+", "+"),
        ("\u0665", "\u0665"),
        ("true", "true"),
        ("null", "null"),
        # serde_json writes null for what JSON has no number for.
        ("NaN", None),
        ("-inf", None),
        ("Infinity", None),
        ("1e999", None),
        ("infinit", "infinit"),
    ],
)
def test_cells_are_numbers_where_rust_reads_one_and_texts_elsewhere(cell: str, value: Any) -> None:
    ((row),) = rows(f"a,b\n{cell},-\n")

    assert row["a"] == value
    assert type(row["a"]) is type(value)


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ('"a,b",c', ["a,b", "c"]),
        ('"a ""b""",c', ['a "b"', "c"]),
        ('"line\nbreak",c', ["line\nbreak", "c"]),
        ('"",c', ["", "c"]),
        ('a"b,c', ['a"b', "c"]),
        ('"a"b,c', ["ab", "c"]),
        ("é,😀", ["é", "😀"]),
        ('c,"unfinished', ["c", "unfinished"]),
    ],
)
def test_quotes(text: str, cells: list[str]) -> None:
    assert rows(f"x,y\n{text}") == [{"x": cells[0], "y": cells[1]}]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_ends_a_row_and_empty_lines_are_none(end: str) -> None:
    assert rows(f"a{end}{end}x{end}{end}y{end}") == [{"a": "x"}, {"a": "y"}]


def test_the_last_line_needs_no_end() -> None:
    assert rows("a,b\n1,") == [{"a": 1.0, "b": ""}]


def test_a_row_of_one_empty_cell_can_be_quoted() -> None:
    assert rows('a\n""\n') == [{"a": ""}]


@pytest.mark.parametrize("text", ["", "\n\n", "a,b", "a,b\n"])
def test_files_without_rows(text: str) -> None:
    assert rows(text) == []


def test_a_byte_order_mark_is_skipped() -> None:
    assert rows(b"\xef\xbb\xbfa\n1\n") == [{"a": 1.0}]


# Both sides of the right number of cells; the line is where the row begins, quoted line breaks counted.
@pytest.mark.parametrize(("row", "field"), [("1", "b"), ("1,2,3", None)])
def test_rows_of_another_length_are_refused_by_line(row: str, field: str | None) -> None:
    found = rows(f'a,b\n"x\ny",2\n{row}\n4,5\n')

    assert found[1] == BadRow(
        "t.csv", 4, "CSV row 4 doesn't have all of the fields in the header", "CsvRowMissingFields", field
    )
    assert found[2] == {"a": 4.0, "b": 5.0}


def test_a_cell_that_is_no_text_is_refused_by_field() -> None:
    found = rows(b"a,b\n1,\xff\n2,ok\n")

    assert found == [
        BadRow("t.csv", 2, "Failed to parse CSV row 2: invalid utf-8", "CsvInvalidRow", "b"),
        {"a": 2.0, "b": "ok"},
    ]


def test_a_header_that_names_no_field_is_refused() -> None:
    with pytest.raises(ImportRefused) as refusal:
        csv_rows("t.csv", b"a,$b\n1,2\n")

    (row,) = refusal.value.rows
    assert (row.code, row.field, row.line) == ("CsvInvalidHeader", "$b", 1)
    assert row.message == (
        "CSV header \"$b\" isn't a valid field name: Field name $b starts with '$', which is reserved."
    )


# Of two cells for one field the last one counts, as in the deployment's map.
def test_a_field_named_twice_has_its_last_cell() -> None:
    assert rows("a,a\n1,2\n") == [{"a": 2.0}]


# A CSV cannot say "no field"; an empty cell does, where the schema allows it (`remap_empty_string_by_schema`).
def test_an_empty_cell_of_an_optional_field_is_no_field() -> None:
    assert rows("a,b\n,\n", frozenset({"b"})) == [{"a": ""}]


def test_optional_fields_are_those_of_any_member_of_a_union() -> None:
    one = v.object({"a": v.optional(v.string()), "b": v.string()})
    schema = define_schema(
        {"t": define_table(v.union(one, v.object({"c": v.optional(v.any())}))), "any": define_table(v.any())}
    )

    assert optional_fields_of(schema, "t") == {"a", "c"}
    assert optional_fields_of(schema, "any") == frozenset()
    assert optional_fields_of(schema, "unknown") == frozenset()
