"""The target ``live``: what it refuses, how many calls it makes, and what it leaves behind."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, FunctionError, connect
from convex_mastra_emulator.schema import define_schema, define_table, v
from convex_mastra_emulator.server import ServedProcess, serve
from pytest_mastra_convex.live import (
    CappedDeployment,
    LiveSettings,
    LiveTarget,
    LiveTargetRefused,
    TooManyCalls,
    check_is_for_tests,
    live_place,
    prefix_for,
)
from pytest_mastra_convex.options import Settings
from pytest_mastra_convex.probe import CONFORMANCE_TABLES, FUNCTIONS
from pytest_mastra_convex.targets import Setup
from tests.plugin.shared_deployment import all_rows, put_foreign_rows, shared_schema

KEY = "convex-self-hosted|0123secret"
STORAGE = "mastra/storage:handle"
QUERY = {"op": "queryTable", "tableName": "notes"}
INSERT = {"op": "insert", "tableName": "notes", "record": {"id": "a"}}


def deployment_of_tests(**env: str) -> Emulator:
    """An emulator with the probe, others' rows, and a document in a conformance table."""
    loose = {name: define_table(v.any()) for name in CONFORMANCE_TABLES}
    emulator = Emulator(define_schema({**shared_schema().tables, **loose}))
    for path, function in FUNCTIONS.items():
        emulator.define(path, function)
    emulator.env.update(env)
    put_foreign_rows(emulator)
    return emulator


@pytest.fixture
def shared() -> Iterator[Emulator]:
    with deployment_of_tests(IS_TEST="1") as emulator:
        yield emulator


def ignore(_: str) -> None:
    """Reports to nobody."""


# Settings


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({"CONVEX_URL": "http://a/", "CONVEX_ADMIN_KEY": KEY, "CONVEX_TEST_URL": "http://b"}, "http://a"),
        ({"CONVEX_TEST_URL": "http://b", "CONVEX_TEST_ADMIN_KEY": KEY}, "http://b"),
        ({"CONVEX_URL": "http://a", "CONVEX_TEST_URL": "http://b", "CONVEX_TEST_ADMIN_KEY": KEY}, "http://b"),
    ],
)
def test_the_first_complete_pair_of_variables_counts(environ: dict[str, str], url: str) -> None:
    assert LiveSettings.from_environment(environ) == LiveSettings(url=url, admin_key=KEY)


# The key of one deployment must not be sent to another.
@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({}, "neither address nor key is set"),
        ({"CONVEX_URL": "http://a"}, "CONVEX_URL is set, CONVEX_ADMIN_KEY is not"),
        ({"CONVEX_ADMIN_KEY": KEY}, "CONVEX_ADMIN_KEY is set, CONVEX_URL is not"),
        ({"CONVEX_URL": "http://a", "CONVEX_TEST_ADMIN_KEY": KEY}, "CONVEX_URL is set, CONVEX_ADMIN_KEY is not"),
        ({"CONVEX_TEST_URL": "http://a"}, "CONVEX_TEST_URL is set, CONVEX_TEST_ADMIN_KEY is not"),
    ],
)
def test_a_missing_variable_is_named(environ: dict[str, str], problem: str) -> None:
    with pytest.raises(LiveTargetRefused, match=problem) as refused:
        LiveSettings.from_environment(environ)

    assert "Set CONVEX_URL and CONVEX_ADMIN_KEY" in str(refused.value)
    assert KEY not in str(refused.value)


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(LiveTargetRefused, match="CONVEX_URL must begin with http:// or https://"):
        LiveSettings.from_environment({"CONVEX_URL": "happy-animal", "CONVEX_ADMIN_KEY": KEY})


def test_no_text_shows_the_key(caplog: pytest.LogCaptureFixture) -> None:
    settings = LiveSettings(url="http://a", admin_key=KEY)

    logging.getLogger("test").warning("%s %r", settings, settings)

    assert KEY not in f"{settings} {settings!r} {caplog.text}"


# Is it for tests?


def test_a_deployment_that_says_it_is_for_tests_is_taken(shared: Emulator) -> None:
    check_is_for_tests(shared)

    assert [entry.path for entry in shared.journal][-1] == "conformance/probe:about"


@pytest.mark.parametrize("env", [{}, {"IS_TEST": "0"}, {"IS_TEST": ""}])
def test_a_deployment_that_does_not_say_so_is_refused(env: dict[str, str]) -> None:
    with (
        deployment_of_tests(**env) as emulator,
        pytest.raises(LiveTargetRefused, match="npx convex env set IS_TEST 1"),
    ):
        check_is_for_tests(emulator)


def test_a_deployment_without_the_probe_is_refused(emulator: Emulator) -> None:
    with pytest.raises(LiveTargetRefused, match=r"lacks the conformance functions. `python -m pytest_mastra_convex"):
        check_is_for_tests(emulator)


# Users who test functions of their own need not deploy the conformance suite's.
@pytest.mark.parametrize("value", ["0", "", None])
def test_a_deployment_without_the_probe_is_refused_unless_its_variable_says_so(
    emulator: Emulator, value: str | None
) -> None:
    if value is not None:
        emulator.env["IS_TEST"] = value
    with (
        serve(emulator) as served,
        connect(served.url, served.admin_key) as connected,
        pytest.raises(LiveTargetRefused, match="lacks the conformance functions"),
    ):
        check_is_for_tests(connected)


def test_a_deployment_without_the_probe_is_taken_if_its_variable_says_so(emulator: Emulator) -> None:
    emulator.env["IS_TEST"] = "1"
    with serve(emulator) as served, connect(served.url, served.admin_key) as connected:
        check_is_for_tests(connected)

    assert [entry.path for entry in emulator.journal][-1] == "_system/cli/queryEnvironmentVariables:get"


def test_a_deployment_that_nobody_answers_at_is_refused() -> None:
    with (
        connect("http://127.0.0.1:9", KEY) as nobody,
        pytest.raises(LiveTargetRefused, match="cannot be reached") as refused,
    ):
        check_is_for_tests(nobody)

    assert KEY not in str(refused.value)


def test_a_wrong_key_is_refused(emulator: Emulator) -> None:
    with (
        serve(emulator) as served,
        connect(served.url, KEY) as connected,
        pytest.raises(LiveTargetRefused, match="refuses address or key: BadAdminKey") as refused,
    ):
        check_is_for_tests(connected)

    assert KEY not in str(refused.value)


# Calls


def test_calls_are_counted_and_the_last_one_is_followed_by_none(shared: Emulator) -> None:
    capped = CappedDeployment(shared, 2)
    before = len(list(shared.journal))

    capped.query("conformance/probe:about", {})
    capped.mutation(STORAGE, QUERY)
    with pytest.raises(TooManyCalls, match="2 calls to a real deployment; more are allowed with --convex-calls-max"):
        capped.action("mastra/nativeVector:query", {})

    assert (capped.calls, len(list(shared.journal)) - before) == (2, 2)


# Prefixes


@pytest.mark.parametrize(
    "other",
    [("b.py::test", "gw0", "run"), ("a.py::test", "gw1", "run"), ("a.py::test", "gw0", "another run")],
)
def test_a_prefix_belongs_to_one_test_of_one_worker_of_one_run(other: tuple[str, str, str]) -> None:
    assert prefix_for(*other) != prefix_for("a.py::test", "gw0", "run")


@pytest.mark.parametrize("worker", ["gw0", "main", "", "a b:c/😀"])
def test_a_prefix_is_short_and_of_plain_characters(worker: str) -> None:
    assert prefix_for("a.py::test[😀]", worker, "run").isascii()
    assert len(prefix_for("a.py::test" * 100, worker, "run")) <= 20


# Places


def test_a_place_is_cleaned_up_when_the_test_fails(shared: Emulator) -> None:
    before = all_rows(shared)
    capped = CappedDeployment(shared, 100)

    def test() -> None:
        with live_place(capped, url="u", prefix="t1234-", report=ignore) as place:
            place.mutation(STORAGE, INSERT)
            raise AssertionError

    with pytest.raises(AssertionError):
        test()

    assert all_rows(shared) == before


# The cap is there to end a run that has gone wild, not to leave its rows behind.
def test_a_place_is_cleaned_up_when_no_call_is_left(shared: Emulator) -> None:
    before = all_rows(shared)
    capped = CappedDeployment(shared, 1)

    def test() -> None:
        with live_place(capped, url="u", prefix="t1234-", report=ignore) as place:
            place.mutation(STORAGE, INSERT)
            place.mutation(STORAGE, QUERY)

    with pytest.raises(TooManyCalls):
        test()

    assert all_rows(shared) == before


def conformance_rows(emulator: Emulator) -> list[Any]:
    rows: list[Any] = emulator.run(lambda ctx: ctx.db.query("conformance_things").collect())
    return rows


# What a run left that was killed must not stand in the way of the next.
def test_the_conformance_tables_are_empty_before_and_after(shared: Emulator) -> None:
    shared.run(lambda ctx: ctx.db.insert("conformance_things", {"left": True}))
    insert = '[{"op": "insert", "table": "conformance_things", "value": {"a": 1}}]'

    with live_place(CappedDeployment(shared, 100), url="u", prefix="t1234-", report=ignore) as place:
        place.mutation("conformance/probe:mutation", {"program": insert})
        during = conformance_rows(shared)

    assert [row["a"] for row in during] == [1.0]
    assert conformance_rows(shared) == []


# Somebody else's test may be using them.
def test_the_conformance_tables_of_a_test_that_uses_none_are_left_alone(shared: Emulator) -> None:
    shared.run(lambda ctx: ctx.db.insert("conformance_things", {"others": True}))

    with live_place(CappedDeployment(shared, 100), url="u", prefix="t1234-", report=ignore) as place:
        place.query("conformance/probe:about", {})
        place.mutation(STORAGE, INSERT)

    assert len(conformance_rows(shared)) == 1


# The whole way: another process, over HTTP


@pytest.fixture(scope="module")
def served() -> Iterator[ServedProcess]:
    with ServedProcess(functions="pytest_mastra_convex.probe:FUNCTIONS", env={"IS_TEST": "1"}) as process:
        yield process


def live_target(served: ServedProcess, **settings: Any) -> LiveTarget:
    environ = {"CONVEX_URL": served.url, "CONVEX_ADMIN_KEY": served.admin_key}
    return LiveTarget(Settings(targets=("live",), limits={}, **settings), ignore, environ)


def test_two_tests_at_once_see_their_own_rows(served: ServedProcess) -> None:
    target = live_target(served)

    with target.place(Setup(test="a")) as first, target.place(Setup(test="b")) as second:
        first.deployment.mutation(STORAGE, INSERT)
        rows = [place.deployment.mutation(STORAGE, QUERY)["result"] for place in (first, second)]
    with target.place(Setup(test="a")) as again:
        left = again.deployment.mutation(STORAGE, QUERY)["result"]
    target.close()

    assert rows == [[{"id": "a"}], []]
    assert left == []


def test_a_place_tells_address_prefix_and_calls(served: ServedProcess) -> None:
    target = live_target(served)

    with target.place(Setup(test="a")) as place:
        place.deployment.mutation(STORAGE, QUERY)
        address, journal = place.address(), [entry.path for entry in place.journal]
    target.close()

    assert (address.url, address.admin_key) == (served.url, served.admin_key)
    assert (place.prefix[0], place.target, journal) == ("t", "live", [STORAGE])


def test_what_tests_begin_with_is_the_tests_own(served: ServedProcess) -> None:
    target = live_target(served)
    setup = Setup(test="a", loads=(lambda deployment: deployment.mutation(STORAGE, INSERT),))

    with target.place(setup) as place:
        rows = place.deployment.mutation(STORAGE, QUERY)["result"]
    with target.place(Setup(test="a")) as bare:
        left = bare.deployment.mutation(STORAGE, QUERY)["result"]
    target.close()

    assert (rows, left) == ([{"id": "a"}], [])


# Each worker counts by itself.
def test_workers_share_the_calls_of_a_run(served: ServedProcess) -> None:
    environ = {"CONVEX_URL": served.url, "CONVEX_ADMIN_KEY": served.admin_key, "PYTEST_XDIST_WORKER_COUNT": "2"}
    target = LiveTarget(Settings(targets=("live",), limits={}, calls_max=4), ignore, environ)

    with target.place(Setup(test="a")) as place:
        place.deployment.mutation(STORAGE, QUERY)
        with pytest.raises(TooManyCalls, match="its 2 calls"):
            place.deployment.mutation(STORAGE, QUERY)
    target.close()


def test_an_error_of_the_deployment_reaches_the_test(served: ServedProcess) -> None:
    target = live_target(served)

    with (
        target.place(Setup(test="a")) as place,
        pytest.raises(FunctionError, match="Record for table notes is missing"),
    ):
        place.deployment.mutation(STORAGE, {"op": "insert", "tableName": "notes", "record": {}})
    target.close()


def test_a_target_without_settings_is_refused_when_a_test_needs_it() -> None:
    target = LiveTarget(Settings(targets=("live",), limits={}), ignore, {})

    with pytest.raises(LiveTargetRefused, match="neither address nor key"), target.place(Setup(test="a")):
        pass
