"""Environment variables: what a deployment takes, all or nothing, and whom a change concerns.

Rules: convex-backend crates/common/src/types/environment_variables.rs, crates/application/src/lib.rs
``update_environment_variables``, crates/model/src/environment_variables/mod.rs ``PreloadedEnvironmentVariables``.
"""

import threading
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, action, mutation, query
from convex_mastra_emulator.errors import DeploymentError, EmulatorError
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.runtime.arguments import python_arguments
from convex_mastra_emulator.runtime.functions import FunctionKind
from convex_mastra_emulator.runtime.identity import ADMIN
from tests.protocol.sync_client import SyncClient, add, api_of


def refusal_of(emulator: Emulator, **variables: Any) -> tuple[str, str]:
    with pytest.raises(DeploymentError) as refused:
        emulator.env.update(variables)
    return refused.value.code, refused.value.message


# A mapping


def test_it_is_a_mapping_in_the_order_of_names(emulator: Emulator) -> None:
    emulator.env["B"] = "2"
    emulator.env["A"] = "1"
    emulator.env["B"] = "3"

    assert list(emulator.env.items()) == [("A", "1"), ("B", "3")]
    assert (len(emulator.env), emulator.env == {"A": "1", "B": "3"}) == (2, True)
    assert repr(emulator.env) == "Environment({'A': '1', 'B': '3'})"


def test_what_is_not_there_is_a_key_error(emulator: Emulator) -> None:
    with pytest.raises(KeyError, match="A"):
        emulator.env["A"]
    with pytest.raises(KeyError, match="A"):
        del emulator.env["A"]

    assert emulator.env.get("A") is None


# Names that begin like another are others.
def test_a_name_is_found_among_longer_ones(emulator: Emulator) -> None:
    emulator.env.update({"KEY_B": "b", "KEY": "k", "KEY_A": "a"})

    del emulator.env["KEY"]

    assert emulator.env == {"KEY_A": "a", "KEY_B": "b"}


def test_variables_go_one_by_one_and_all(emulator: Emulator) -> None:
    emulator.env.update(A="1", B="2", C="3")

    assert emulator.env.pop("A") == "1"
    assert emulator.env == {"B": "2", "C": "3"}
    emulator.env.clear()
    assert emulator.env == {}


# What a deployment takes


@pytest.mark.parametrize("name", ["A", "_", "_1", "a_B9", "A" * 256])
def test_names_that_can_be(emulator: Emulator, name: str) -> None:
    emulator.env[name] = ""

    assert emulator.env == {name: ""}


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "Ä", "A\n", "A="])
def test_names_that_cannot_be(emulator: Emulator, name: str) -> None:
    text = (
        f"The environment variable name {name} is invalid. Environment variable names must begin with a letter and may "
        "only include characters a-z, A-Z, 0-9, and underscores."
    )

    assert refusal_of(emulator, **{name: "1"}) == ("EnvironmentVariableNameInvalid", text)


def test_a_name_of_257_characters_is_too_long(emulator: Emulator) -> None:
    name = "A" * 257

    assert refusal_of(emulator, **{name: "1"}) == (
        "EnvironmentVariableNameTooLong",
        f"The environment variable name {name} is too long. Environment variable names must be less than 256.",
    )


# Bytes count, not characters.
def test_a_value_may_have_8_kib(emulator: Emulator) -> None:
    emulator.env["A"] = "é" * 4096

    assert refusal_of(emulator, A="é" * 4096 + "x") == (
        "EnvironmentVariableValueTooLarge",
        "The environment variable value is 8193 bytes, which is too large. (max size: 8192",
    )


@pytest.mark.parametrize("name", ["CONVEX_CLOUD_URL", "CONVEX_SITE_URL"])
def test_built_in_variables_cannot_be_set(emulator: Emulator, name: str) -> None:
    assert refusal_of(emulator, **{name: "1"}) == (
        "EnvVarNameForbidden",
        f'Environment variable with name "{name}" is built-in and cannot be overridden',
    )


def test_other_names_with_the_prefix_can_be_set(emulator: Emulator) -> None:
    emulator.env["CONVEX_OTHER"] = "1"

    assert emulator.env == {"CONVEX_OTHER": "1"}


def test_there_can_be_512_variables(emulator: Emulator) -> None:
    emulator.env.update({f"V{n}": "" for n in range(512)})

    assert refusal_of(emulator, V512="") == ("EnvVarLimitMet", "The environment variable limit (512) has been met.")
    emulator.env["V0"] = "changed"  # no more than before


def test_names_and_values_together_have_a_limit() -> None:
    emulator = Emulator(limits=Limits(variables_size_max=10))
    emulator.env.update(AB="123", CD="é1")

    assert refusal_of(emulator, CD="é12") == (
        "EnvVarTotalSizeLimitMet",
        "The total size of all environment variables (11 bytes) exceeds the limit (10 bytes).",
    )


@pytest.mark.parametrize(
    ("name", "value", "error", "text"),
    [
        (1, "x", TypeError, "the name of an environment variable must be a str, got 1"),
        ("A", 1, TypeError, "the value of the environment variable A must be a str, got int"),
        ("A", "\ud800", ValueError, "the value of the environment variable A has a lone surrogate"),
    ],
)
def test_what_is_no_text_is_refused(
    emulator: Emulator, name: Any, value: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        emulator.env[name] = value

    assert emulator.env == {}


# All or nothing


@pytest.mark.parametrize("bad", [{"1": "x"}, {"B": "x" * 8193}, {"CONVEX_SITE_URL": "x"}])
def test_one_bad_change_undoes_the_batch(emulator: Emulator, bad: dict[str, str]) -> None:
    emulator.env["A"] = "before"

    refusal_of(emulator, A="after", **bad)

    assert emulator.env == {"A": "before"}


def test_too_many_at_once_leave_none_behind() -> None:
    emulator = Emulator(limits=Limits(variables_count_max=1))

    refusal_of(emulator, A="1", B="2")

    assert emulator.env == {}


# What is taken away goes first, so that a full deployment can be changed in one batch.
def test_a_batch_takes_away_before_it_sets() -> None:
    emulator = Emulator(limits=Limits(variables_count_max=1))
    emulator.env["A"] = "1"

    emulator.env.apply([("B", "2"), ("A", None), ("C", None)])

    assert emulator.env == {"B": "2"}


def test_of_one_name_twice_the_greater_value_stays(emulator: Emulator) -> None:
    emulator.env.apply([("A", "2"), ("A", "1"), ("A", None)])

    assert emulator.env == {"A": "2"}


def test_functions_cannot_change_them(emulator: Emulator) -> None:
    def change(ctx: Any, args: Any) -> None:
        ctx.env["A"] = "1"

    emulator.define("env:change", mutation(change))

    with pytest.raises(Exception, match="does not support item assignment"):
        emulator.mutation("env:change")
    with pytest.raises(EmulatorError, match="a function of this emulator is already running"):
        emulator.run(lambda ctx: emulator.env.update(A="1"))
    assert emulator.env == {}


# Who is told


def test_listeners_are_told_after_each_change_and_only_then(emulator: Emulator) -> None:
    told: list[dict[str, str]] = []
    emulator.env.listeners.append(lambda: told.append(dict(emulator.env)))

    emulator.env.update(A="1", B="2")
    emulator.env["A"] = "1"  # as it was
    refusal_of(emulator, C="x" * 8193)
    del emulator.env["B"]
    with emulator.rollback():
        emulator.env["A"] = "2"

    assert told == [{"A": "1", "B": "2"}, {"A": "1"}, {"A": "2"}, {"A": "1"}]


def test_a_restored_snapshot_tells_listeners(emulator: Emulator) -> None:
    emulator.env["A"] = "1"
    snapshot = emulator.snapshot()
    emulator.env["A"] = "2"
    told: list[str] = []
    emulator.env.listeners.append(lambda: told.append(emulator.env["A"]))

    emulator.restore(snapshot)

    assert told == ["1"]


def test_two_emulators_share_nothing(emulator: Emulator) -> None:
    other = Emulator()
    emulator.env["A"] = "1"
    emulator.env.built_in["CONVEX_CLOUD_URL"] = "there"

    assert dict(other.env) == {}
    assert other.env.built_in["CONVEX_CLOUD_URL"] != "there"


# Inside of functions


@pytest.mark.parametrize("make", [query, mutation, action])
def test_functions_of_all_kinds_read_them(emulator: Emulator, make: Any) -> None:
    emulator.env["A"] = "1"
    emulator.define("env:read", make(lambda ctx, args: [ctx.env["A"], ctx.env.get("B"), "A" in ctx.env]))

    outcome = emulator.call("env:read", python_arguments({}), None, ADMIN)

    assert outcome.value == ["1", None, True]


def test_functions_list_the_variables(emulator: Emulator) -> None:
    emulator.env.update(B="2", A="1")
    emulator.define("env:all", query(lambda ctx, args: [dict(ctx.env), len(ctx.env)]))

    assert emulator.query("env:all") == [{"A": "1", "B": "2"}, 2]


# `process.env` finds the deployment's URL, and lists only what users have set.
def test_functions_find_what_is_built_in(emulator: Emulator) -> None:
    emulator.env.built_in["CONVEX_CLOUD_URL"] = "http://here"
    emulator.define("env:url", query(lambda ctx, args: [ctx.env["CONVEX_CLOUD_URL"], dict(ctx.env)]))

    assert emulator.query("env:url") == ["http://here", {}]
    assert emulator.env == {}


def test_each_name_counts_as_one_range_read(emulator: Emulator) -> None:
    emulator.define("env:two", query(lambda ctx, args: [ctx.env.get("A"), ctx.env.get("B"), ctx.env.get("A")]))

    emulator.query("env:two")

    assert (emulator.usage.read_ranges, emulator.usage.documents_read) == (2, 0)


def watched(emulator: Emulator, body: Any) -> list[str]:
    """What is told of changes to whoever watches what a query with this body has read."""
    emulator.define("env:watched", query(lambda ctx, args: body(ctx)))
    client = SyncClient(api_of(emulator))
    [update] = client.modify(add(0, "env:watched"))
    assert update["type"] == "QueryUpdated"
    emulator.env["OTHER"] = "1"
    before = client.wakings
    emulator.env["A"] = "changed"
    return [name for name, count in (("OTHER", before), ("A", client.wakings - before)) if count]


# A query that read a variable runs again when that one changes, as on a deployment, and not for others.
def test_a_live_query_runs_again_for_the_names_it_read(emulator: Emulator) -> None:
    assert watched(emulator, lambda ctx: ctx.env.get("A")) == ["A"]


def test_a_live_query_runs_again_for_any_name_if_it_read_all(emulator: Emulator) -> None:
    assert watched(emulator, lambda ctx: len(ctx.env)) == ["OTHER"]  # told once, then it is stale already


def test_a_live_query_that_read_none_stays(emulator: Emulator) -> None:
    assert watched(emulator, lambda ctx: 1) == []


def test_a_live_query_shows_the_new_value(emulator: Emulator) -> None:
    emulator.define("env:read", query(lambda ctx, args: ctx.env.get("A")))
    client = SyncClient(api_of(emulator))
    assert client.modify(add(0, "env:read"))[0]["value"] is None

    emulator.env["A"] = "new"

    assert [update["value"] for update in client.transition()["modifications"]] == ["new"]


def test_what_a_rollback_takes_back_is_told_of(emulator: Emulator) -> None:
    emulator.define("env:read", query(lambda ctx, args: ctx.env.get("A")))
    client = SyncClient(api_of(emulator))
    with emulator.rollback():
        emulator.env["A"] = "inside"
        assert client.modify(add(0, "env:read"))[0]["value"] == "inside"

    assert [update["value"] for update in client.transition()["modifications"]] == [None]


def test_a_query_in_the_past_reads_the_variables_of_then(emulator: Emulator) -> None:
    emulator.define("env:read", query(lambda ctx, args: ctx.env.get("A")))
    emulator.env["A"] = "then"
    then_ns = emulator.timestamp_ns()
    emulator.env["A"] = "now"

    outcome = emulator.call("env:read", python_arguments({}), FunctionKind.QUERY, ADMIN, at_ns=then_ns)

    assert outcome.value == "then"


def test_another_thread_may_read_and_write(emulator: Emulator) -> None:
    threads = [threading.Thread(target=emulator.env.update, args=({f"V{n}": str(n)},)) for n in range(20)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert emulator.env == {f"V{n}": str(n) for n in range(20)}
