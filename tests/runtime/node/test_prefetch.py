"""Documents leave for Node in batches; what a function does not take is as if it had never been looked at."""

from collections.abc import Callable

import pytest

from convex_mastra_emulator import Emulator, FunctionError, Limits
from convex_mastra_emulator.runtime.node import pipes
from convex_mastra_emulator.runtime.node.prefetch import PrefetchedQuery
from convex_mastra_emulator.runtime.node.query_json import read_query
from tests.runtime.node.conftest import Write

QUERY = {"source": {"type": "FullTableScan", "tableName": "notes", "order": "asc"}, "operators": []}
FUNCTIONS = """
export const collected = query(async (ctx) => (await ctx.db.query("notes").collect()).length);
export const taken = query(async (ctx, { n }: any) => (await ctx.db.query("notes").take(n)).length);
export const stopped = query(async (ctx, { n }: any) => {
  let seen = 0;
  for await (const _ of ctx.db.query("notes")) if ((seen += 1) === n) break;
  return seen;
});
"""


@pytest.mark.parametrize(("rows", "is_done"), [(99, True), (100, True), (101, False)])
def test_a_batch_says_whether_it_is_the_last(convex: Emulator, rows: int, is_done: bool) -> None:
    def fetched(ctx: object) -> tuple[int, bool]:
        transaction = ctx.db.transaction  # type: ignore[attr-defined]
        query = PrefetchedQuery(transaction, read_query(QUERY, transaction.limits, "queryStream"))
        documents, was_last = query.fetch(100)
        return len(documents), was_last

    fill(convex, rows)

    assert convex.run(fetched) == (min(rows, 100), is_done)


@pytest.mark.parametrize(("rows", "round_trips"), [(0, 1), (100, 1), (101, 2), (200, 2), (201, 3)])
def test_documents_come_a_hundred_at_a_time(
    convex: Emulator, write: Write, syscalls: Callable[[], int], rows: int, round_trips: int
) -> None:
    convex.deploy(write(a=FUNCTIONS))
    fill(convex, rows)

    assert convex.query("a:collected") == rows
    assert syscalls() == round_trips


def test_taking_as_many_as_a_batch_holds_is_one_round_trip(
    convex: Emulator, write: Write, syscalls: Callable[[], int]
) -> None:
    convex.deploy(write(a=FUNCTIONS))
    fill(convex, 150)

    assert convex.query("a:taken", {"n": 100.0}) == 100
    assert syscalls() == 1


@pytest.mark.parametrize("taken", [99, 100])
def test_the_row_behind_what_was_taken_is_not_read(write: Write, taken: int) -> None:
    convex = Emulator(limits=Limits(documents_read_max=100))
    convex.deploy(write(a=FUNCTIONS))
    fill(convex, 150)

    assert convex.query("a:stopped", {"n": float(taken)}) == taken
    assert list(convex.journal)[-1].usage.documents_read == taken


def test_the_row_behind_a_full_batch_is_refused_when_it_is_taken(write: Write) -> None:
    convex = Emulator(limits=Limits(documents_read_max=100))
    convex.deploy(write(a=FUNCTIONS))
    fill(convex, 150)

    with pytest.raises(FunctionError, match="Too many documents read in a single function execution \\(limit: 100\\)"):
        convex.query("a:stopped", {"n": 101.0})


def fill(convex: Emulator, rows: int) -> None:
    """Puts documents into the table ``notes``."""
    convex.run(lambda ctx: [ctx.db.insert("notes", {"n": float(n)}) for n in range(rows)])


@pytest.fixture
def syscalls(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Tells how many requests came from Node."""
    kinds: list[int] = []
    receive = pipes.NodeProcess.receive

    def counted(process: pipes.NodeProcess, seconds: float | None) -> tuple[int, str]:
        frame = receive(process, seconds)
        kinds.append(frame[0])
        return frame

    monkeypatch.setattr(pipes.NodeProcess, "receive", counted)
    return lambda: kinds.count(pipes.SYSCALL)
