"""Recorded values held against another deployment's: what is the same, what is not, and what is said about it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convex_mastra_emulator.values.bindings import Bindings, shown
from convex_mastra_emulator.values.ids import encode_id
from convex_mastra_emulator.values.references import References

_TEXTS = st.text() | st.lists(
    st.sampled_from(["<", ">", "<lt>", "<id:1>", "<time:2>", "<now:ms>", "lt>", "id:1>", "<cursor:", "1", " ", "x"])
).map("".join)
NOW_MS = 1_795_262_400_000.0
FIRST = encode_id(10001, bytes(16))
SECOND = encode_id(10001, bytes(range(16)))


def compare(bindings: Bindings, expected: Any, got: Any, **tolerances: float) -> list[str]:
    return list(bindings.differences(expected, got, now_ms=NOW_MS, tolerances=tolerances, where="value"))


@pytest.mark.parametrize(
    "value", [None, True, 1.0, "text", [], {}, {"a": [1.0, {"b": None}]}, {"$integer": "AQAAAAAAAAA="}]
)
def test_equal_values_do_not_differ(value: Any) -> None:
    assert compare(Bindings(), value, value) == []


# Python takes True for 1 and compares "1" with nothing; a deployment tells all three apart.
@pytest.mark.parametrize(
    ("expected", "got"), [(True, 1.0), (1.0, True), ("1", 1.0), (0.0, False), (None, False), ([], {}), (1.0, 1.5)]
)
def test_unequal_values_differ(expected: Any, got: Any) -> None:
    [line] = compare(Bindings(), {"a": expected}, {"a": got})

    assert line.startswith("value.a: expected ")


def test_every_place_that_differs_has_its_line() -> None:
    expected = {"a": 1.0, "b": [1.0, 2.0], "gone": None, "e": "x"}
    got = {"a": 2.0, "b": [1.0, 3.0, 4.0], "new": 1.0, "e": "x"}

    assert compare(Bindings(), expected, got) == [
        "value.a: expected 1.0, got 2.0",
        "value.b: expected 2 items, got 3",
        "value.b[1]: expected 2.0, got 3.0",
        "value.gone: expected null, got nothing",
        "value.new: expected nothing, got 1.0",
    ]


def test_an_id_is_whatever_stood_there_first() -> None:
    bindings = Bindings()

    assert compare(bindings, {"_id": "<id:1>"}, {"_id": SECOND}) == []
    assert compare(bindings, ["<id:1>", "no <id:1>"], [SECOND, f"no {SECOND}"]) == []


def test_another_id_in_the_place_of_a_known_one_differs() -> None:
    bindings = Bindings()
    compare(bindings, "<id:1>", FIRST)

    assert compare(bindings, "<id:1>", SECOND) == [f'value: expected "<id:1>", got "{SECOND}"']


def test_a_known_id_in_the_place_of_a_new_one_differs() -> None:
    bindings = Bindings()
    compare(bindings, "<id:1>", FIRST)

    assert compare(bindings, "<id:2>", FIRST) == [f'value: expected <id:2>, got "{FIRST}", which is <id:1>']


@pytest.mark.parametrize("got", ["", "x" * 40, None, 1.0, f"{FIRST} and more"])
def test_what_is_no_id_differs_from_one(got: object) -> None:
    assert len(compare(Bindings(), "<id:1>", got)) == 1


def test_times_keep_their_order() -> None:
    bindings = Bindings()

    assert compare(bindings, ["<time:2>", "<time:1>"], [20.0, 10.0]) == []
    assert compare(bindings, "<time:3>", 15.0) == [
        "value: expected <time:3> after <time:2>, got 15.0 and 20.0",
    ]
    assert compare(bindings, "<time:3>", 20.0) == ["value: expected <time:3>, got 20.0, which is <time:2>"]
    assert compare(bindings, "<time:3>", 21.0) == []
    assert compare(bindings, "<time:1>", 11.0) == ["value: expected <time:1>, which is 10.0, got 11.0"]


def test_a_text_is_no_time() -> None:
    assert compare(Bindings(), "<time:1>", "10") == ['value: expected "<time:1>", got "10"']


def test_times_inside_texts_are_the_same_times() -> None:
    bindings = Bindings()
    compare(bindings, "<time:1>", NOW_MS + 0.5)

    assert compare(bindings, "at <time:1>", "at 1795262400000.5") == []
    assert len(compare(bindings, "at <time:1>", "at 1795262400001")) == 1


@pytest.mark.parametrize(
    ("expected", "got", "is_same"),
    [
        ("<now:ms>", NOW_MS - 60_000, True),
        ("<now:ms>", NOW_MS - 60_001, False),
        ("<now:ms>", "2026-11-21T12:00:00.000Z", False),
        ("<now:iso>", "2026-11-21T12:00:30.000Z", True),
        ("<now:iso>", "2026-11-21T13:00:00.000Z", False),
        ("<now:iso>", NOW_MS, False),
        ('{"timestamp":<now:ms>}', '{"timestamp":1795262400007}', True),
        ('{"timestamp":<now:ms>}', '{"timestamp":null}', False),
    ],
)
def test_a_reading_of_the_clock_is_near_the_deployments_time(expected: str, got: object, is_same: bool) -> None:
    assert (compare(Bindings(), expected, got) == []) is is_same


def test_cursors_and_request_ids_are_any_text_that_stays() -> None:
    bindings = Bindings()

    assert compare(bindings, {"c": "<cursor:1>"}, {"c": "opaque [1]\n"}) == []
    assert compare(bindings, {"c": "<cursor:1>"}, {"c": "other"}) != []
    assert compare(bindings, "[Request ID: <request:1>] Server Error", "[Request ID: 0a1b] Server Error") == []


def test_a_difference_after_a_reference_is_seen() -> None:
    assert len(compare(Bindings(), "<id:1> is gone", f"{FIRST} is here")) == 1


def test_a_text_that_was_told_apart_is_the_text_itself() -> None:
    bindings = Bindings()

    assert compare(bindings, "a <lt>id:1>", "a <id:1>") == []
    assert compare(bindings, "<lt>id:1> <id:1>", f"<id:1> {FIRST}") == []
    assert bindings.filled("a <lt>id:1> <id:1>") == f"a <id:1> {FIRST}"


def test_arguments_are_filled_with_the_deployments_values() -> None:
    bindings = Bindings()
    compare(bindings, ["<id:1>", "<time:1>", "<cursor:1>"], [FIRST, NOW_MS + 0.5, "next"])

    filled = bindings.filled({"<id:1>": ["<id:1>", "<time:1>", "<cursor:1>", "at <time:1>", None, 1.0]})

    assert filled == {FIRST: [FIRST, NOW_MS + 0.5, "next", "at 1795262400000.5", None, 1.0]}


# After a difference a reference may never have got its value: what is sent then says which one was missing.
def test_a_reference_without_value_is_sent_as_it_is_written() -> None:
    assert Bindings().filled(["<id:1>", "<time:1>"]) == ["<id:1>", "<time:1>"]


def test_fields_named_by_an_id_are_found() -> None:
    bindings = Bindings()
    compare(bindings, "<id:1>", FIRST)

    assert compare(bindings, {"<id:1>": 1.0}, {FIRST: 1.0}) == []
    assert compare(bindings, {"<id:1>": 1.0}, {SECOND: 1.0}) != []


@pytest.mark.parametrize(("away", "is_same"), [(0.25, True), (0.26, False)])
def test_numbers_may_lie_apart_where_it_is_said(away: float, is_same: bool) -> None:
    expected, got = {"score": 1.0, "rows": [{"score": 1.0}]}, {"score": 1.0, "rows": [{"score": 1.0 + away}]}

    assert (compare(Bindings(), expected, got, score=0.25) == []) is is_same
    assert compare(Bindings(), expected, got) != []


@pytest.mark.parametrize(("size", "is_cut"), [(298, False), (299, True)])
def test_long_values_are_cut_for_people(size: int, is_cut: bool) -> None:
    assert ("…" in shown("x" * size)) is is_cut


# Whatever a test sends is sent again, letter for letter, also what looks like a reference.
@given(value=st.recursive(_TEXTS, lambda inner: st.lists(inner) | st.dictionaries(_TEXTS, inner), max_leaves=6))
def test_a_tests_own_texts_come_back(value: Any) -> None:
    assert Bindings().filled(References().in_arguments(value)) == value


@given(value=_TEXTS)
def test_an_echo_is_the_same_text(value: str) -> None:
    references, bindings = References(), Bindings()
    known = f"{FIRST} {value}"
    expected = references.in_answer({"_id": FIRST, "text": known}, NOW_MS)

    assert compare(bindings, expected, {"_id": SECOND, "text": f"{SECOND} {value}"}) == []
    assert bindings.filled(expected["text"]) == f"{SECOND} {value}"
