"""Names of fields: which a value may have, from both sides of each rule.

convex-backend crates/convex/sync_types/src/identifier.rs, crates/value/src/field_name.rs; npm convex values/value.ts.
"""

from __future__ import annotations

from typing import Any

import pytest

from convex_mastra_emulator import Deployment, FunctionError
from pytest_mastra_convex.conformance.things import THINGS
from pytest_mastra_convex.probe import Probe, StepFailed, eq, field, insert, patch, ref

LEGAL = [
    pytest.param("a", id="letter"),
    pytest.param("", id="empty"),
    pytest.param(" ", id="first-printable"),
    pytest.param("~", id="last-printable"),
    pytest.param("a$", id="dollar-inside"),
    pytest.param("a.b", id="dot"),
    pytest.param("1", id="digit"),
    pytest.param("-1", id="minus"),
    pytest.param("a b/c:d", id="punctuation"),
    pytest.param('"\\', id="quote-and-backslash"),
    pytest.param("toString", id="of-javascript"),
    pytest.param("constructor", id="constructor"),
    pytest.param("x" * 1_024, id="1024-characters"),
]
ILLEGAL = [
    pytest.param("$", "reserved", id="dollar"),
    pytest.param("$schema", "reserved", id="schema"),
    pytest.param("$ref", "reserved", id="ref"),
    pytest.param("a\x1f", "non-control ASCII", id="control"),
    pytest.param("a\n", "non-control ASCII", id="newline"),
    pytest.param("\0", "non-control ASCII", id="nul"),
    pytest.param("a\x7f", "non-control ASCII", id="delete"),
    pytest.param("na\u00efve", "non-control ASCII", id="accent"),
    pytest.param("\uffff", "non-control ASCII", id="not-a-character"),
    pytest.param("x" * 1_025, "1024", id="1025-characters"),
]
# Not in programs: npm convex names one half of it in its refusal, which is no text to send back.
EMOJI = pytest.param("\U0001f600", "non-control ASCII", id="emoji")


# Names come from tools, models and people: whatever a deployment takes must come back as it is.
@pytest.mark.parametrize("name", LEGAL)
def test_name_is_stored(probe: Probe, name: str) -> None:
    stored = probe.insert(THINGS, {name: 1.0, "nested": {name: [{name: "deep"}]}})

    found = probe.get(stored)

    assert found is not None
    assert found[name] == 1.0
    assert found["nested"] == {name: [{name: "deep"}]}


# mastra-ai/mastra#16110: the schema of every tool has `$schema`, so no agent with a tool could save its run.
@pytest.mark.parametrize(("name", "reason"), ILLEGAL)
def test_name_is_refused(probe: Probe, name: str, reason: str) -> None:
    with pytest.raises(StepFailed, match=reason):
        probe.insert(THINGS, {name: 1.0})

    assert probe.collect(THINGS) == []


# mastra-ai/mastra#16110: they stood deep inside of a snapshot.
@pytest.mark.parametrize(("name", "reason"), ILLEGAL)
def test_nested_name_is_refused(probe: Probe, name: str, reason: str) -> None:
    with pytest.raises(StepFailed, match=reason):
        probe.insert(THINGS, {"steps": [{"output": {name: "text"}}]})


@pytest.mark.parametrize(("name", "reason"), ILLEGAL)
def test_name_in_a_patch_is_refused(probe: Probe, name: str, reason: str) -> None:
    stored = probe.insert(THINGS, {"a": 1.0})

    with pytest.raises(StepFailed, match=reason):
        probe.patch(stored, {"a": {name: 2.0}})

    assert (probe.get(stored) or {})["a"] == 1.0


# Arguments are values as well: the call is refused before the function sees them.
@pytest.mark.parametrize(("name", "reason"), [*ILLEGAL, EMOJI])
def test_name_in_arguments_is_refused(convex_deployment: Deployment, name: str, reason: str) -> None:
    with pytest.raises(FunctionError, match=reason):
        convex_deployment.query("conformance/typed:takesAny", {"value": {"inner": {name: 1.0}}})


# Below the top level, names of the system mean nothing.
@pytest.mark.parametrize("name", ["_id", "_creationTime", "_", "__proto"])
def test_underscore_below_the_top_level_is_a_field_like_any_other(probe: Probe, name: str) -> None:
    stored = probe.insert(THINGS, {"nested": {name: "mine"}, "list": [{name: 1.0}]})

    found = probe.get(stored)

    assert found is not None
    assert (found["nested"], found["list"]) == ({name: "mine"}, [{name: 1.0}])


# A name with a dot is one name: it is no path, and a path does not find it.
def test_name_with_a_dot_is_no_path(probe: Probe) -> None:
    probe.mutation(
        insert(THINGS, {"nested.value": 1.0, "name": "dot"}), insert(THINGS, {"nested": {"value": 1.0}, "name": "path"})
    )

    by_index = probe.collect(THINGS, index="by_nested", range=[eq("nested.value", 1.0)])
    by_filter = probe.collect(THINGS, filter=eq(field("nested.value"), 1.0))

    assert [row["name"] for row in by_index] == ["path"]
    assert [row["name"] for row in by_filter] == ["path"]


# Names differ by case and by white space.
def test_names_that_look_alike_are_kept_apart(probe: Probe) -> None:
    value = {"a": 1.0, "A": 2.0, "a ": 3.0, " a": 4.0}

    stored = probe.insert(THINGS, {"nested": value})

    assert (probe.get(stored) or {})["nested"] == value


# One bad name refuses the whole patch: none of its fields may get through.
def test_refused_name_beside_good_ones_keeps_the_document(probe: Probe) -> None:
    answers: list[Any] = probe.mutation(insert(THINGS, {"a": 1.0}), patch(ref(0), {"a": 2.0, "$b": 3.0}))

    assert "reserved" in answers[1].error
    assert [row["a"] for row in probe.collect(THINGS)] == [1.0]
