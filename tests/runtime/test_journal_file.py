"""A journal in a file: nothing is lost, and what is no journal is refused with the line and the field."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from convex import ConvexInt64
from hypothesis import given
from hypothesis import strategies as st

from convex_mastra_emulator import ADMIN, ANONYMOUS, Emulator, Limits, acting_as, mutation, query, user_identity
from convex_mastra_emulator.journal import ENTRIES_MAX, Journal, JournalEntry
from convex_mastra_emulator.runtime.journal_file import MalformedJournal
from convex_mastra_emulator.usage import QueryUsage, Usage
from convex_mastra_emulator.values.size import take_in
from pytest_mastra_convex.strategies import convex_values

USER = {"issuer": "https://example.test", "roles": ["a", 1.0], "subject": "ada"}
USAGES = st.sampled_from(
    [
        Usage(),
        Usage(documents_read=3, largest_document=("id", 5), deepest_document=("id", 2)),
        Usage(queries=(QueryUsage("notes", "by_topic", 3, 1, 99, True, filtered_by=("a", "b")),), queries_dropped=2),
    ]
)
ENTRIES = st.builds(
    JournalEntry,
    st.sampled_from(["query", "mutation", "action", "scheduled", "function"]),
    st.text(),
    st.none() | st.dictionaries(st.sampled_from("abc"), convex_values()),
    convex_values(),
    st.none() | st.text(),
    USAGES,
    st.integers(0, 1 << 60),
    st.none() | st.text(),
    st.sampled_from([None, ADMIN, ANONYMOUS, user_identity(USER), acting_as(USER)]),
    st.integers(0, 1 << 62),
)


def journal_of(entries: list[JournalEntry]) -> Journal:
    journal = Journal()
    for entry in entries:
        journal.add(entry)
    return journal


def told(entry: JournalEntry) -> str:
    """All of an entry, objects in the order of values; the text tells -0.0 from 0.0, and takes one NaN for another."""
    arguments, value = (take_in(part, Limits()).value for part in (entry.arguments, entry.value))
    return repr(replace(entry, arguments=arguments, value=value))


@given(entries=st.lists(ENTRIES, max_size=3))
def test_what_is_saved_is_loaded(tmp_path_factory: pytest.TempPathFactory, entries: list[JournalEntry]) -> None:
    path = tmp_path_factory.mktemp("journal") / "calls.jsonl"

    loaded = Journal.load(journal_of(entries).save(path))

    assert [told(entry) for entry in loaded] == [told(entry) for entry in entries]


def test_numbers_of_both_kinds_and_bytes_keep_their_types(tmp_path: Path) -> None:
    value = [ConvexInt64(1), 1.0, b"\xff", float("inf")]

    loaded = Journal.load(journal_of([JournalEntry("query", "a:b", {"x": value})]).save(tmp_path / "j"))

    assert [entry.arguments["x"] for entry in loaded] == [value]
    assert type(next(iter(loaded)).arguments["x"][0]) is ConvexInt64


def test_dropped_calls_stay_counted(tmp_path: Path) -> None:
    journal = Journal(entries_max=2)
    for number in range(5):
        journal.add(JournalEntry("query", "a:b", {"n": float(number)}))

    loaded = Journal.load(journal.save(tmp_path / "j"))

    assert (loaded.count, loaded.dropped, len(loaded)) == (5, 3, 2)


@pytest.mark.parametrize("count", [ENTRIES_MAX, ENTRIES_MAX + 1])
def test_large_journal_is_loaded_whole(tmp_path: Path, count: int) -> None:
    journal = Journal(entries_max=count)
    for _ in range(count):
        journal.add(JournalEntry("query", "a:b", {}))

    assert len(Journal.load(journal.save(tmp_path / "j"))) == count


# What a bug report is for: the failure shows again on another machine.
def test_loaded_journal_replays(tmp_path: Path) -> None:
    emulators = [Emulator(seed=seed) for seed in (1, 2)]
    for emulator in emulators:
        emulator.define("notes:add", mutation(lambda ctx, args: ctx.db.insert("notes", args)))
        emulator.define("notes:get", query(lambda ctx, args: ctx.db.get(args["id"])))
    note = emulators[0].mutation("notes:add", {"a": 1})
    emulators[0].query("notes:get", {"id": note})

    replayed = Journal.load(emulators[0].journal.save(tmp_path / "j")).replay(on=emulators[1])

    assert [each.is_same for each in replayed] == [True, True]


def test_file_is_lines_of_json(tmp_path: Path) -> None:
    path = journal_of([JournalEntry("query", "a:b", {"n": ConvexInt64(1)}, "ä")]).save(tmp_path / "j")

    head, line = map(json.loads, path.read_text(encoding="ascii").splitlines())

    assert head == {"convexJournal": 1, "calls": 1}
    assert line == {"kind": "query", "path": "a:b", "arguments": {"n": {"$integer": "AQAAAAAAAAA="}}, "value": "ä"}


LINE = '{"kind": "query", "path": "a:b", "arguments": {}}'
HEAD = '{"convexJournal": 1, "calls": 1}'


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([], r"line 1: 'convexJournal' must be 1, got None"),
        (["{}"], r"line 1: 'convexJournal' must be 1, got None"),
        (['{"convexJournal": 2}'], r"line 1: 'convexJournal' must be 1, got 2"),
        (["no"], r"line 1: is no JSON"),
        (["[]"], r"line 1: must be an object, got list"),
        (['{"convexJournal": 1}', LINE], r"line 1: 'calls' must be at least 1, got None"),
        (['{"convexJournal": 1, "calls": 0}', LINE], r"line 1: 'calls' must be at least 1, got 0"),
        ([HEAD, '{"kind": "query", "path": "a:b"}'], r"line 2: 'arguments' is missing"),
        ([HEAD, LINE.replace('"kind"', '"sort"')], r"line 2: 'kind' is missing"),
        ([HEAD, LINE[:-1] + ', "x": 1}'], r"line 2: 'x' is not known; there are kind, path, "),
        ([HEAD, LINE.replace("{}", '{"$integer": "?"}')], r"line 2: 'arguments' cannot be read"),
        ([HEAD, LINE.replace('"a:b"', "5")], r"line 2: 'path' cannot be read: must be a text, got 5"),
        ([HEAD, LINE[:-1] + ', "usage": {"apples": 1}}'], r"line 2: 'usage' cannot be read"),
        ([HEAD, LINE[:-1] + ', "duration_ns": "1"}'], r"line 2: 'duration_ns' cannot be read"),
        ([HEAD, LINE[:-1] + ', "identity": {}}'], r"line 2: 'identity' cannot be read"),
    ],
)
def test_what_is_no_journal_is_refused(tmp_path: Path, lines: list[str], problem: str) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")

    with pytest.raises(MalformedJournal, match=problem) as caught:
        Journal.load(path)

    assert str(caught.value).startswith("calls.jsonl: ")


def test_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "j").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(MalformedJournal, match=r"^j: is no text"):
        Journal.load(tmp_path / "j")


# The plugin's journal of a deployment at a URL holds what the caller gave.
def test_python_values_are_written_as_the_values_they_stand_for(tmp_path: Path) -> None:
    entries = [JournalEntry("query", "a:b", {"n": 1, "list": (1, 2)}), JournalEntry("socket", "sync", None, object)]

    first, second = Journal.load(journal_of(entries).save(tmp_path / "j"))

    assert first.arguments == {"n": 1.0, "list": [1.0, 2.0]}
    assert second.value == "<class 'object'>"
