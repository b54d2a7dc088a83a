"""Numbered references: what is one, what is the test's own, and what never gets into a file."""

from __future__ import annotations

import time
from typing import Any

import pytest

from convex_mastra_emulator.values.ids import encode_id
from convex_mastra_emulator.values.references import References, is_document_id, time_in_text

NOW_MS = 1_795_262_400_000.0
FIRST = encode_id(10001, bytes(16))
SECOND = encode_id(10001, bytes(range(16)))
# What convex-test 0.0.60 gave for the first row of `mastra_threads`.
ORACLE_ID = "000000000000010000mastra_threads"


def answered(references: References, value: Any) -> Any:
    return references.in_answer(value, NOW_MS)


@pytest.mark.parametrize("document_id", [FIRST, ORACLE_ID, "10000mastra_channel_installations"])
def test_ids_of_deployments_and_of_the_oracle_are_ids(document_id: str) -> None:
    assert is_document_id(document_id)


@pytest.mark.parametrize("text", ["thread-1", FIRST[:-1], FIRST[:-1] + "1", "10000mastra_threads", "1" * 32])
def test_texts_like_ids_are_none(text: str) -> None:
    assert not is_document_id(text)


def test_ids_are_numbered_as_they_turn_up() -> None:
    rows = [{"_id": SECOND}, {"_id": FIRST, "parent": SECOND}]

    assert answered(References(), rows) == [{"_id": "<id:1>"}, {"_id": "<id:2>", "parent": "<id:1>"}]


def test_ids_are_found_again_in_arguments_and_inside_texts() -> None:
    references = References()
    answered(references, {"_id": FIRST})

    assert references.in_arguments({"ids": [FIRST]}) == {"ids": ["<id:1>"]}
    assert answered(references, f'no {FIRST} and {{"a":"{FIRST}"}}') == 'no <id:1> and {"a":"<id:1>"}'
    assert answered(references, {FIRST: 1.0}) == {"<id:1>": 1.0}


# A test that asks for an id of its own must ask for the same one when it is replayed.
def test_an_id_the_test_sent_first_stays() -> None:
    references = References()

    assert references.in_arguments({"id": FIRST}) == {"id": FIRST}
    assert answered(references, f"{FIRST} is nowhere") == f"{FIRST} is nowhere"


def test_an_id_inside_a_longer_word_is_none() -> None:
    assert answered(References(), f"x{FIRST}") == f"x{FIRST}"


# A caller's own times are whole milliseconds; only the deployment's have a part of one.
def test_creation_time_in_an_argument_of_another_name_is_one_if_it_is_no_whole_millisecond() -> None:
    references = References()
    references.in_answer([{"_creationTime": 1700000000000.5}, {"_creationTime": 1700000000000.0}], 0.0)

    written = references.in_arguments({"since": 1700000000000.5, "until": 1700000000000.0})

    assert written == {"since": "<time:1>", "until": 1700000000000.0}


def test_times_are_numbered_in_their_order_at_the_end() -> None:
    references = References()
    rows = [{"_creationTime": NOW_MS + 0.5}, {"_creationTime": NOW_MS}, {"_creationTime": NOW_MS + 0.5}]

    assert [row["_creationTime"] for row in answered(references, rows)] == ["<time:1>", "<time:2>", "<time:1>"]
    assert references.in_order_of_time(["<time:1>", {"a": "at <time:2>"}]) == ["<time:2>", {"a": "at <time:1>"}]


def test_creation_times_are_found_inside_texts() -> None:
    references = References()
    answered(references, {"_creationTime": NOW_MS + 0.5})

    assert answered(references, "created at 1795262400000.5.") == "created at 1795262400000.5."
    assert answered(references, "created at 1795262400000.5, it says") == "created at <time:1>, it says"
    assert answered(references, '{"_creationTime":1795262400000.5}') == '{"_creationTime":<time:1>}'
    assert answered(references, r"{\"_creationTime\":1795262400001}") == r"{\"_creationTime\":<time:2>}"


# `<time:1>` for a whole value is a number; a text must not become one on its way back.
def test_a_text_that_is_only_a_time_stays() -> None:
    references = References()
    answered(references, {"_creationTime": NOW_MS})

    assert answered(references, "1795262400000") == "1795262400000"


def test_a_number_that_equals_a_creation_time_by_chance_stays() -> None:
    references = References()
    answered(references, {"_creationTime": NOW_MS})

    assert answered(references, {"count": NOW_MS}) == {"count": NOW_MS}


@pytest.mark.parametrize(("value", "reference"), [(NOW_MS - 3, "<now:ms>"), ("2026-11-21T12:00:00.003Z", "<now:iso>")])
def test_volatile_fields_hold_the_time_of_the_call(value: object, reference: str) -> None:
    assert answered(References(), {"updatedAt": value}) == {"updatedAt": reference}
    assert answered(References(), {"createdAt": value}) == {"createdAt": value}


def test_readings_of_the_clock_are_found_in_json_text() -> None:
    text = '{"timestamp":1795262400003,"updatedAt":"2026-11-21T12:00:00.003Z","n":1795262400003}'

    assert answered(References(), text) == '{"timestamp":<now:ms>,"updatedAt":"<now:iso>","n":1795262400003}'


# A store writes its own `updatedAt`; that this very time comes back is what the recording is there to say.
@pytest.mark.parametrize(
    "sent", [{"x": NOW_MS}, {"record": {"y": "2026-11-21T12:00:00.000Z"}}, {"t": "[1795262400000]"}]
)
def test_a_time_the_test_sent_stays(sent: dict[str, Any]) -> None:
    references = References()
    references.in_arguments(sent)

    answer = {"updatedAt": NOW_MS, "updated_at": "2026-11-21T12:00:00.000Z"}
    assert answered(references, answer) == answer


@pytest.mark.parametrize(("away_ms", "is_now"), [(60_000, True), (60_001, False)])
def test_a_volatile_field_with_another_time_stays(away_ms: int, is_now: bool) -> None:
    value = answered(References(), {"updatedAt": NOW_MS - away_ms})["updatedAt"]

    assert (value == "<now:ms>") is is_now


def test_volatile_fields_are_the_callers_choice() -> None:
    references = References(volatile={"seen"})

    assert answered(references, {"seen": NOW_MS, "updatedAt": NOW_MS}) == {"seen": "<now:ms>", "updatedAt": NOW_MS}


def test_cursors_are_numbered_and_found_again() -> None:
    references = References()

    assert answered(references, {"continuationCursor": "short"}) == {"continuationCursor": "<cursor:1>"}
    assert answered(references, {"continueCursor": "a cursor of many letters"}) == {"continueCursor": "<cursor:2>"}
    assert references.in_arguments({"cursor": "short"}) == {"cursor": "<cursor:1>"}
    assert answered(references, "not short, but a cursor of many letters") == "not short, but <cursor:2>"


def test_a_cursor_of_the_tests_own_stays() -> None:
    references = References()

    assert references.in_arguments({"cursor": "garbage"}) == {"cursor": "garbage"}
    assert answered(references, {"continueCursor": "garbage"}) == {"continueCursor": "garbage"}


def test_request_ids_are_numbered() -> None:
    references = References()

    texts = [answered(references, f"[Request ID: {name}] Server Error") for name in ("a1", "b2", "a1")]

    assert texts == [f"[Request ID: <request:{number}>] Server Error" for number in (1, 2, 1)]


def test_secrets_are_written_by_their_names_everywhere() -> None:
    references = References(secrets={"prefix": "run-7f3a-", "admin_key": "local|0123"})

    written = references.in_arguments({"id": "run-7f3a-thread", "run-7f3a-key": "with local|0123"})

    assert written == {"id": "<prefix>thread", "<prefix>key": "with <admin_key>"}
    assert answered(references, "no run-7f3a-thread") == "no <prefix>thread"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("at https://happy-animal-123.convex.cloud/api", "at <url>/api"),
        ("at http://127.0.0.1:3210", "at <url>"),
        ("prod:happy-animal-123|eyJ2MiI6IjAxMjM0NTY3ODkwMTIzNDU2Nzg5In0=", "<key>"),
        ("Bearer eyJhbGciOi.eyJzdWIiOiIx.c2ln-bmF0", "Bearer <token>"),
        ("see https://example.org/picture.png", "see https://example.org/picture.png"),
    ],
)
def test_addresses_and_credentials_get_in_under_no_name(text: str, written: str) -> None:
    assert References().in_arguments({"text": text}) == {"text": written}


@pytest.mark.parametrize(("name", "secret"), [("prefix", ""), ("Prefix", "x"), ("id:1", "x"), ("lt", "x")])
def test_secrets_that_could_not_be_told_apart_are_refused(name: str, secret: str) -> None:
    with pytest.raises(ValueError, match="secrets need a text and a name of lower-case letters"):
        References(secrets={name: secret})


@pytest.mark.parametrize("text", ["<id:1>", "<time:12>", "<now:ms>", "<lt>"])
def test_a_text_that_reads_like_a_reference_is_told_apart(text: str) -> None:
    assert answered(References(), f"a {text}") == f"a <lt>{text[1:]}"


@pytest.mark.parametrize("text", ["<b>", "a < b", "<id:x>", "<<"])
def test_other_angle_brackets_stay(text: str) -> None:
    assert answered(References(), text) == text


def test_bytes_and_integers_are_not_looked_into() -> None:
    value = {"a": {"$bytes": FIRST}, "b": {"$integer": "AQAAAAAAAAA="}}

    assert answered(References(), value) == value


def test_booleans_are_no_times() -> None:
    assert answered(References(), {"_creationTime": True, "updatedAt": None}) == {
        "_creationTime": True,
        "updatedAt": None,
    }


# A picture in base64 is one word of a million letters; looking for keys in it must not take a million looks at each.
@pytest.mark.parametrize("text", ["a" * 1_000_000, '"' * 300_000, "1795262400000" * 50_000, "eyJ" * 300_000])
def test_long_texts_take_no_time(text: str) -> None:
    started = time.perf_counter()

    assert answered(References(), text) == text

    assert time.perf_counter() - started < 5


def test_times_in_texts_are_milliseconds() -> None:
    assert time_in_text("1795262400000.5") == 1795262400000.5
    assert time_in_text("2026-11-21T12:00:00.000Z") == NOW_MS
