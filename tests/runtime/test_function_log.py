"""The log of a deployment: which runs stand in it, by whom they were started, and how many are kept.

convex-backend crates/application/src/function_log.rs (convex-wire.md §5.2).
"""

import math
import random
from contextlib import suppress
from typing import Any

import pytest

from convex_mastra_emulator import (
    ADMIN,
    ANONYMOUS,
    Crons,
    Emulator,
    FunctionError,
    HttpActionResponse,
    HttpRouter,
    ManualClock,
    acting_as,
    action,
    http_action,
    internal_mutation,
    mutation,
    query,
)
from convex_mastra_emulator.errors import RequestRefused, ThrownError
from convex_mastra_emulator.runtime.arguments import python_arguments
from convex_mastra_emulator.runtime.function_log import FunctionLog, Line, Request, Run
from convex_mastra_emulator.runtime.functions import FunctionKind


def add(ctx: Any, args: Any) -> str:
    ctx.console.log("adding")
    return str(ctx.db.insert("notes", {"n": args.get("n", 0)}))


def act(ctx: Any, args: Any) -> int:
    ctx.console.log("before")
    ctx.run_mutation("notes:add", {})
    count: int = ctx.run_query("notes:count", {})
    ctx.console.warn("after")
    return count


@pytest.fixture
def convex(emulator: Emulator) -> Emulator:
    emulator.define("notes:add", mutation(add))
    emulator.define("notes:count", query(lambda ctx, args: len(ctx.db.query("notes").collect())))
    emulator.define("notes:act", action(act))
    emulator.define("notes:nested", mutation(lambda ctx, args: ctx.run_mutation("notes:add", {})))
    emulator.define("notes:hidden", internal_mutation(add))
    return emulator


def entries(convex: Emulator) -> list[Run | Line]:
    return convex.log.after(0.0)[0]


def runs(convex: Emulator) -> list[Run]:
    return [entry for entry in entries(convex) if isinstance(entry, Run)]


def names(convex: Emulator) -> list[str]:
    return [run.name if isinstance(run.name, str) else run.name.stripped for run in runs(convex)]


# What runs


def test_a_run_tells_what_it_logged_and_used(convex: Emulator) -> None:
    document_id = convex.mutation("notes:add", {"n": 5})

    [run] = runs(convex)
    assert (run.kind, run.caller, run.log_lines, run.error) == ("Mutation", "HttpApi", ("[LOG] 'adding'",), None)
    assert run.usage.documents_written == 1
    assert run.return_size == len(document_id) + 2
    assert run.environment == "isolate"


# A deployment notes each run of an action's queries and mutations by itself, and what they used with them alone.
def test_what_an_action_calls_are_runs_of_their_own(convex: Emulator) -> None:
    convex.action("notes:act")

    assert names(convex) == ["notes:add", "notes:count", "notes:act"]
    added, counted, acted = runs(convex)
    assert [run.caller for run in (added, counted, acted)] == ["Action", "Action", "HttpApi"]
    assert (added.parent, counted.parent, acted.parent) == (acted, acted, None)
    assert [run.usage.documents_written for run in (added, counted, acted)] == [1, 0, 0]
    assert len({run.request.id for run in (added, counted, acted)}) == 1
    assert len({run.id for run in (added, counted, acted)}) == 3


def test_a_function_called_inside_a_transaction_is_no_run(convex: Emulator) -> None:
    convex.mutation("notes:nested")

    assert names(convex) == ["notes:nested"]
    assert runs(convex)[0].log_lines == ("[LOG] 'adding'",)


def test_lines_of_an_action_are_told_while_it_runs(convex: Emulator) -> None:
    seen: list[int] = []
    convex.define("notes:look", query(lambda ctx, args: seen.append(len(entries(convex)))))

    def body(ctx: Any, args: Any) -> None:
        ctx.console.log("one")
        ctx.run_query("notes:look", {})

    convex.define("notes:acts", action(body))
    convex.action("notes:acts")

    assert seen == [1]
    first = entries(convex)[0]
    assert isinstance(first, Line)
    assert (first.text, first.run) == ("[LOG] 'one'", runs(convex)[-1])


def test_scheduled_functions_and_crons_are_runs(convex: Emulator, clock: ManualClock) -> None:
    crons = Crons()
    crons.interval("often", "notes:act", {}, hours=1)
    convex.define_crons(crons)
    convex.run(lambda ctx: ctx.scheduler.run_after(1000, "notes:hidden", {}))

    clock.advance(2)
    clock.advance(3600)

    callers = dict(zip(names(convex), [run.caller for run in runs(convex)], strict=True))
    assert callers == {"notes:hidden": "Scheduler", "notes:add": "Action", "notes:count": "Action", "notes:act": "Cron"}


def test_an_http_action_is_a_run_with_its_status(convex: Emulator) -> None:
    def answer(ctx: Any, request: Any) -> HttpActionResponse:
        ctx.console.log("asked")
        ctx.run_mutation("notes:add", {})
        return HttpActionResponse("no", 418)

    router = HttpRouter()
    router.route(path="/tea", method="GET", handler=http_action(answer))
    convex.define_http(router)

    convex.http_request("GET", "/tea?sugar=1")
    convex.http_request("POST", "/other")

    inner, tea, other = runs(convex)
    assert (inner.caller, inner.parent) == ("Action", tea)
    assert (tea.kind, tea.name, tea.caller, tea.status) == ("HttpAction", "GET /tea", "HttpEndpoint", 418)
    assert (other.name, other.status) == ("POST /other", 404)


def test_without_http_actions_nothing_is_noted(convex: Emulator) -> None:
    convex.http_request("GET", "/tea")

    assert entries(convex) == []


def test_an_http_action_that_fails_tells_why(convex: Emulator) -> None:
    def fail(ctx: Any, request: Any) -> None:
        raise ThrownError("no tea")

    router = HttpRouter()
    router.route(path="/tea", method="GET", handler=http_action(fail))
    convex.define_http(router)

    convex.http_request("GET", "/tea")

    [run] = runs(convex)
    assert run.status is None
    assert run.error is not None
    assert run.error.startswith("Uncaught Error: no tea\n")


# Failures


def test_a_failed_run_has_the_id_its_caller_was_told(convex: Emulator) -> None:
    def fail(ctx: Any, args: Any) -> None:
        ctx.console.log("last words")
        raise ValueError("boom")

    convex.define("notes:fail", query(fail))

    with pytest.raises(FunctionError) as told:
        convex.query("notes:fail")

    [run] = runs(convex)
    assert run.error is not None
    assert run.error.startswith("Uncaught ValueError: boom\n    at fail (")
    assert (run.log_lines, run.return_size) == (("[LOG] 'last words'",), None)
    assert f"[Request ID: {run.request.id}]" in str(told.value)


@pytest.mark.parametrize(
    ("kind", "environment"), [(FunctionKind.QUERY, "isolate"), (FunctionKind.ACTION, "invalid"), (None, None)]
)
def test_a_function_that_is_not_there_is_noted_with_its_kind(
    convex: Emulator, kind: FunctionKind | None, environment: str | None
) -> None:
    convex.call("notes:nothing", python_arguments({}), kind, ADMIN)

    assert [run.environment for run in runs(convex)] == ([] if environment is None else [environment])


def test_a_refused_run_tells_the_deployments_words(convex: Emulator) -> None:
    convex.faults.fail("notes:add", "write_conflict")

    with pytest.raises(RequestRefused):
        convex.mutation("notes:add")

    [run] = runs(convex)
    assert run.error is not None
    assert "changed while this mutation was being run" in run.error
    assert run.return_size is None


def test_the_deployments_own_functions_are_not_noted(convex: Emulator) -> None:
    convex.define_system({"_system/cli/tables:default": query(lambda ctx, args: [])})

    convex.query("_system/cli/tables")

    assert entries(convex) == []


# Who


def test_the_caller_is_told(convex: Emulator) -> None:
    user = {"issuer": "i", "subject": "s"}
    for identity in (ANONYMOUS, ADMIN, acting_as(user)):
        convex.query("notes:count", identity=identity)

    assert [run.identity for run in runs(convex)] == [ANONYMOUS, ADMIN, acting_as(user)]


# Cursors


def new_log(clock: ManualClock, runs_max: int = 1000) -> FunctionLog:
    return FunctionLog(clock, random.Random(1), runs_max)


def note(log: FunctionLog, name: str) -> Run:
    run = log.begin(Request(), name, "HttpAction", ANONYMOUS)
    log.end(run, (), run.usage, None)
    return run


def test_only_what_is_behind_a_cursor_is_told(clock: ManualClock) -> None:
    log = new_log(clock)
    first = note(log, "first")

    entries, cursor = log.after(0.0)
    second = note(log, "second")

    assert (entries, cursor) == ([first], clock.now_ns() / 1e6)
    assert log.after(cursor)[0] == [second]
    assert log.after(cursor)[1] > cursor
    assert log.after(log.after(cursor)[1]) == ([], log.after(cursor)[1])


# Two runs of one instant, of a clock that stands still, must both be told to whoever saw one of them.
def test_no_two_entries_have_the_same_cursor(clock: ManualClock) -> None:
    log = new_log(clock)
    cursors = []
    for _ in range(3):
        note(log, "again")
        cursors.append(log.after(0.0)[1])

    assert cursors == sorted(set(cursors))


@pytest.mark.parametrize(("cursor", "count"), [(math.nan, 1), (-math.inf, 1), (math.inf, 0)])
def test_a_cursor_that_is_no_time(clock: ManualClock, cursor: float, count: int) -> None:
    log = new_log(clock)
    note(log, "only")

    assert len(log.after(cursor)[0]) == count


def test_the_oldest_runs_go_with_the_lines_before_them(clock: ManualClock) -> None:
    log = new_log(clock, runs_max=2)
    first = log.begin(Request(), "first", "HttpAction", ANONYMOUS)
    log.say(first, "[LOG] 'one'")
    log.end(first, (), first.usage, None)
    second = note(log, "second")
    assert len(log.after(0.0)[0]) == 3

    third = note(log, "third")

    assert log.after(0.0)[0] == [second, third]


def test_a_thousand_runs_are_kept(convex: Emulator) -> None:
    for number in range(1001):
        convex.mutation("notes:add", {"n": number})

    assert len(entries(convex)) == 1000


def test_listeners_are_told_of_every_entry(convex: Emulator) -> None:
    told: list[int] = []
    convex.log.listeners.append(lambda: told.append(len(entries(convex))))

    convex.action("notes:act")

    assert told == [1, 2, 3, 4, 5]


# Whoever looks at the log must not change what a seed makes of the calls that follow.
def test_reading_the_log_draws_from_no_other_chance(convex: Emulator) -> None:
    def text_of_failure(emulator: Emulator) -> str:
        with pytest.raises(FunctionError) as told:
            emulator.query("notes:nothing")
        return str(told.value)

    twin = Emulator(seed=1, clock=ManualClock())
    for emulator in (convex, twin):
        with suppress(FunctionError):
            emulator.query("notes:nothing")
    convex.mutation("notes:add")
    entries(convex)

    assert text_of_failure(convex) == text_of_failure(twin)


def test_names_of_requests_and_runs_are_repeatable() -> None:
    def ids() -> list[tuple[str | None, str | None]]:
        emulator = Emulator(seed=7, clock=ManualClock())
        emulator.define("notes:add", mutation(add))
        emulator.mutation("notes:add")
        return [(run.request.id, run.id) for run in runs(emulator)]

    assert ids() == ids()
    [(request_id, run_id)] = ids()
    assert request_id is not None
    assert len(request_id) == 16
    assert run_id is not None
    assert run_id[14] == "4"
