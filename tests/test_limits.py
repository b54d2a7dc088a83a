"""The numbers of the hosted service: convex-engine.md §0.  That each is held stands with the code that holds it."""

import dataclasses

import pytest

from convex_mastra_emulator import Limits
from convex_mastra_emulator.limits import DEFAULT_LIMITS


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("value_size_max", 33_554_432),
        ("value_nesting_max", 64),
        ("array_length_max", 8192),
        ("object_fields_max", 1024),
        ("field_name_size_max", 1024),
        ("document_size_max", 1_048_576),
        ("document_nesting_max", 16),
        ("documents_read_max", 32_000),
        ("read_size_max", 16_777_216),
        ("read_ranges_max", 4096),
        ("documents_written_max", 16_000),
        ("written_size_max", 16_777_216),
        ("arguments_size_max", 16_777_216),
        ("return_size_max", 16_777_216),
        ("node_arguments_size_max", 5_242_880),
        ("call_depth_max", 8),
        ("log_lines_max", 256),
        ("log_line_size_max", 32_768),
        ("error_message_size_max", 65_536),
        ("request_body_size_max", (1 << 24) + 2000),
        ("page_size_max", 32_000),
        ("query_operators_max", 256),
        ("vector_results_max", 256),
        ("vector_results_default", 10),
        ("vector_conditions_max", 64),
        ("search_words_max", 16),
        ("search_conditions_max", 8),
        ("search_results_max", 1024),
    ],
)
def test_limit_is_the_documented_number(name: str, number: int) -> None:
    assert getattr(Limits(), name) == number


def test_limits_cannot_be_changed_in_place() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError, match="documents_read_max"):
        Limits().documents_read_max = 1  # type: ignore[misc]


def test_one_limit_can_be_lowered() -> None:
    lowered = Limits(documents_read_max=3)

    assert dataclasses.replace(lowered, documents_read_max=32_000) == DEFAULT_LIMITS


# A misspelt name must not silently leave the limit where it was.
def test_unknown_limit_is_refused() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'documents_read'"):
        Limits(documents_read=3)  # type: ignore[call-arg]


def test_limits_are_named_when_given() -> None:
    with pytest.raises(TypeError, match="positional argument"):
        Limits("convex", 1)  # type: ignore[call-arg]


def test_numbers_can_be_lowered() -> None:
    assert Limits().lowered({"documents_read_max": 5}) == Limits(documents_read_max=5)


def test_unknown_limit_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown limit 'size_max'; known are: action_ms_max, arguments_size_max, "):
        Limits().lowered({"size_max": 5})


@pytest.mark.parametrize("number", [-1, 1.5, "5", True, None])
def test_limit_must_be_a_whole_number(number: object) -> None:
    with pytest.raises(ValueError, match="limit documents_read_max must be a whole number of at least 0, got "):
        Limits().lowered({"documents_read_max": number})
