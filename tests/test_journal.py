"""The journal: the last calls, bounded, one line each."""

from contextlib import suppress

from convex_mastra_emulator import ADMIN, ANONYMOUS, Emulator, EmulatorError, ManualClock, query
from convex_mastra_emulator.journal import Journal, JournalEntry, shown


def entry(number: int) -> JournalEntry:
    return JournalEntry("query", f"notes:f{number}", {"n": number}, number)


def test_entries_come_in_the_order_of_the_calls() -> None:
    journal = Journal()

    for number in range(3):
        journal.add(entry(number))

    assert [item.path for item in journal] == ["notes:f0", "notes:f1", "notes:f2"]


# A run of a million calls must not keep a million of them.
def test_the_oldest_go_and_are_counted() -> None:
    journal = Journal(entries_max=2)

    for number in range(5):
        journal.add(entry(number))

    assert (len(journal), journal.count) == (2, 5)
    assert journal.lines()[0] == "(3 earlier calls are no longer kept)"
    assert [item.path for item in journal] == ["notes:f3", "notes:f4"]


def test_a_full_journal_hides_nothing() -> None:
    journal = Journal(entries_max=2)

    journal.add(entry(0))
    journal.add(entry(1))

    assert len(journal.lines()) == 2


def test_cleared_journal_is_empty() -> None:
    journal = Journal()
    journal.add(entry(1))

    journal.clear()

    assert (len(journal), journal.count, journal.lines()) == (0, 0, [])


def test_line_says_call_answer_and_time() -> None:
    done = JournalEntry("mutation", "notes:add", {"a": 1.0}, "id", duration_ns=1_500_000)
    failed = JournalEntry("mutation", "notes:add", {"a": 1.0}, error="No.")
    struck = JournalEntry("mutation", "notes:add", {}, "id", fault="answer_lost")

    assert str(done) == "mutation notes:add {'a': 1.0} -> id  [1.50 ms]"
    assert str(failed) == "mutation notes:add {'a': 1.0} -> failed: No.  [0.00 ms]"
    assert str(struck) == "mutation notes:add {} -> id  [0.00 ms]  [fault: answer_lost]"


def test_long_values_are_cut() -> None:
    assert shown("x" * 300) == "x" * 300
    assert shown("x" * 301) == "x" * 300 + "… (301 characters)"


# Whoever reads the journal of a test of permissions wants to know who called.
def test_entry_knows_who_called_and_when() -> None:
    emulator = Emulator(clock=ManualClock(1_000.0))

    with suppress(EmulatorError):
        emulator.query("mastra/storage:nowhere", identity=ANONYMOUS)
    emulator.define("notes:all", query(lambda ctx, args: ctx.db.query("notes").collect()))
    emulator.query("notes:all")

    refused, called = emulator.journal
    assert (refused.identity, refused.timestamp_ns) == (ANONYMOUS, 0)
    assert (called.identity, called.timestamp_ns) == (ADMIN, 1_000_000_000_000)


# In its log a test sees what it has sent, also when no function of that name is there.
def test_arguments_of_a_call_that_found_no_function_are_kept() -> None:
    convex = Emulator()

    with suppress(EmulatorError):
        convex.mutation("notes:ad", {"author": "ada"})

    [told] = convex.journal
    assert told.arguments == {"author": "ada"}
