"""`ctx.db.system`: the tables a deployment keeps itself, to read (convex-engine.md §3.3 and §5.4).

convex-js src/server/impl/database_impl.ts, convex-backend crates/database/src/bootstrap_model/user_facing.rs.
"""

from collections.abc import Callable
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, FunctionError, Limits, ManualClock, mutation, query, undefined
from convex_mastra_emulator.runtime.arguments import python_arguments
from convex_mastra_emulator.runtime.functions import FunctionKind
from convex_mastra_emulator.runtime.identity import ADMIN
from convex_mastra_emulator.runtime.subscriptions import Subscription
from convex_mastra_emulator.values.ids import encode_id

JOBS = "_scheduled_functions"
SCHEDULED_ID = encode_id(539, bytes(16))
STORAGE_ID = encode_id(540, bytes(16))
PRIVATE_ID = encode_id(513, bytes(16))


def run(emulator: Emulator, body: Callable[[Any], Any]) -> Any:
    emulator.define("t:body", mutation(lambda ctx, args: body(ctx)))
    return emulator.mutation("t:body")


def message(emulator: Emulator, body: Callable[[Any], Any]) -> str:
    with pytest.raises(FunctionError) as refused:
        run(emulator, body)
    return refused.value.message


@pytest.fixture
def emulator(emulator: Emulator) -> Emulator:
    emulator.define("t:nothing", mutation(lambda ctx, args: None))
    return emulator


def schedule(emulator: Emulator, *delays: float) -> list[str]:
    return list(emulator.run(lambda ctx: [ctx.scheduler.run_after(delay, "t:nothing") for delay in delays]))


# Reading


def test_a_job_is_read_by_its_id(emulator: Emulator) -> None:
    [job_id] = schedule(emulator, 0)

    assert run(emulator, lambda ctx: ctx.db.system.get(job_id)["_id"]) == job_id
    assert run(emulator, lambda ctx: ctx.db.system.get(JOBS, job_id)["_id"]) == job_id


@pytest.mark.parametrize("document_id", [SCHEDULED_ID, STORAGE_ID, PRIVATE_ID])
def test_an_id_nothing_has_is_nothing(emulator: Emulator, document_id: str) -> None:
    assert run(emulator, lambda ctx: ctx.db.system.get(document_id)) is None


def test_what_was_read_is_a_copy(emulator: Emulator) -> None:
    [job_id] = schedule(emulator, 0)

    def body(ctx: Any) -> Any:
        ctx.db.system.get(job_id)["state"]["kind"] = "changed"
        return ctx.db.system.get(job_id)["state"]

    assert run(emulator, body) == {"kind": "pending"}


def test_jobs_are_queried_in_the_order_of_their_creation(emulator: Emulator) -> None:
    ids = schedule(emulator, 5000, 0, 1000)

    rows = run(emulator, lambda ctx: ctx.db.system.query(JOBS).collect())
    newest = run(emulator, lambda ctx: ctx.db.system.query(JOBS).order("desc").first())

    assert [row["_id"] for row in rows] == ids
    assert newest["_id"] == ids[2]


def test_jobs_can_be_filtered(emulator: Emulator) -> None:
    ids = schedule(emulator, 0, 5000)
    emulator.scheduler.run_due()

    rows = run(
        emulator,
        lambda ctx: ctx.db.system.query(JOBS).filter(lambda q: q.eq(q.field("state.kind"), "pending")).collect(),
    )

    assert [row["_id"] for row in rows] == ids[1:]


def test_the_built_in_indexes_can_be_used(emulator: Emulator) -> None:
    [job_id, _] = schedule(emulator, 0, 5000)

    row = run(
        emulator, lambda ctx: ctx.db.system.query(JOBS).with_index("by_id", lambda q: q.eq("_id", job_id)).unique()
    )

    assert row["_id"] == job_id


# The emulator has an index of its own for jobs that wait; a function must not see it.
@pytest.mark.parametrize(
    ("index", "text"),
    [
        ("by_state", "Index _scheduled_functions.by_state not found"),
        (" pending", "Identifiers must start with a letter"),
    ],
)
def test_there_are_no_other_indexes(emulator: Emulator, index: str, text: str) -> None:
    schedule(emulator, 0)

    assert text in message(emulator, lambda ctx: ctx.db.system.query(JOBS).with_index(index, lambda q: q).collect())


def test_files_are_a_table_without_rows(emulator: Emulator) -> None:
    assert run(emulator, lambda ctx: ctx.db.system.query("_storage").collect()) == []


def test_other_system_tables_are_as_if_they_were_missing(emulator: Emulator) -> None:
    assert run(emulator, lambda ctx: ctx.db.system.query("_modules").collect()) == []


def test_ids_of_system_tables_are_known(emulator: Emulator) -> None:
    [job_id] = schedule(emulator, 0)

    assert run(emulator, lambda ctx: ctx.db.system.normalize_id(JOBS, job_id)) == job_id
    assert run(emulator, lambda ctx: ctx.db.system.normalize_id("_storage", job_id)) is None


def test_jobs_are_read_for_free() -> None:
    emulator = Emulator(clock=ManualClock(), seed=1, limits=Limits(documents_read_max=1))
    emulator.define("t:nothing", mutation(lambda ctx, args: None))
    schedule(emulator, 0, 1, 2)

    assert len(run(emulator, lambda ctx: ctx.db.system.query(JOBS).collect())) == 3
    assert emulator.usage.documents_read == 0


# The wrong side


def test_users_tables_are_refused_by_the_systems_side(emulator: Emulator) -> None:
    users = "User tables can only be accessed from db"

    assert message(emulator, lambda ctx: ctx.db.system.query("notes")) == f"Uncaught Error: {users}.query()."
    assert (
        message(emulator, lambda ctx: ctx.db.system.normalize_id("notes", "x"))
        == f"Uncaught Error: {users}.normalizeId()."
    )
    assert (
        message(emulator, lambda ctx: ctx.db.system.get(ctx.db.insert("notes", {})))
        == "Uncaught Error: User tables cannot be accessed with db.system."
    )


def test_system_tables_are_refused_by_the_users_side(emulator: Emulator) -> None:
    system = "System tables can only be accessed"

    assert message(emulator, lambda ctx: ctx.db.query(JOBS)) == f"Uncaught Error: {system} from db.system.query()."
    assert (
        message(emulator, lambda ctx: ctx.db.normalize_id(JOBS, SCHEDULED_ID))
        == f"Uncaught Error: {system} from db.system.normalizeId()."
    )
    assert message(emulator, lambda ctx: ctx.db.get(SCHEDULED_ID)) == f"Uncaught Error: {system} with db.system."


@pytest.mark.parametrize(
    "write",
    [
        lambda ctx, job_id: ctx.db.patch(job_id, {"name": "x"}),
        lambda ctx, job_id: ctx.db.replace(job_id, {}),
        lambda ctx, job_id: ctx.db.delete(job_id),
    ],
    ids=["patch", "replace", "delete"],
)
def test_jobs_cannot_be_written(emulator: Emulator, write: Callable[[Any, str], None]) -> None:
    [job_id] = schedule(emulator, 5000)

    text = message(emulator, lambda ctx: write(ctx, job_id))

    assert text == "Uncaught Error: System tables can only be accessed with db.system."
    assert len(emulator.scheduler.pending()) == 1


def test_the_systems_side_has_no_writes(emulator: Emulator) -> None:
    def body(ctx: Any) -> list[bool]:
        return [hasattr(ctx.db.system, name) for name in ("insert", "patch", "replace", "delete")]

    assert run(emulator, body) == [False] * 4


# Arguments


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (lambda ctx: ctx.db.system.get(undefined), "Must provide arg 1 `id` to `get`"),
        (lambda ctx: ctx.db.system.get(5), "Invalid argument `id` for `db.get`, expected string but got 'number': 5"),
        (lambda ctx: ctx.db.system.get("garbage"), "Invalid argument `id` for `db.get`: Unable to decode ID"),
        (
            lambda ctx: ctx.db.system.get("_storage", SCHEDULED_ID),
            'expected to be an Id<"_storage">, got Id<"_scheduled_functions"> instead.',
        ),
        (lambda ctx: ctx.db.system.normalize_id(JOBS, undefined), "Must provide arg 2 `id` to `normalizeId`"),
    ],
)
def test_bad_arguments_are_refused(emulator: Emulator, body: Callable[[Any], Any], text: str) -> None:
    assert text in message(emulator, body)


# Watching


def watched(emulator: Emulator, body: Callable[[Any], Any]) -> list[int]:
    """How often somebody who has run this as a query is told of a change."""
    told: list[int] = []
    emulator.define("t:watch", query(lambda ctx, args: body(ctx)))
    outcome = emulator.call("t:watch", python_arguments(None), FunctionKind.QUERY, ADMIN)
    assert outcome.read_set is not None
    emulator.watch(Subscription(outcome.read_set, lambda: told.append(1)))
    return told


def test_watchers_of_a_job_are_told_of_its_run(emulator: Emulator) -> None:
    [job_id] = schedule(emulator, 0)
    told = watched(emulator, lambda ctx: ctx.db.system.get(job_id))

    emulator.scheduler.run_due()

    assert told == [1]


def test_watchers_of_all_jobs_are_told_of_a_new_one(emulator: Emulator) -> None:
    told = watched(emulator, lambda ctx: ctx.db.system.query(JOBS).collect())

    schedule(emulator, 5000)

    assert told == [1]


def test_watchers_of_one_job_are_not_told_of_others(emulator: Emulator) -> None:
    [job_id] = schedule(emulator, 5000)
    told = watched(emulator, lambda ctx: ctx.db.system.get(job_id))

    schedule(emulator, 5000)

    assert told == []
