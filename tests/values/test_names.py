"""Field names, identifiers and field paths: convex-engine.md §1.5."""

from typing import Any

import pytest

from convex_mastra_emulator.errors import InvalidValue
from convex_mastra_emulator.values.names import (
    check_identifier,
    client_name_problem,
    field_name_problem,
    identifier_problem,
    parse_field_path,
)


@pytest.mark.parametrize("name", ["", "a", "_x", "a b", "a.b", "1", " ", "~", "a$b", "x" * 1024])
def test_field_name_of_printable_ascii_is_allowed(name: str) -> None:
    assert field_name_problem(name) is None


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("$a", "Field name $a starts with '$', which is reserved."),
        ("$", "Field name $ starts with '$', which is reserved."),
        (
            "é",
            "Field name é has invalid character 'é': Field names can only contain non-control ASCII characters",
        ),
        (
            "a\n",
            "Field name a\n has invalid character '\\n': Field names can only contain non-control ASCII characters",
        ),
        (
            "a\x7f",
            "Field name a\x7f has invalid character '\\u{7f}': "
            "Field names can only contain non-control ASCII characters",
        ),
        ("x" * 1025, "Field name is too long (1025 > maximum 1024)"),
    ],
)
def test_other_field_name_is_refused(name: str, problem: str) -> None:
    assert field_name_problem(name) == problem


# Lowering the limit must not let a name pass that the pattern for the real limit accepts.
def test_lowered_length_limit_holds_on_both_sides() -> None:
    assert field_name_problem("abc", 3) is None
    assert field_name_problem("abcd", 3) == "Field name is too long (4 > maximum 3)"


@pytest.mark.parametrize("name", ["a", "A1", "_a", "__1", "a_", "x" * 64])
def test_identifier_is_allowed(name: str) -> None:
    assert identifier_problem(name) is None


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "Identifier cannot be empty"),
        (
            "1a",
            "Invalid first character '1' in 1a: Identifiers must start with an alphabetic character or underscore",
        ),
        (
            "é",
            "Invalid first character 'é' in é: Identifiers must start with an alphabetic character or underscore",
        ),
        (
            "a-b",
            "Identifier a-b has invalid character '-': "
            "Identifiers can only contain alphanumeric characters or underscores",
        ),
        (
            "aé",
            "Identifier aé has invalid character 'é': "
            "Identifiers can only contain alphanumeric characters or underscores",
        ),
        ("x" * 65, "Identifier is too long (65 > maximum 64)"),
        ("_", "Identifier _ cannot have exclusively underscores"),
        ("___", "Identifier ___ cannot have exclusively underscores"),
    ],
)
def test_other_identifier_is_refused(name: str, problem: str) -> None:
    assert identifier_problem(name) == problem


def test_checked_identifier_is_handed_back() -> None:
    assert check_identifier("messages") == "messages"


def test_checked_name_that_is_no_identifier_is_refused() -> None:
    with pytest.raises(InvalidValue, match=r"^Identifier a\.b has invalid character '\.'"):
        check_identifier("a.b")


@pytest.mark.parametrize(
    ("path", "parts"),
    [("a", ("a",)), ("a.b.c", ("a", "b", "c")), (".a.b.", ("a", "b")), ("_id", ("_id",))],
)
def test_field_path_is_split_at_its_dots(path: str, parts: tuple[str, ...]) -> None:
    assert parse_field_path(path) == parts


@pytest.mark.parametrize("path", ["", ".", "..."])
def test_empty_field_path_is_refused(path: str) -> None:
    with pytest.raises(InvalidValue, match=f'^Empty path "{path}"$'.replace(".", r"\.")):
        parse_field_path(path)


def test_field_path_with_an_empty_part_is_refused() -> None:
    with pytest.raises(InvalidValue, match=r"^Identifier cannot be empty$"):
        parse_field_path("a..b")


def test_field_path_with_a_part_that_is_no_identifier_is_refused() -> None:
    with pytest.raises(InvalidValue, match=r"^Invalid first character '0' in 0: "):
        parse_field_path("items.0")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [{"$b": 1}]}, "Field name $b starts with a '$', which is reserved."),
        ({"é": 1}, "Field name é has invalid character 'é': Field names can only contain non-control ASCII characters"),
        ({"a" * 1025: 1}, f"Field name {'a' * 1025} exceeds maximum field name length 1024."),
        ({"a" * 1024: [1, None, {"b": "$c"}]}, None),
        ([], None),
    ],
)
def test_names_as_npm_convex_refuses_them(value: object, text: str | None) -> None:
    assert client_name_problem(value) == text


# Anybody may send names; thousands of long ones must not stay in memory.
@pytest.mark.parametrize("judge", [field_name_problem, identifier_problem])
def test_long_names_are_not_remembered_beside_each_other(judge: Any) -> None:
    for number in range(100):
        judge(f"{'a' * 2_000}{number}")

    assert judge.cache_info().currsize <= 1
