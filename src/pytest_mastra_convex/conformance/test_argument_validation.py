"""Validators of arguments and of returned values, each kind from both sides.

`conformance/typed:takes…` answer the encoded JSON text of what arrived, `…:returns…` return what they get.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator import Deployment, FunctionError
from pytest_mastra_convex.probe import Probe, call_query, insert, query

THINGS = "conformance_things"


def arrived(deployment: Deployment, name: str, value: Any) -> Any:
    """What a function with a validator got, as parsed JSON."""
    return json.loads(deployment.query(f"conformance/typed:{name}", {"value": value}))


# Arguments that fit


# What a function declares it takes, it gets unchanged.
@pytest.mark.parametrize(
    ("name", "value", "encoded"),
    [
        pytest.param("takesString", "", "", id="string"),
        pytest.param("takesNumber", 1.5, 1.5, id="number"),
        pytest.param("takesNumber", 3, 3, id="number-from-int"),
        pytest.param("takesInt64", ConvexInt64(1), {"$integer": "AQAAAAAAAAA="}, id="int64"),
        pytest.param("takesBoolean", False, False, id="boolean"),
        pytest.param("takesNull", None, None, id="null"),
        pytest.param("takesBytes", b"\x00", {"$bytes": "AA=="}, id="bytes"),
        pytest.param("takesArray", ["a", "b"], ["a", "b"], id="array"),
        pytest.param("takesObject", {"a": "x"}, {"a": "x"}, id="object"),
        pytest.param("takesObject", {"a": "x", "b": 1.5}, {"a": "x", "b": 1.5}, id="object-with-optional"),
        pytest.param("takesRecord", {"k": 1.5}, {"k": 1.5}, id="record"),
        pytest.param("takesUnion", "a", "a", id="union-string"),
        pytest.param("takesUnion", 1.5, 1.5, id="union-number"),
        pytest.param("takesLiteral", "yes", "yes", id="literal"),
        pytest.param("takesOptional", "a", "a", id="optional"),
        pytest.param("takesAny", {"a": [None, True]}, {"a": [None, True]}, id="any"),
    ],
)
def test_a_fitting_argument_arrives(convex_deployment: Deployment, name: str, value: Any, encoded: Any) -> None:
    assert arrived(convex_deployment, name, value) == encoded


# Ids are given to clients and come back as arguments: text, checked for its table.
def test_an_id_of_the_right_table_arrives(convex_deployment: Deployment, probe: Probe) -> None:
    identifier = probe.insert(THINGS, {})

    assert arrived(convex_deployment, "takesId", identifier) == identifier


# An optional argument may be left out; it is then missing, not null.
def test_an_optional_argument_may_be_missing(convex_deployment: Deployment) -> None:
    assert convex_deployment.query("conformance/typed:takesOptional", {}) == "missing"


# A function without validator takes anything: that is how Mastra's own handlers are declared.
def test_without_validator_every_argument_arrives(convex_deployment: Deployment) -> None:
    text = convex_deployment.query("conformance/typed:takesWhatever", {"op": "x", "n": 1.5})

    assert json.loads(text) == {"op": "x", "n": 1.5}


# Clients leave out arguments altogether.
@pytest.mark.parametrize("name", ["takesNothing", "takesWhatever"])
def test_no_arguments_are_an_empty_object(convex_deployment: Deployment, name: str) -> None:
    assert json.loads(convex_deployment.query(f"conformance/typed:{name}")) == {}


# Arguments that do not fit


# Nothing is converted on the way in either.
@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("takesString", 1.5, id="string-number"),
        pytest.param("takesString", None, id="string-null"),
        pytest.param("takesNumber", "1", id="number-text"),
        pytest.param("takesNumber", ConvexInt64(1), id="number-int64"),
        pytest.param("takesInt64", 1, id="int64-number"),
        pytest.param("takesBoolean", 1.5, id="boolean-number"),
        pytest.param("takesNull", False, id="null-false"),
        pytest.param("takesBytes", "AA==", id="bytes-base64"),
        pytest.param("takesId", "thread-1", id="id-other-text"),
        pytest.param("takesArray", "a", id="array-text"),
        pytest.param("takesArray", ["a", 1.5], id="array-of-other"),
        pytest.param("takesObject", {}, id="object-without-required"),
        pytest.param("takesObject", {"a": "x", "c": 1.5}, id="object-with-extra"),
        pytest.param("takesUnion", None, id="union-null"),
        pytest.param("takesLiteral", "no", id="literal-other"),
        pytest.param("takesOptional", None, id="optional-null"),
    ],
)
def test_another_argument_is_refused(convex_deployment: Deployment, name: str, value: Any) -> None:
    with pytest.raises(FunctionError, match=r"(?i)validator"):
        convex_deployment.query(f"conformance/typed:{name}", {"value": value})


# Names of a record are free, its values are not.
@pytest.mark.diverges("records")
@pytest.mark.parametrize("value", [{"k": "v"}, []], ids=["other-type", "list"])
def test_another_record_is_refused(convex_deployment: Deployment, value: Any) -> None:
    with pytest.raises(FunctionError, match=r"(?i)validator"):
        convex_deployment.query("conformance/typed:takesRecord", {"value": value})


# The mix-up of two ids in a client; the text names the id, so that it can be found.
def test_an_id_of_another_table_is_refused(convex_deployment: Deployment, probe: Probe) -> None:
    identifier = probe.insert("conformance_typed", {"name": "n"})

    with pytest.raises(FunctionError, match=identifier):
        convex_deployment.query("conformance/typed:takesId", {"value": identifier})


# An argument of a newer client, and one that was forgotten.
@pytest.mark.parametrize(
    ("name", "args", "text"),
    [
        pytest.param("takesNothing", {"later": 1.5}, "field `later`", id="extra"),
        pytest.param("takesString", {"value": "a", "later": 1.5}, "field `later`", id="extra-beside-right"),
        pytest.param("takesString", {}, "required field `value`", id="missing"),
    ],
)
def test_extra_and_missing_arguments_are_refused(
    convex_deployment: Deployment, name: str, args: Any, text: str
) -> None:
    with pytest.raises(FunctionError, match=text):
        convex_deployment.query(f"conformance/typed:{name}", args)


# Clients tell these errors by their first word.
@pytest.mark.diverges("argument-validation-text-probe")
def test_the_refusal_of_arguments_says_where_and_why(convex_deployment: Deployment) -> None:
    with pytest.raises(FunctionError) as caught:
        convex_deployment.query("conformance/typed:takesArray", {"value": ["a", 5.0]})

    assert caught.value.message == (
        "ArgumentValidationError: Value does not match validator.\nPath: .value[1]\nValue: 5.0\nValidator: v.string()"
    )


# A mutation whose arguments do not fit never begins.
def test_a_mutation_with_wrong_arguments_writes_nothing(convex_deployment: Deployment, probe: Probe) -> None:
    program = json.dumps([insert(THINGS, {})])

    with pytest.raises(FunctionError, match="field `later`"):
        convex_deployment.mutation("conformance/probe:mutation", {"program": program, "later": 1.5})

    assert probe.count(THINGS) == 0


# A function that calls another with wrong arguments can catch it and go on.
def test_a_caller_can_catch_the_refusal_of_its_arguments(probe: Probe) -> None:
    refused, after = probe.mutation(call_query("conformance/typed:takesString", {"value": 1.5}), insert(THINGS, {}))

    assert "validator" in (refused.error or "").lower()
    assert after.error is None


# Returned values


# A result that keeps the promise is returned unchanged, a missing optional field stays missing.
@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("returnsString", "a", id="string"),
        pytest.param("returnsNumber", 1.5, id="number"),
        pytest.param("returnsNull", None, id="null"),
        pytest.param("returnsObject", {"a": "x"}, id="object"),
        pytest.param("returnsObject", {"a": "x", "b": 1.5}, id="object-with-optional"),
    ],
)
def test_a_fitting_result_is_returned(convex_deployment: Deployment, name: str, value: Any) -> None:
    assert convex_deployment.query(f"conformance/typed:{name}", {"value": value}) == value


# A function that breaks its own promise fails, so that clients can trust the promise.
@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("returnsString", 1.5, id="string-number"),
        pytest.param("returnsString", None, id="string-null"),
        pytest.param("returnsNumber", ConvexInt64(1), id="number-int64"),
        pytest.param("returnsNull", "", id="null-text"),
        pytest.param("returnsObject", {"a": "x", "c": 1.5}, id="object-with-extra"),
        pytest.param("returnsObject", {"b": 1.5}, id="object-without-required"),
    ],
)
def test_another_result_is_refused(convex_deployment: Deployment, name: str, value: Any) -> None:
    with pytest.raises(FunctionError, match=r"(?i)validator"):
        convex_deployment.query(f"conformance/typed:{name}", {"value": value})


# The fault is the function's own here, and another first word says so.
@pytest.mark.diverges("argument-validation-text-probe")
def test_the_refusal_of_a_result_says_where_and_why(convex_deployment: Deployment) -> None:
    with pytest.raises(FunctionError) as caught:
        convex_deployment.query("conformance/typed:returnsObject", {"value": {"a": 5.0}})

    assert caught.value.message == (
        "ReturnsValidationError: Value does not match validator.\nPath: .a\nValue: 5.0\nValidator: v.string()"
    )


# JavaScript functions without `return` give undefined; clients see null.
def test_a_function_that_returns_nothing_gives_null(convex_deployment: Deployment) -> None:
    assert convex_deployment.query("conformance/typed:returnsUndefined") is None


# Inside the deployment just so.
def test_a_called_function_that_returns_nothing_gives_null(probe: Probe) -> None:
    called, _ = probe.query(call_query("conformance/typed:returnsUndefined"), query(THINGS))

    assert called.value is None
