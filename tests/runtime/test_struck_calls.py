"""Calls that faults strike, in process: what runs, what is stored, what the caller and the journal are told."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from convex import ConvexError

from convex_mastra_emulator import Crons, Emulator, ManualClock, action, mutation, query
from convex_mastra_emulator.errors import (
    DeploymentUnreachable,
    EmulatorError,
    ErrorKind,
    FunctionError,
    RequestRefused,
)
from convex_mastra_emulator.runtime.struck_calls import EndlessFault

CONFLICT = (
    'Documents read from or written to the "notes" table changed while this mutation was being run and on every '
    "subsequent retry. See https://docs.convex.dev/error#1"
)
OVERLOADED = (
    "Too many concurrent requests in a short period of time. Spread out your requests out over time or throttle them "
    "to avoid errors."
)


def add(ctx: Any, args: Mapping[str, Any]) -> int:
    ctx.console.log("adding")
    ctx.db.insert("notes", {"text": args.get("text", "x")})
    return len(ctx.db.query("notes").collect())


def count(ctx: Any, args: Mapping[str, Any]) -> int:
    return len(ctx.db.query("notes").collect())


def catching(ctx: Any, args: Mapping[str, Any]) -> str:
    try:
        ctx.run_mutation("notes:add", {})
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "ran"


def change_arguments(ctx: Any, args: Any) -> Any:
    args["seen"] = [*args.get("seen", []), "once"]
    ctx.db.insert("notes", {})
    return args["seen"]


FUNCTIONS = {
    "notes:add": mutation(add),
    "notes:count": query(count),
    "notes:readOnly": mutation(count),
    "notes:fails": mutation(lambda ctx, args: [ctx.db.insert("notes", {}), 1 / 0]),
    "notes:changesArguments": mutation(change_arguments),
    "notes:act": action(lambda ctx, args: ctx.run_mutation("notes:add", args)),
    "notes:actCatching": action(catching),
    "notes:nest": mutation(catching),
    "notes:later": mutation(lambda ctx, args: ctx.scheduler.run_after(1000, "notes:add", args)),
    "notes:laterAct": mutation(lambda ctx, args: ctx.scheduler.run_after(1000, "notes:act", args)),
    "notes:actOnArguments": action(lambda ctx, args: ctx.run_mutation("notes:changesArguments", args)),
}


@pytest.fixture
def convex() -> Emulator:
    emulator = Emulator(seed=1, clock=ManualClock())
    for path, function in FUNCTIONS.items():
        emulator.define(path, function)
    return emulator


def stored(convex: Emulator) -> int:
    return convex.table_counts().get("notes", 0)


def seconds(convex: Emulator) -> float:
    return convex.clock.now_ns() / 1e9 - 1_700_000_000


# Write conflicts: 4 retries (UDF_EXECUTOR_OCC_MAX_RETRIES), both sides


def test_fourth_conflict_is_still_overcome(convex: Emulator) -> None:
    with convex.faults.fail("notes:add", "write_conflict", times=4) as fault:
        assert convex.mutation("notes:add") == 1

    assert (fault.count, stored(convex)) == (4, 1)
    [entry] = convex.journal
    assert (entry.fault, entry.error) == ("write_conflict ×4", None)  # noqa: RUF001
    assert str(entry).endswith("ms]  [fault: write_conflict ×4]")  # noqa: RUF001


def test_fifth_conflict_is_told(convex: Emulator) -> None:
    with (
        convex.faults.fail("notes:add", "write_conflict", times=5) as fault,
        pytest.raises(RequestRefused, match=f"^{re.escape(CONFLICT)}$") as caught,
    ):
        convex.mutation("notes:add")

    assert (caught.value.code, caught.value.kind.status) == ("OptimisticConcurrencyControlFailure", 503)
    assert (fault.count, stored(convex)) == (5, 0)
    [entry] = convex.journal
    assert (entry.fault, entry.error, entry.arguments) == ("write_conflict ×5", CONFLICT, {})  # noqa: RUF001


def test_only_the_last_try_is_told_of(convex: Emulator) -> None:
    convex.define("notes:loud", mutation(lambda ctx, args: [add(ctx, args), 1 / 0]))
    with convex.faults.fail("*", "write_conflict", times=2):
        convex.mutation("notes:add")
        with pytest.raises(FunctionError) as caught:
            convex.mutation("notes:loud")

    assert caught.value.log_lines == ("[LOG] 'adding'",)


# crates/database/src/committer.rs: what is read-only is committed without a look; what failed is never committed.
@pytest.mark.parametrize("path", ["notes:readOnly", "notes:fails", "notes:count"])
def test_what_does_not_commit_meets_no_conflict(convex: Emulator, path: str) -> None:
    with convex.faults.fail("*", "write_conflict") as fault:
        if path == "notes:fails":
            with pytest.raises(FunctionError, match="division by zero"):
                convex.mutation(path)
        elif path == "notes:count":
            assert convex.query(path) == 0
        else:
            assert convex.mutation(path) == 0

    assert fault.count == 0


def test_conflict_names_the_table_that_was_written_and_read(convex: Emulator) -> None:
    def body(ctx: Any, args: Any) -> None:
        ctx.db.query("other").collect()
        ctx.db.insert("blind", {})
        add(ctx, args)

    convex.define("notes:several", mutation(body))
    convex.faults.fail("*", "write_conflict")

    with pytest.raises(RequestRefused, match='to the "notes" table'):
        convex.mutation("notes:several")


# crates/errors/src/lib.rs ``system_occ``
def test_conflict_of_system_tables_has_words_of_its_own(convex: Emulator) -> None:
    convex.faults.fail("*", "write_conflict")

    with pytest.raises(RequestRefused, match=r"^Data read or written in this mutation changed while it was being run"):
        convex.mutation("notes:later")

    assert convex.scheduler.pending() == []


# A handler may change what it is handed; on a deployment every try gets its own.
def test_every_try_gets_fresh_arguments(convex: Emulator) -> None:
    for call in (convex.mutation, convex.action):
        path = "notes:changesArguments" if call == convex.mutation else "notes:actOnArguments"
        with convex.faults.fail("notes:changesArguments", "write_conflict", times=2) as fault:
            assert call(path, {"text": "x"}) == ["once"]
        assert fault.count == 2


def test_ids_and_times_go_on_after_conflicts(convex: Emulator) -> None:
    with convex.faults.fail("*", "write_conflict", times=3):
        convex.mutation("notes:add")
    convex.mutation("notes:add")

    times = convex.run(lambda ctx: [row["_creationTime"] for row in ctx.db.query("notes").collect()])
    assert len(times) == 2
    assert times == sorted(times)


# Refusals


@pytest.mark.parametrize("call", ["query", "mutation", "action"])
@pytest.mark.parametrize(
    ("error", "code", "kind", "text"),
    [
        ("overloaded", "ExecuteFullError", ErrorKind.OVERLOADED, OVERLOADED),
        ("refused", "BadRequest", ErrorKind.BAD_REQUEST, "The request was refused."),
        (
            "internal",
            "InternalServerError",
            ErrorKind.INTERNAL,
            "Your request couldn't be completed. Try again later.",
        ),
    ],
)
def test_refused_call_does_not_run(
    convex: Emulator, call: str, error: str, code: str, kind: ErrorKind, text: str
) -> None:
    convex.faults.fail("notes:*", error, times=1)
    path = {"query": "notes:count", "mutation": "notes:add", "action": "notes:act"}[call]

    with pytest.raises(RequestRefused) as caught:
        getattr(convex, call)(path, {"text": "y"})

    assert type(caught.value) is RequestRefused
    assert (str(caught.value), caught.value.code, caught.value.kind) == (text, code, kind)
    assert stored(convex) == 0
    [entry] = convex.journal
    assert (entry.fault, entry.error, entry.arguments) == (error, text, {"text": "y"})


# crates/application/src/application_function_runner/mod.rs: the word is made by adding an "s".
@pytest.mark.parametrize(
    ("path", "text"),
    [
        (
            "notes:count",
            "Too many concurrent requests. Your backend is limited to 16 concurrent querys. To get more resources, "
            "upgrade to Convex Pro. If you are already on Convex Pro, please contact support.",
        ),
        (
            "notes:add",
            "Too many concurrent requests. Your backend is limited to 16 concurrent mutations. To get more resources, "
            "upgrade to Convex Pro. If you are already on Convex Pro, please contact support.",
        ),
        (
            "notes:act",
            "Too many concurrent requests. Your backend is limited to 64 concurrent actions. If you need more "
            "resources, please contact support.",
        ),
    ],
)
def test_rate_limit_names_the_kind_of_function(convex: Emulator, path: str, text: str) -> None:
    convex.faults.fail("*", "rate_limited")
    call = {"notes:count": convex.query, "notes:add": convex.mutation, "notes:act": convex.action}[path]

    with pytest.raises(RequestRefused, match=f"^{re.escape(text)}$") as caught:
        call(path)

    assert (caught.value.code, caught.value.kind.status) == ("TooManyConcurrentRequests", 429)


@pytest.mark.parametrize("error", ["refused", "overloaded", "rate_limited"])
def test_code_and_message_are_the_tests_choice(convex: Emulator, error: str) -> None:
    convex.faults.fail("*", error, code="CommitterFullError", message="Too many commits.")

    with pytest.raises(RequestRefused, match=r"^Too many commits\.$") as caught:
        convex.mutation("notes:add")

    assert caught.value.code == "CommitterFullError"


# Answers


@pytest.mark.parametrize(("error", "is_stored"), [("connection_cut", False), ("answer_lost", True)])
def test_caller_without_an_answer_cannot_tell(convex: Emulator, error: str, *, is_stored: bool) -> None:
    convex.faults.fail("*", error)

    with pytest.raises(DeploymentUnreachable, match=r"^mutation notes:add: cannot reach the emulator: the connection "):
        convex.mutation("notes:add", {"text": "y"})

    assert stored(convex) == is_stored
    [entry] = convex.journal
    assert (entry.fault, entry.arguments) == (error, {"text": "y"})
    assert entry.error == (None if is_stored else "the connection was cut before anything ran")


def test_malformed_answer_comes_after_the_commit(convex: Emulator) -> None:
    convex.faults.fail("*", "malformed_json")

    with pytest.raises(RequestRefused, match=r'^200 without a JSON body: \{"status":"suc') as caught:
        convex.mutation("notes:add")

    assert (caught.value.code, stored(convex)) == ("InvalidResponse", 1)


def test_malformed_answer_of_a_failure_is_no_failure(convex: Emulator) -> None:
    convex.faults.fail("*", "malformed_json")

    with pytest.raises(RequestRefused, match=r"^200 without a JSON body: "):
        convex.mutation("notes:fails")


# Exceptions


def test_exception_is_the_functions(convex: Emulator) -> None:
    convex.faults.fail("notes:add", ValueError("no room"))

    for _ in range(2):
        with pytest.raises(FunctionError) as caught:
            convex.mutation("notes:add")
        assert caught.value.message == "Uncaught ValueError: no room"

    assert stored(convex) == 0
    assert [entry.fault for entry in convex.journal] == ["raises ValueError"] * 2


def test_convex_error_keeps_its_data(convex: Emulator) -> None:
    convex.faults.fail("notes:count", ConvexError("", {"code": "full"}))

    with pytest.raises(ConvexError) as caught:
        convex.query("notes:count")

    assert caught.value.data == {"code": "full"}


def test_exception_strikes_inside_a_transaction_too(convex: Emulator) -> None:
    convex.faults.fail("notes:add", RuntimeError)

    assert convex.mutation("notes:nest") == "ThrownError: Uncaught RuntimeError"
    [entry] = convex.journal
    assert (entry.fault, stored(convex)) == ("raises RuntimeError at notes:add", 0)


# They are part of their caller's transaction, and run where that runs.
def test_refusals_do_not_strike_inside_a_transaction(convex: Emulator) -> None:
    with convex.faults.fail("notes:add", "overloaded") as fault:
        assert convex.mutation("notes:nest") == "ran"

    assert fault.count == 0


# Calls of actions


@pytest.mark.parametrize(("error", "text"), [("overloaded", OVERLOADED), ("write_conflict", CONFLICT)])
def test_action_can_catch_everything(convex: Emulator, error: str, text: str) -> None:
    convex.faults.fail("notes:add", error)

    assert convex.action("notes:actCatching") == f"ThrownError: {text}"
    [entry] = convex.journal
    assert (
        entry.fault
        == {
            "overloaded": "overloaded at notes:add",
            "write_conflict": "write_conflict at notes:add ×5",  # noqa: RUF001
        }[error]
    )


def test_action_that_does_not_catch_fails_with_the_text(convex: Emulator) -> None:
    convex.faults.fail("notes:add", "internal")

    with pytest.raises(FunctionError) as caught:
        convex.action("notes:act")

    assert caught.value.message == "Uncaught Error: Your request couldn't be completed. Try again later."


def test_conflicts_of_an_actions_mutation_are_overcome(convex: Emulator) -> None:
    with convex.faults.fail("notes:add", "write_conflict", times=4):
        assert convex.action("notes:act") == 1

    [entry] = convex.journal
    assert entry.fault == "write_conflict at notes:add ×4"  # noqa: RUF001


def test_no_connection_is_cut_inside_a_deployment(convex: Emulator) -> None:
    with convex.faults.fail("notes:add", "connection_cut") as fault:
        assert convex.action("notes:act") == 1

    assert fault.count == 0


# Delays


@pytest.mark.parametrize("error", [None, "overloaded", "answer_lost", "connection_cut", "malformed_json", "internal"])
def test_delay_passes_by_the_emulators_clock(convex: Emulator, error: str | None) -> None:
    convex.faults.fail("*", error, delay=2.5)

    if error is None:
        convex.mutation("notes:add")
    else:
        with pytest.raises(EmulatorError):
            convex.mutation("notes:add")

    assert seconds(convex) == 2.5


def test_delay_inside_an_action_is_waited_once(convex: Emulator) -> None:
    convex.faults.fail("notes:add", delay=2)
    convex.faults.fail("notes:act", delay=1)

    convex.action("notes:act")

    assert seconds(convex) == 3
    [entry] = convex.journal
    assert entry.fault == "delay 1 s, delay 2 s at notes:add"


# Time that passes for a caller who waits passes for everybody.
def test_what_falls_due_meanwhile_runs(convex: Emulator) -> None:
    convex.mutation("notes:later")
    with convex.faults.fail("notes:count", delay=5):
        convex.query("notes:count")

    assert stored(convex) == 1


class Stopped:
    """A clock of somebody's own."""

    def now_ns(self) -> int:
        return 1_700_000_000 * 10**9


def test_clock_that_cannot_wait_is_told() -> None:
    convex = Emulator(clock=Stopped())
    convex.define("notes:count", FUNCTIONS["notes:count"])
    convex.faults.fail("*", delay=2)

    with pytest.raises(EmulatorError, match=r"^a fault with delay=2 needs a clock that can wait: give Stopped a metho"):
        convex.query("notes:count")


# Scheduled functions and crons


def test_scheduled_mutation_is_tried_beyond_the_fifth_conflict(convex: Emulator) -> None:
    convex.mutation("notes:later")
    with convex.faults.fail("notes:add", "write_conflict", times=30) as fault:
        assert convex.scheduler.run_until_idle() == 1

    assert (fault.count, stored(convex)) == (30, 1)
    assert [entry.fault for entry in convex.journal] == [None, "write_conflict ×30"]  # noqa: RUF001
    assert [job.state for job in convex.scheduler.all()] == ["success"]


def test_scheduled_mutation_that_would_be_tried_for_ever_is_told(convex: Emulator) -> None:
    convex.mutation("notes:later")
    text = (
        "the scheduled mutation notes:add met the fault write_conflict ×1000 and would be tried again for ever, as on "  # noqa: RUF001
        "a deployment; give the fault times="
    )
    with convex.faults.fail("notes:add", "write_conflict"), pytest.raises(EndlessFault, match=f"^{text}$"):
        convex.scheduler.run_until_idle()

    assert [job.state for job in convex.scheduler.all()] == ["pending"]
    assert convex.scheduler.run_until_idle() == 1
    assert stored(convex) == 1


def test_scheduled_function_fails_with_an_exception(convex: Emulator) -> None:
    convex.mutation("notes:later")
    with convex.faults.fail("notes:add", ValueError("no room")):
        convex.scheduler.run_until_idle()

    [job] = convex.scheduler.all()
    assert (job.state, job.error, stored(convex)) == ("failed", "Uncaught ValueError: no room\n", 0)


def test_scheduled_function_begins_later(convex: Emulator) -> None:
    convex.mutation("notes:laterAct")
    with convex.faults.fail("notes:act", delay=10):
        convex.scheduler.run_until_idle()

    assert seconds(convex) == 11
    assert [entry.fault for entry in convex.journal] == [None, "delay 10 s"]


# A deployment only tries again later: a refusal would be a delay under another name.
def test_refusals_do_not_strike_scheduled_functions(convex: Emulator) -> None:
    convex.mutation("notes:later")
    with convex.faults.fail("*", "overloaded") as fault:
        convex.scheduler.run_until_idle()

    assert (fault.count, stored(convex)) == (0, 1)


def test_cron_is_struck(convex: Emulator) -> None:
    crons = Crons()
    crons.interval("sweep", "notes:add", minutes=5)
    convex.define_crons(crons)
    assert isinstance(convex.clock, ManualClock)
    with convex.faults.fail("notes:add", "write_conflict", times=20) as fault:
        convex.clock.advance(1)
    with convex.faults.fail("notes:add", RuntimeError):
        convex.clock.advance(300)

    assert (fault.count, stored(convex)) == (20, 1)
    errors = [run.error for run in convex.scheduler.crons.by_id["sweep"].runs]
    assert errors == [None, "Uncaught RuntimeError"]


# Others


def test_missing_function_can_be_struck_too(convex: Emulator) -> None:
    convex.faults.fail("nowhere:f", "overloaded", times=1)

    with pytest.raises(RequestRefused, match="Too many concurrent requests"):
        convex.query("nowhere:f")
    with pytest.raises(FunctionError, match="Could not find"):
        convex.query("nowhere:f")


def test_inline_bodies_are_no_calls(convex: Emulator) -> None:
    convex.faults.fail("*", "write_conflict")
    convex.faults.fail("*", "overloaded")

    assert convex.run(lambda ctx: add(ctx, {})) == 1
