"""Observational memory: generations of a key, buffered chunks and reflections that become active, merged config."""

import json
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, FunctionError

RECORD: dict[str, Any] = {
    "lookupKey": "thread:t-1",
    "scope": "thread",
    "resourceId": "r-1",
    "threadId": "t-1",
    "activeObservations": "",
    "originType": "initial",
    "config": "{}",
    "generationCount": 0,
    "pendingMessageTokens": 0,
    "totalTokensObserved": 0,
    "observationTokenCount": 0,
    "isObserving": False,
    "isReflecting": False,
    "isBufferingObservation": False,
    "isBufferingReflection": False,
    "lastBufferedAtTokens": 0,
    "createdAt": "2026-01-01",
    "updatedAt": "2026-01-01",
}


def storage(emulator: Emulator, op: str, **args: Any) -> Any:
    return emulator.mutation("mastra/storage:handle", {"op": op, "tableName": "mastra_observational_memory", **args})


def insert(emulator: Emulator, record_id: str = "o-1", **fields: Any) -> None:
    assert storage(emulator, "insert", record={"id": record_id, **RECORD, **fields}) == {"ok": True}


def load(emulator: Emulator, record_id: str = "o-1") -> Any:
    return storage(emulator, "load", keys={"id": record_id})["result"]


def chunk(name: str, tokens: float, **fields: Any) -> dict[str, Any]:
    base = {"cycleId": f"c-{name}", "messageTokens": tokens, "tokenCount": 10, "messageIds": [f"m-{name}"]}
    return {**base, "observations": f"saw {name}", **fields}


# Every write names a record


@pytest.mark.parametrize(
    "op", ["omUpdateActive", "omAppendBufferedChunk", "omSwapBuffered", "omUpdateBufferedReflection", "omUpdateConfig"]
)
def test_missing_record_fails_the_call(emulator: Emulator, op: str) -> None:
    with pytest.raises(FunctionError, match="Uncaught Error: Observational memory record not found: o-9"):
        storage(emulator, op, id="o-9")


def test_reflection_of_a_missing_record_fails_the_call(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match="Uncaught Error: Observational memory record not found: o-9"):
        storage(emulator, "omSwapBufferedReflection", currentRecord={"id": "o-9"}, newId="o-2", tokenCount=1, now="b")


def test_reflection_without_record_is_a_type_error(emulator: Emulator) -> None:
    with pytest.raises(
        FunctionError, match=r"Uncaught TypeError: Cannot read properties of undefined \(reading 'id'\)"
    ):
        storage(emulator, "omSwapBufferedReflection", newId="o-2")


# omGetLatest, omGetHistory


@pytest.fixture
def generations(emulator: Emulator) -> Emulator:
    """Generations 0 to 3 of one key, stored out of order, and one of another key."""
    for number in (1, 0, 3, 2):
        insert(emulator, f"o-{number}", generationCount=number, createdAt=f"2026-01-0{number}")
    insert(emulator, "o-9", lookupKey="resource:r-1", generationCount=9)
    return emulator


def history(emulator: Emulator, **args: Any) -> list[str]:
    answer = storage(emulator, "omGetHistory", **{"lookupKey": "thread:t-1", "limit": 10, **args})
    return [row["id"] for row in answer["result"]]


def test_latest_is_the_highest_generation(generations: Emulator) -> None:
    assert storage(generations, "omGetLatest", lookupKey="thread:t-1")["result"]["id"] == "o-3"


def test_latest_of_an_unknown_key_is_null(generations: Emulator) -> None:
    assert storage(generations, "omGetLatest", lookupKey="thread:t-2") == {"ok": True, "result": None}


def test_history_is_newest_first_and_of_one_key(generations: Emulator) -> None:
    assert history(generations) == ["o-3", "o-2", "o-1", "o-0"]


@pytest.mark.parametrize(("limit", "expected"), [(1, ["o-3"]), (4, ["o-3", "o-2", "o-1", "o-0"]), (0, [])])
def test_history_is_cut_to_its_limit(generations: Emulator, limit: int, expected: list[str]) -> None:
    assert history(generations, limit=limit) == expected


# JavaScript's slice counts a negative end from the back.
def test_negative_limit_leaves_the_last_ones_out(generations: Emulator) -> None:
    assert history(generations, limit=-1) == ["o-3", "o-2", "o-1"]


def test_history_without_limit_is_whole(generations: Emulator) -> None:
    answer = storage(generations, "omGetHistory", lookupKey="thread:t-1")

    assert len(answer["result"]) == 4


def test_both_ends_of_the_time_are_inclusive(generations: Emulator) -> None:
    assert history(generations, **{"from": "2026-01-01", "to": "2026-01-02"}) == ["o-2", "o-1"]


def test_time_is_compared_as_text(generations: Emulator) -> None:
    assert history(generations, **{"from": "2026-01-02T00:00:00.000Z"}) == ["o-3"]


@pytest.mark.parametrize("empty", ["", None])
def test_empty_time_is_no_end(generations: Emulator, empty: str | None) -> None:
    assert history(generations, **{"from": empty, "to": empty}) == ["o-3", "o-2", "o-1", "o-0"]


def test_filter_comes_before_offset_and_offset_before_limit(generations: Emulator) -> None:
    assert history(generations, to="2026-01-02", offset=1, limit=1) == ["o-1"]


@pytest.mark.parametrize(("offset", "expected"), [(0, 4), (3, 1), (4, 0), (None, 4)])
def test_offset_skips_the_newest(generations: Emulator, offset: int | None, expected: int) -> None:
    assert len(history(generations, offset=offset)) == expected


# omUpdateActive


def update_active(emulator: Emulator, **args: Any) -> Any:
    times = {"lastObservedAt": "2026-01-02", "updatedAt": "2026-01-03"}
    request = {"observations": "new", "tokenCount": 30, "observedMessageIds": ["m-1"], **times, **args}
    return storage(emulator, "omUpdateActive", id="o-1", **request)


def test_observations_are_replaced_and_tokens_counted(emulator: Emulator) -> None:
    insert(emulator, activeObservations="old", pendingMessageTokens=7, observationTokenCount=5, totalTokensObserved=100)

    assert update_active(emulator) == {"ok": True}

    row = load(emulator)
    assert (row["activeObservations"], row["observedMessageIds"]) == ("new", ["m-1"])
    assert (row["pendingMessageTokens"], row["observationTokenCount"], row["totalTokensObserved"]) == (0, 30, 130)
    assert (row["lastObservedAt"], row["updatedAt"]) == ("2026-01-02", "2026-01-03")


@pytest.mark.parametrize("count", [-1, None, "30", float("nan"), float("inf")])
def test_bad_count_is_zero(emulator: Emulator, count: Any) -> None:
    insert(emulator, observationTokenCount=5, totalTokensObserved=100)

    update_active(emulator, tokenCount=count)

    assert (load(emulator)["observationTokenCount"], load(emulator)["totalTokensObserved"]) == (0, 100)


def test_null_clears_the_observed_messages(emulator: Emulator) -> None:
    insert(emulator, observedMessageIds=["m-0"])

    update_active(emulator, observedMessageIds=None)

    assert load(emulator)["observedMessageIds"] is None


def test_absent_time_of_the_observations_is_removed(emulator: Emulator) -> None:
    insert(emulator, lastObservedAt="2026-01-01")

    storage(emulator, "omUpdateActive", id="o-1", observations="new", tokenCount=1, updatedAt="2026-01-03")

    assert "lastObservedAt" not in load(emulator)


# omAppendBufferedChunk


def append(emulator: Emulator, name: str, **args: Any) -> Any:
    return storage(emulator, "omAppendBufferedChunk", id="o-1", chunk={"name": name}, updatedAt="2026-01-02", **args)


def test_chunks_are_appended_as_text(emulator: Emulator) -> None:
    insert(emulator)

    assert append(emulator, "a") == {"ok": True}
    append(emulator, "b")

    assert load(emulator)["bufferedObservationChunks"] == '[{"name":"a"},{"name":"b"}]'
    assert load(emulator)["updatedAt"] == "2026-01-02"


@pytest.mark.parametrize("stored", ["", "[{", '{"name":"x"}', "null", None])
def test_malformed_chunks_count_as_none(emulator: Emulator, stored: str | None) -> None:
    insert(emulator, bufferedObservationChunks=stored)

    append(emulator, "a")

    assert load(emulator)["bufferedObservationChunks"] == '[{"name":"a"}]'


def test_time_of_the_last_chunk_is_kept(emulator: Emulator) -> None:
    insert(emulator)
    append(emulator, "a", lastBufferedAtTime="2026-01-02")

    append(emulator, "b")
    append(emulator, "c", lastBufferedAtTime=None)

    assert load(emulator)["lastBufferedAtTime"] == "2026-01-02"


# omSwapBuffered; the rules of the boundary are in test_activation.py


def swap(emulator: Emulator, **args: Any) -> Any:
    request = {
        "activationRatio": 0.5,
        "messageTokensThreshold": 1000,
        "currentPendingTokens": 1500,
        "now": "2026-02-01",
    }
    return storage(emulator, "omSwapBuffered", id="o-1", **{**request, **args})["result"]


def insert_with_chunks(emulator: Emulator, *chunks: dict[str, Any], **fields: Any) -> None:
    insert(emulator, bufferedObservationChunks=json.dumps(chunks), **fields)


NOTHING = {
    "chunksActivated": 0,
    "messageTokensActivated": 0,
    "observationTokensActivated": 0,
    "messagesActivated": 0,
    "activatedCycleIds": [],
    "activatedMessageIds": [],
}


@pytest.mark.parametrize("stored", [None, "", "[]", "[{", "{}"])
def test_without_stored_chunks_nothing_is_activated(emulator: Emulator, stored: str | None) -> None:
    insert(emulator, bufferedObservationChunks=stored)
    before = load(emulator)

    assert swap(emulator) == NOTHING
    assert load(emulator) == before


# Chunks of the request only refresh stored ones; they bring none.
def test_sent_chunks_do_not_stand_in_for_stored_ones(emulator: Emulator) -> None:
    insert(emulator)

    assert swap(emulator, bufferedChunks=[chunk("a", 1000)]) == NOTHING


def test_empty_list_sent_activates_nothing(emulator: Emulator) -> None:
    insert_with_chunks(emulator, chunk("a", 1000))
    before = load(emulator)

    assert swap(emulator, bufferedChunks=[]) == NOTHING
    assert load(emulator) == before


def test_activated_chunks_become_active_and_the_rest_stays(emulator: Emulator) -> None:
    rest = chunk("c", 300)
    insert_with_chunks(
        emulator,
        chunk("a", 400),
        chunk("b", 600),
        rest,
        pendingMessageTokens=1500,
        observationTokenCount=5,
        totalTokensObserved=100,
        observedMessageIds=["m-0"],
    )

    result = swap(emulator)

    row = load(emulator)
    assert (result["chunksActivated"], result["observations"]) == (2, "saw a\n\nsaw b")
    assert row["activeObservations"] == "saw a\n\nsaw b"
    assert (row["observationTokenCount"], row["pendingMessageTokens"], row["totalTokensObserved"]) == (25, 500, 100)
    assert json.loads(row["bufferedObservationChunks"]) == [rest]
    assert row["observedMessageIds"] == ["m-0"]
    assert row["updatedAt"] == "2026-02-01"


def test_no_rest_is_null(emulator: Emulator) -> None:
    insert_with_chunks(emulator, chunk("a", 1000))

    swap(emulator)

    assert load(emulator)["bufferedObservationChunks"] is None


def test_pending_tokens_do_not_become_negative(emulator: Emulator) -> None:
    insert_with_chunks(emulator, chunk("a", 1000), pendingMessageTokens=999)

    swap(emulator)

    assert load(emulator)["pendingMessageTokens"] == 0


def test_observations_are_appended_behind_a_line_with_the_time(emulator: Emulator) -> None:
    insert_with_chunks(emulator, chunk("a", 1000), activeObservations="old")

    swap(emulator, lastObservedAt="2026-01-05")

    text = "old\n\n--- message boundary (2026-01-05) ---\n\nsaw a"
    assert load(emulator)["activeObservations"] == text


# The request's time, else that of the last activated chunk, else now.
@pytest.mark.parametrize(
    ("sent", "of_chunk", "expected"),
    [
        ({"lastObservedAt": "2026-01-05"}, {"lastObservedAt": "2026-01-04"}, "2026-01-05"),
        ({}, {"lastObservedAt": "2026-01-04"}, "2026-01-04"),
        ({"lastObservedAt": None}, {"lastObservedAt": "2026-01-04"}, "2026-01-04"),
        ({}, {"lastObservedAt": None}, "2026-02-01"),
        ({}, {}, "2026-02-01"),
    ],
)
def test_time_of_the_observations(
    emulator: Emulator, sent: dict[str, Any], of_chunk: dict[str, Any], expected: str
) -> None:
    insert_with_chunks(emulator, chunk("a", 400, lastObservedAt="2026-01-03"), chunk("b", 600, **of_chunk))

    swap(emulator, **sent)

    assert load(emulator)["lastObservedAt"] == expected


# Sent weights move the boundary and are what is stored of the rest.
def test_sent_chunks_replace_the_stored_ones(emulator: Emulator) -> None:
    insert_with_chunks(emulator, chunk("a", 400), chunk("b", 600), chunk("c", 1))
    rest = chunk("b", 2)

    result = swap(emulator, bufferedChunks=[chunk("a", 1000), rest])

    assert (result["activatedCycleIds"], result["messageTokensActivated"]) == (["c-a"], 1000)
    assert json.loads(load(emulator)["bufferedObservationChunks"]) == [rest]


def test_sent_chunks_that_are_no_list_are_ignored(emulator: Emulator) -> None:
    insert_with_chunks(emulator, chunk("a", 1000))

    assert swap(emulator, bufferedChunks=None)["activatedCycleIds"] == ["c-a"]


def test_forced_activation_reaches_the_boundary(emulator: Emulator) -> None:
    insert_with_chunks(emulator, chunk("a", 5000), chunk("b", 43_001))
    sizes = {"messageTokensThreshold": 80_000, "currentPendingTokens": 50_000}

    with emulator.rollback():
        assert swap(emulator, **sizes)["chunksActivated"] == 1
    assert swap(emulator, **sizes, forceMaxActivation=True)["chunksActivated"] == 2


def test_hints_that_are_not_there_are_absent(emulator: Emulator) -> None:
    insert_with_chunks(emulator, chunk("a", 1000, currentTask="write tests"))

    result = swap(emulator)

    assert result["currentTask"] == "write tests"
    assert "suggestedContinuation" not in result


# omUpdateBufferedReflection


def reflect(emulator: Emulator, text: str, lines: int) -> Any:
    counts = {"tokenCount": 10, "inputTokenCount": 100, "reflectedObservationLineCount": lines}
    return storage(emulator, "omUpdateBufferedReflection", id="o-1", reflection=text, updatedAt="2026-01-02", **counts)


def test_first_reflection_is_stored_alone(emulator: Emulator) -> None:
    insert(emulator)

    assert reflect(emulator, "first", 3) == {"ok": True}

    row = load(emulator)
    assert (row["bufferedReflection"], row["reflectedObservationLineCount"]) == ("first", 3)
    assert (row["bufferedReflectionTokens"], row["bufferedReflectionInputTokens"]) == (10, 100)
    assert row["updatedAt"] == "2026-01-02"


def test_next_reflection_is_appended_and_counted(emulator: Emulator) -> None:
    insert(emulator)

    reflect(emulator, "first", 3)
    reflect(emulator, "second", 2)

    row = load(emulator)
    assert (row["bufferedReflection"], row["reflectedObservationLineCount"]) == ("first\n\nsecond", 2)
    assert (row["bufferedReflectionTokens"], row["bufferedReflectionInputTokens"]) == (20, 200)


# omSwapBufferedReflection


def swap_reflection(emulator: Emulator, current: dict[str, Any] | None = None) -> Any:
    sent = {**load(emulator), **(current or {})}
    request = {"currentRecord": sent, "newId": "o-2", "tokenCount": 42, "now": "2026-02-01"}
    return storage(emulator, "omSwapBufferedReflection", **request)["result"]


@pytest.mark.parametrize("stored", [None, ""])
def test_without_reflection_there_is_nothing_to_swap(emulator: Emulator, stored: str | None) -> None:
    insert(emulator, bufferedReflection=stored)

    with pytest.raises(FunctionError, match="Uncaught Error: No buffered reflection to swap"):
        swap_reflection(emulator)


def test_reflection_starts_a_new_generation(emulator: Emulator) -> None:
    insert(
        emulator,
        bufferedReflection="summary",
        activeObservations="a",
        reflectedObservationLineCount=1,
        generationCount=4,
        pendingMessageTokens=9,
        totalTokensObserved=100,
        isReflecting=True,
        isBufferingReflection=True,
        lastBufferedAtTokens=5,
        lastObservedAt="2026-01-05",
        observedTimezone="UTC",
        metadata="{}",
        config='{"a":1}',
    )

    result = swap_reflection(emulator)

    assert result == {
        "id": "o-2",
        "lookupKey": "thread:t-1",
        "scope": "thread",
        "resourceId": "r-1",
        "threadId": "t-1",
        "activeObservations": "summary",
        "activeObservationsPendingUpdate": None,
        "originType": "reflection",
        "config": '{"a":1}',
        "generationCount": 5,
        "lastObservedAt": "2026-01-05",
        "lastReflectionAt": "2026-02-01",
        "pendingMessageTokens": 0,
        "totalTokensObserved": 100,
        "observationTokenCount": 42,
        "isObserving": False,
        "isReflecting": False,
        "isBufferingObservation": False,
        "isBufferingReflection": False,
        "lastBufferedAtTokens": 0,
        "lastBufferedAtTime": None,
        "observedTimezone": "UTC",
        "metadata": "{}",
        "createdAt": "2026-02-01",
        "updatedAt": "2026-02-01",
    }


def test_new_generation_is_stored_as_returned(emulator: Emulator) -> None:
    insert(emulator, bufferedReflection="summary")

    result = swap_reflection(emulator)

    stored = load(emulator, "o-2")
    assert {name: value for name, value in stored.items() if not name.startswith("_")} == result
    assert storage(emulator, "omGetLatest", lookupKey="thread:t-1")["result"]["id"] == "o-2"


def test_old_generation_stays_without_its_reflection(emulator: Emulator) -> None:
    insert(emulator, activeObservations="a\nb", totalTokensObserved=100)
    reflect(emulator, "summary", 1)
    before = load(emulator)

    swap_reflection(emulator)

    cleared = {
        "bufferedReflection": None,
        "bufferedReflectionTokens": None,
        "bufferedReflectionInputTokens": None,
        "reflectedObservationLineCount": None,
        "updatedAt": "2026-02-01",
    }
    assert load(emulator) == {**before, **cleared}


# Lines that were added while the reflection was written are kept behind it.
@pytest.mark.parametrize(
    ("active", "lines", "expected"),
    [
        ("a\nb\nc", 1, "summary\n\nb\nc"),
        ("a\nb\nc", 3, "summary"),
        ("a\nb\nc", 9, "summary"),
        ("a\nb\nc", None, "summary\n\na\nb\nc"),
        ("a\n\n  \n b \n\n", 1, "summary\n\nb"),
        ("a\n \n", 1, "summary"),
        ("", 0, "summary"),
    ],
)
def test_lines_after_the_reflected_ones_are_kept(
    emulator: Emulator, active: str, lines: int | None, expected: str
) -> None:
    insert(emulator, bufferedReflection="summary", activeObservations=active, reflectedObservationLineCount=lines)

    assert swap_reflection(emulator)["activeObservations"] == expected


# What the client sent counts for the new row, what is stored for the text.
def test_new_generation_takes_its_fields_from_the_sent_record(emulator: Emulator) -> None:
    insert(emulator, bufferedReflection="summary", generationCount=1, config="{}")

    result = swap_reflection(
        emulator, {"generationCount": 7, "config": '{"b":2}', "bufferedReflection": "sent", "scope": "resource"}
    )

    assert (result["generationCount"], result["config"], result["scope"]) == (8, '{"b":2}', "resource")
    assert result["activeObservations"] == "summary"


def test_absent_fields_stay_absent(emulator: Emulator) -> None:
    insert(emulator, bufferedReflection="summary")

    assert "observedTimezone" not in swap_reflection(emulator)
    assert "observedTimezone" not in load(emulator, "o-2")


# omUpdateConfig


def merged_config(emulator: Emulator, stored: str, sent: Any) -> Any:
    insert(emulator, config=stored)
    request = {"id": "o-1", "updatedAt": "2026-01-02", "config": sent}
    assert storage(emulator, "omUpdateConfig", **request) == {"ok": True}
    return json.loads(load(emulator)["config"])


def test_config_is_merged_deeply(emulator: Emulator) -> None:
    stored = '{"a":{"b":{"c":1,"d":2},"e":3},"f":4}'

    assert merged_config(emulator, stored, '{"a":{"b":{"c":9,"x":1}},"g":5}') == {
        "a": {"b": {"c": 9, "d": 2, "x": 1}, "e": 3},
        "f": 4,
        "g": 5,
    }


@pytest.mark.parametrize(
    ("stored", "sent", "expected"),
    [
        ('{"a":{"b":1}}', '{"a":null}', {"a": None}),
        ('{"a":null}', '{"a":{"b":1}}', {"a": {"b": 1}}),
        ('{"a":[1,2]}', '{"a":[3]}', {"a": [3]}),
        ('{"a":{"b":1}}', '{"a":[3]}', {"a": [3]}),
        ('{"a":[1]}', '{"a":{"b":1}}', {"a": {"b": 1}}),
        ('{"a":{"b":1}}', '{"a":0}', {"a": 0}),
    ],
)
def test_sent_value_wins_unless_both_are_objects(emulator: Emulator, stored: str, sent: str, expected: Any) -> None:
    assert merged_config(emulator, stored, sent) == expected


@pytest.mark.parametrize("bad", ["", "{a", "[1]", "null", "5"])
def test_malformed_stored_config_reads_as_empty(emulator: Emulator, bad: str) -> None:
    assert merged_config(emulator, bad, '{"a":1}') == {"a": 1}


@pytest.mark.parametrize("bad", ["", "{a", "[1]", "null", None, {"b": 2}])
def test_malformed_sent_config_reads_as_empty(emulator: Emulator, bad: Any) -> None:
    assert merged_config(emulator, '{"a":1}', bad) == {"a": 1}


def test_update_of_the_config_moves_the_time(emulator: Emulator) -> None:
    merged_config(emulator, "{}", "{}")

    assert load(emulator)["updatedAt"] == "2026-01-02"
