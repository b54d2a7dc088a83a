"""The front door: an emulator is empty, shared with nobody, repeatable, undoable, and safe among threads."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from convex_mastra_emulator import (
    ConvexError,
    Emulator,
    EmulatorError,
    FunctionError,
    Limits,
    ManualClock,
    action,
    internal_query,
    mutation,
    query,
)
from convex_mastra_emulator.errors import LimitReached, RequestRefused, UnsupportedType
from convex_mastra_emulator.runtime.identity import ANONYMOUS
from convex_mastra_emulator.schema import define_schema, define_table, v


def insert(emulator: Emulator, text: str = "a") -> str:
    return str(emulator.run(lambda ctx: ctx.db.insert("front_notes", {"text": text})))


def texts(emulator: Emulator) -> list[str]:
    return sorted(emulator.run(lambda ctx: [note["text"] for note in ctx.db.query("front_notes").collect()]))


# A new emulator


def test_new_emulator_is_empty() -> None:
    with Emulator() as emulator:
        assert emulator.table_counts() == {}


def test_new_emulator_has_mastras_functions() -> None:
    assert Emulator().function_paths() == [
        "mastra/cache:handle",
        "mastra/nativeVector:query",
        "mastra/nativeVector:read",
        "mastra/nativeVector:write",
        "mastra/storage:handle",
    ]


def test_schema_given_is_held(emulator: Emulator) -> None:
    schema = define_schema({"front_users": define_table({"name": v.string()})})
    emulator = Emulator(schema)

    assert emulator.schema is schema
    with pytest.raises(Exception, match='Failed to insert or update a document in table "front_users"'):
        emulator.run(lambda ctx: ctx.db.insert("front_users", {"name": 5}))


def test_limits_given_are_held() -> None:
    emulator = Emulator(limits=Limits(documents_written_max=1))

    insert(emulator)

    with pytest.raises(LimitReached, match=r"Too many writes in a single function execution \(limit: 1\)"):
        emulator.run(lambda ctx: [ctx.db.insert("front_notes", {}) for _ in range(2)])


# State shared by default is what makes tests of other fakes depend on their order.
def test_two_emulators_share_no_data() -> None:
    one, other = Emulator(), Emulator()

    insert(one)

    assert other.table_counts() == {}


def test_two_emulators_share_no_functions() -> None:
    one, other = Emulator(), Emulator()

    one.define("front:only", query(lambda ctx, args: 1))

    assert "front:only" not in other.function_paths()


def test_two_emulators_share_no_rollback() -> None:
    one, other = Emulator(), Emulator()

    with one.rollback():
        insert(other)

    assert other.table_counts() == {"front_notes": 1}


# Functions


def test_calls_are_an_administrators_unless_said_otherwise(emulator: Emulator) -> None:
    emulator.define("front:internal", internal_query(lambda ctx, args: "inside"))

    assert emulator.query("front:internal") == "inside"
    with pytest.raises(FunctionError, match="Could not find public function"):
        emulator.query("front:internal", identity=ANONYMOUS)


def test_decorated_functions_can_be_defined(emulator: Emulator) -> None:
    @mutation(args={"text": v.string()})
    def send(ctx: Any, args: Any) -> Any:
        return ctx.db.insert("front_notes", args)

    @query
    def first(ctx: Any, args: Any) -> Any:
        return ctx.db.query("front_notes").first()["text"]

    emulator.define("front:send", send)
    emulator.define("front:first", first)
    emulator.mutation("front:send", {"text": "hello"})

    assert emulator.query("front:first") == "hello"


# A test replaces one function of an application and leaves the others as they are.
def test_function_can_be_replaced(emulator: Emulator) -> None:
    emulator.define("mastra/cache:handle", mutation(lambda ctx, args: "replaced"))

    assert emulator.mutation("mastra/cache:handle") == "replaced"
    assert len(emulator.function_paths()) == 5


def test_function_at_a_bad_path_is_refused(emulator: Emulator) -> None:
    with pytest.raises(RequestRefused, match="is not a valid path to a Convex function"):
        emulator.define("front.ts:list", query(lambda ctx, args: 1))


def test_plain_function_is_refused(emulator: Emulator) -> None:
    with pytest.raises(TypeError, match=r"function must be made by query\(\.\.\.\)"):
        emulator.define("front:list", len)  # type: ignore[arg-type]


def test_usage_is_that_of_the_last_call(emulator: Emulator) -> None:
    emulator.define("front:write", mutation(lambda ctx, args: ctx.db.insert("front_notes", {})))
    emulator.define("front:read", query(lambda ctx, args: ctx.db.query("front_notes").collect()))

    emulator.mutation("front:write")
    assert (emulator.usage.documents_written, emulator.usage.written_size) == (1, 63)

    emulator.query("front:read")
    assert (emulator.usage.documents_read, emulator.usage.documents_written) == (1, 0)


# run


def test_run_returns_what_its_body_returns(emulator: Emulator) -> None:
    marker = object()

    assert emulator.run(lambda ctx: marker) is marker


def test_run_commits(emulator: Emulator) -> None:
    insert(emulator)

    assert emulator.table_counts() == {"front_notes": 1}


# In a test the error itself is wanted, not the text a client would see.
def test_run_raises_what_its_body_raises_and_undoes_its_writes(emulator: Emulator) -> None:
    error = KeyError("boom")

    def body(ctx: Any) -> None:
        ctx.db.insert("front_notes", {})
        raise error

    with pytest.raises(KeyError, match="boom") as raised:
        emulator.run(body)
    assert raised.value is error
    assert emulator.table_counts() == {}


def test_run_calls_functions(emulator: Emulator) -> None:
    emulator.define("front:write", mutation(lambda ctx, args: ctx.db.insert("front_notes", {"text": "called"})))

    emulator.run(lambda ctx: ctx.run_mutation("front:write"))

    assert texts(emulator) == ["called"]


# Store classes call the emulator; inside a transaction that would be a commit nobody could undo with it.
def test_calling_the_emulator_inside_of_run_is_refused_and_leaves_nothing(emulator: Emulator) -> None:
    emulator.define("front:write", mutation(lambda ctx, args: ctx.db.insert("front_others", {})))

    def body(ctx: Any) -> None:
        ctx.db.insert("front_notes", {})
        emulator.mutation("front:write")

    with pytest.raises(EmulatorError, match="already running in this thread"):
        emulator.run(body)
    assert emulator.table_counts() == {}


# Rollback


def test_rollback_undoes_inserts(emulator: Emulator) -> None:
    insert(emulator, "before")

    with emulator.rollback():
        insert(emulator, "inside")
        assert texts(emulator) == ["before", "inside"]

    assert texts(emulator) == ["before"]


def test_rollback_undoes_changes_and_deletes(emulator: Emulator) -> None:
    changed, deleted = insert(emulator, "changed"), insert(emulator, "deleted")

    with emulator.rollback():
        emulator.run(lambda ctx: ctx.db.patch(changed, {"text": "other"}))
        emulator.run(lambda ctx: ctx.db.delete(deleted))
        assert texts(emulator) == ["other"]

    assert texts(emulator) == ["changed", "deleted"]


def test_rollback_hands_over_the_emulator(emulator: Emulator) -> None:
    with emulator.rollback() as inside:
        assert inside is emulator


# What a failing test wrote must not reach the next one.
def test_rollback_with_an_exception_inside_undoes_and_raises(emulator: Emulator) -> None:
    def write_and_fail() -> None:
        with emulator.rollback():
            insert(emulator)
            raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        write_and_fail()
    assert emulator.table_counts() == {}


def test_inner_rollback_undoes_the_inner_writes_only(emulator: Emulator) -> None:
    with emulator.rollback():
        insert(emulator, "outer")
        with emulator.rollback():
            insert(emulator, "inner")
        assert texts(emulator) == ["outer"]

    assert texts(emulator) == []


def test_rollback_undoes_what_was_written_after_an_inner_one(emulator: Emulator) -> None:
    with emulator.rollback():
        with emulator.rollback():
            insert(emulator, "inner")
        insert(emulator, "after")

    assert texts(emulator) == []


def test_failed_mutation_inside_a_rollback_is_undone_once(emulator: Emulator) -> None:
    def insert_and_fail(ctx: Any, args: Any) -> None:
        ctx.db.insert("front_notes", {"text": "failed"})
        raise ValueError("boom")

    emulator.define("front:fail", mutation(insert_and_fail))

    with emulator.rollback():
        insert(emulator, "kept until the end")
        with pytest.raises(FunctionError, match="Uncaught ValueError: boom"):
            emulator.mutation("front:fail")
        assert texts(emulator) == ["kept until the end"]

    assert texts(emulator) == []


def test_rollback_undoes_what_actions_committed(emulator: Emulator) -> None:
    emulator.define("front:write", mutation(lambda ctx, args: ctx.db.insert("front_notes", {"text": "a"})))
    emulator.define("front:act", action(lambda ctx, args: ctx.run_mutation("front:write")))

    with emulator.rollback():
        emulator.action("front:act")

    assert emulator.table_counts() == {}


def test_emulator_goes_on_after_a_rollback(emulator: Emulator) -> None:
    with emulator.rollback():
        insert(emulator, "undone")

    insert(emulator, "kept")

    assert texts(emulator) == ["kept"]


# A test that replaces a function or sets a variable must not change it for the tests after it.
def test_rollback_undoes_definitions_and_variables(emulator: Emulator) -> None:
    emulator.define("front:defined", query(lambda ctx, args: ctx.env.get("FRONT", "none")))

    with emulator.rollback():
        emulator.define("front:defined", query(lambda ctx, args: 2))
        emulator.define("front:more", query(lambda ctx, args: 3))
        emulator.env["FRONT"] = "set"

    assert emulator.query("front:defined") == "none"
    assert "front:more" not in emulator.function_paths()


# The PyPI clients refuse it before anything is sent, and so does `connect()`.
def test_argument_that_is_no_value_is_the_callers_error(emulator: Emulator) -> None:
    emulator.define("front:echo", query(lambda ctx, args: args))

    with pytest.raises(UnsupportedType, match="is not a supported Convex type"):
        emulator.query("front:echo", {"a": object()})


# Variables


@pytest.mark.parametrize("make", [query, mutation, action])
def test_functions_see_the_environment(emulator: Emulator, make: Any) -> None:
    emulator.define("front:env", make(lambda ctx, args: ctx.env["FRONT"]))

    emulator.env["FRONT"] = "set"

    assert getattr(emulator, emulator_method(make))("front:env") == "set"


def emulator_method(make: Any) -> str:
    return {query: "query", mutation: "mutation", action: "action"}[make]


# The machine's own variables are nobody's business.
def test_environment_is_empty_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRONT", "of the machine")

    assert Emulator().env == {}


# Journal


def test_journal_tells_every_call(emulator: Emulator) -> None:
    emulator.define("front:double", query(lambda ctx, args: args["n"] * 2))

    emulator.query("front:double", {"n": 2})
    with pytest.raises(FunctionError):
        emulator.query("front:double", {})

    first, second = emulator.journal
    assert (first.kind, first.path, first.arguments, first.value, first.error) == (
        "query", "front:double", {"n": 2.0}, 4.0, None
    )  # fmt: skip
    assert second.error is not None


def test_refused_calls_are_in_the_journal(emulator: Emulator) -> None:
    with pytest.raises(RequestRefused):
        emulator.query("")

    assert [entry.path for entry in emulator.journal] == [""]


# Repeatability


def ids(seed: int | None) -> list[str]:
    emulator = Emulator(seed=seed, clock=ManualClock())
    return [insert(emulator) for _ in range(3)]


def test_same_seed_gives_the_same_ids() -> None:
    assert ids(7) == ids(7)


def test_other_seed_gives_other_ids() -> None:
    assert not set(ids(7)) & set(ids(8))


# Two emulators of one test run whose ids were equal would hide a mix-up of the two.
def test_without_a_seed_ids_differ() -> None:
    assert not set(ids(None)) & set(ids(None))


def test_same_seed_gives_the_same_request_ids() -> None:
    assert [Emulator(seed=7).new_request_id() for _ in range(2)] == [Emulator(seed=7).new_request_id()] * 2


def test_request_id_is_sixteen_hexadecimal_digits(emulator: Emulator) -> None:
    assert re.fullmatch("[0-9a-f]{16}", emulator.new_request_id())


def test_documents_carry_the_clocks_time(emulator: Emulator, clock: ManualClock) -> None:
    clock.advance(0.5)
    insert(emulator)

    (created,) = emulator.run(lambda ctx: [row["_creationTime"] for row in ctx.db.query("front_notes").collect()])

    assert created == pytest.approx(1_700_000_000_500, abs=1)


# Threads


def increment(ctx: Any, args: Any) -> None:
    counter = ctx.db.query("front_counters").first()
    ctx.db.patch(counter["_id"], {"n": counter["n"] + 1})


@contextmanager
def running(*threads: threading.Thread) -> Iterator[None]:
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


# An application under test calls from its own threads; a mutation that reads and writes must lose no update.
def test_threads_lose_no_update(emulator: Emulator) -> None:
    emulator.run(lambda ctx: ctx.db.insert("front_counters", {"n": 0}))
    emulator.define("front:increment", mutation(increment))

    def work() -> None:
        for _ in range(50):
            emulator.mutation("front:increment")

    with running(*[threading.Thread(target=work) for _ in range(8)]):
        pass

    assert emulator.run(lambda ctx: [row["n"] for row in ctx.db.query("front_counters")]) == [400.0]


def test_failure_in_one_thread_leaves_the_others_working(emulator: Emulator) -> None:
    def fail(ctx: Any, args: Any) -> None:
        raise ConvexError("refused", "refused")

    emulator.define("front:fail", mutation(fail))
    refused: list[str] = []

    def call_and_catch() -> None:
        try:
            emulator.mutation("front:fail")
        except ConvexError as error:
            refused.append(error.data)

    with running(threading.Thread(target=call_and_catch)):
        pass
    with running(threading.Thread(target=insert, args=(emulator,))):
        pass

    assert refused == ["refused"]
    assert emulator.table_counts() == {"front_notes": 1}


# An action waits for others (a model, a web page); meanwhile the deployment must go on.
def test_waiting_action_does_not_hold_the_others_up(emulator: Emulator) -> None:
    written = threading.Event()
    emulator.define("front:wait", action(lambda ctx, args: written.wait(30)))
    results: list[Any] = []

    with running(threading.Thread(target=lambda: results.append(emulator.action("front:wait")))):
        insert(emulator)
        written.set()

    assert results == [True]
