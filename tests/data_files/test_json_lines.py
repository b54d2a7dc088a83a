"""JSON lines and JSON arrays as `npx convex import` reads them (crates/application/src/snapshot_import/parse.rs)."""

from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator import Limits
from convex_mastra_emulator.data.json_lines import exported_lines, json_array, json_lines
from convex_mastra_emulator.data.refusals import BadRow, ImportRefused
from convex_mastra_emulator.data.rows import ReadRow, RowFile, read_row

LIMITS = Limits()


def read(file: RowFile, limits: Limits = LIMITS) -> list[Any]:
    """The values of good rows, and bad rows as they are."""
    rows = (row if isinstance(row, BadRow) else read_row(file, row, limits) for row in file.rows())
    return [row.given.value if isinstance(row, ReadRow) else row for row in rows]


def one_bad(file: RowFile) -> BadRow:
    (row,) = [row for row in read(file) if isinstance(row, BadRow)]
    return row


# Lines


@pytest.mark.parametrize("text", ['{"a":1}\n{"a":"x"}\n', '{"a":1}\n{"a":"x"}', '{"a":1}\r\n {"a" : "x"}\r\n'])
def test_each_line_is_a_row(text: str) -> None:
    file = json_lines("f", text.encode())

    assert read(file) == [{"a": 1.0}, {"a": "x"}]
    assert file.count == 2


def test_an_empty_file_has_no_rows() -> None:
    assert read(json_lines("f", b"")) == []


# `import` without a generated schema infers, and a number is a Float64 (export_context.rs `apply_inner`).
def test_every_number_is_a_float() -> None:
    ((row),) = read(json_lines("f", b'{"a":1,"b":[2]}'))

    assert [type(row["a"]), type(row["b"][0])] == [float, float]


def test_tagged_values_are_refused_in_a_file_by_itself() -> None:
    row = one_bad(json_lines("f", b'{"b":1}\n{"a":{"$integer":"AQAAAAAAAAA="},"b":2}\n'))

    assert (row.line, row.field, row.code) == (2, "a", "InvalidConvexValue")
    assert row.message == ("Row 2 wasn't a valid Convex value: Field name $integer starts with '$', which is reserved.")


@pytest.mark.parametrize(
    ("line", "text", "field"),
    [
        ("", "EOF while parsing a value at line 2 column 0", None),
        ('{"a":1', "EOF while parsing an object at line 2 column 0", None),
        ('{"a":tru}', "expected ident at line 1 column 9", "a"),
        ('{"a":1} {}', "trailing characters at line 1 column 9", None),
        ('{"a":NaN}', "expected value at line 1 column 6", "a"),
        ('[1,{"a"}]', "expected `:` at line 1 column 8", None),
        ('{"a":1e999}', "number out of range at line 1 column 10", "a"),
    ],
)
def test_a_line_that_is_no_json_is_named_with_its_fault(line: str, text: str, field: str | None) -> None:
    row = one_bad(json_lines("rows.jsonl", f'{{"b":1}}\n{line}\n{{"b":2}}\n'.encode()))

    assert (row.file, row.line, row.code) == ("rows.jsonl", 2, "JsonInvalidRow")
    assert row.message == f"Row 2 wasn't valid JSON: {text}"
    assert row.field == field


def test_a_line_that_is_no_text_is_named_and_the_others_are_read() -> None:
    rows = read(json_lines("f", b'{"a":1}\n{"a":"\xff"}\n{"a":3}\n'))

    assert rows[0::2] == [{"a": 1.0}, {"a": 3.0}]
    assert rows[1] == BadRow("f", 2, "Import wasn't valid UTF8: stream did not contain valid UTF-8", "NotUtf8")


@pytest.mark.parametrize(
    ("line", "shown"), [("5", "5.0"), ("[1]", "[1.0]"), ('"' + "a" * 200 + '"', '"' + "a" * 99 + "...")]
)
def test_a_line_that_is_no_object_is_refused(line: str, shown: str) -> None:
    row = one_bad(json_lines("f", line.encode()))

    assert row.message == f"Row 1 wasn't a valid Convex value: expected object, received {shown}"


@pytest.mark.parametrize("make", [json_lines, lambda name, data: json_array(name, data, LIMITS)])
def test_a_byte_order_mark_is_refused(make: Any) -> None:
    with pytest.raises(ImportRefused, match="UTF-8 BOM is not supported") as refusal:
        make("f", b"\xef\xbb\xbf[]")

    assert refusal.value.code == "Utf8BomNotSupported"


# Lines of an export


def test_integers_and_tagged_values_of_an_export_keep_their_types() -> None:
    line = b'{"i":5,"min":-9223372036854775808,"f":5.0,"z":-0.0,"b":{"$bytes":"AQ=="},"n":{"$float":"AAAAAAAA8H8="}}'

    (row,) = read(exported_lines("f", line))

    assert row == {
        "i": ConvexInt64(5),
        "min": ConvexInt64(-(2**63)),
        "f": 5.0,
        "z": 0.0,
        "b": b"\x01",
        "n": float("inf"),
    }
    assert (type(row["i"]), type(row["f"]), str(row["z"])) == (ConvexInt64, float, "-0.0")


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("9223372036854775807", ConvexInt64(2**63 - 1)),
        ("9223372036854775808", 2.0**63),
        ("-9223372036854775809", -(2.0**63)),
        ("-0", 0.0),
        ("1" + "0" * 300, 1e300),
    ],
)
def test_integers_beyond_an_int64_are_floats(literal: str, value: Any) -> None:
    ((row),) = read(exported_lines("f", f'{{"a":{literal}}}'.encode()))

    assert row["a"] == value
    assert type(row["a"]) is type(value)


@pytest.mark.parametrize(
    ("json", "text"),
    [
        ('{"$integer":"AQ=="}', "Int64 must be exactly eight bytes"),
        ('{"$wrong":1}', "Field name $wrong starts with '$', which is reserved."),
        ('{"a":1,"$bytes":"AQ=="}', "Field name $bytes starts with '$', which is reserved."),
    ],
)
def test_tags_that_stand_for_nothing_are_refused_by_field(json: str, text: str) -> None:
    row = one_bad(exported_lines("f", f'{{"ok":1,"x":{json}}}'.encode()))

    assert row.message == f"Row 1 wasn't a valid Convex value: {text}"
    assert row.field == "x"


def test_a_tagged_value_is_no_row() -> None:
    row = one_bad(exported_lines("f", b'{"$integer":"AQAAAAAAAAA="}'))

    assert (row.message, row.code) == ("Row 1 wasn't an object", "NotAnObject")


def test_an_integer_is_no_row() -> None:
    assert one_bad(exported_lines("f", b"5")).message.endswith("expected object, received 5")
    assert one_bad(exported_lines("f", b'[5, {"a": [6]}]')).message.endswith('received [5,{"a":[6]}]')


# Arrays


def test_an_arrays_elements_are_rows_with_their_lines() -> None:
    file = json_array("f", b'[{"a":1},\n\n {"a":[{}, "]"]}\n, 7\n]', LIMITS)

    rows = read(file)

    assert rows[:2] == [{"a": 1.0}, {"a": [{}, "]"]}]
    assert (rows[2].line, rows[2].message) == (4, "Row 3 wasn't a valid Convex value: expected object, received 7.0")
    assert file.count == 3


@pytest.mark.parametrize("text", ["[]", " [ ] \n"])
def test_an_empty_array_has_no_rows(text: str) -> None:
    assert read(json_array("f", text.encode(), LIMITS)) == []


@pytest.mark.parametrize(
    ("data", "line", "code", "text"),
    [
        (b'{"a":1}', 1, "NotJsonArray", "Not a JSON array"),
        (b'[{"a":1},\n{"a":]', 2, "NotJson", "Not valid JSON: expected value at line 2 column 6"),
        (b"", 1, "NotJson", "Not valid JSON: EOF while parsing a value at line 1 column 0"),
        (b'[\n"\xff"]', 2, "NotJson", "Not valid JSON: Import wasn't valid UTF8"),
    ],
)
def test_a_file_that_is_no_array_is_refused(data: bytes, line: int, code: str, text: str) -> None:
    with pytest.raises(ImportRefused) as refusal:
        json_array("rows.json", data, LIMITS)

    (row,) = refusal.value.rows
    assert (row.file, row.line, row.code) == ("rows.json", line, code)
    assert row.message.startswith(text)


# It is read at once, as what one transaction may write (TRANSACTION_MAX_USER_WRITE_SIZE_BYTES).
def test_an_array_may_be_as_large_as_a_transaction_and_no_larger() -> None:
    limits = Limits(written_size_max=20)

    assert read(json_array("f", b'[{"a":1}]'.ljust(20), limits)) == [{"a": 1.0}]
    with pytest.raises(ImportRefused) as refusal:
        json_array("f", b'[{"a":1}]'.ljust(21), limits)

    assert refusal.value.code == "JsonArrayTooLarge"
    assert "Import is too large for JSON (21 bytes > maximum 20 B). Consider converting data to JSONLines" in str(
        refusal.value
    )
