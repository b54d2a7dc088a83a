"""Making functions and finding them: builders, decorators, the register (convex-engine.md §10.2)."""

from typing import Any

import pytest

from convex_mastra_emulator import action, internal_action, internal_mutation, internal_query, mutation, query
from convex_mastra_emulator.errors import FunctionUnavailable, RequestRefused, SchemaDefinitionError
from convex_mastra_emulator.runtime.functions import Function, FunctionKind, FunctionRegistry
from convex_mastra_emulator.runtime.paths import parse_path
from convex_mastra_emulator.schema import v


def answer(ctx: Any, args: Any) -> int:
    return 42


@pytest.mark.parametrize(
    ("build", "kind", "is_internal"),
    [
        (query, FunctionKind.QUERY, False),
        (mutation, FunctionKind.MUTATION, False),
        (action, FunctionKind.ACTION, False),
        (internal_query, FunctionKind.QUERY, True),
        (internal_mutation, FunctionKind.MUTATION, True),
        (internal_action, FunctionKind.ACTION, True),
    ],
)
def test_builder_says_kind_and_visibility(build: Any, kind: FunctionKind, is_internal: bool) -> None:
    function = build(answer)

    assert function.kind is kind
    assert function.is_internal is is_internal


def test_builder_is_a_decorator() -> None:
    @query
    def count(ctx: Any, args: Any) -> int:
        return 7

    assert isinstance(count, Function)


def test_builder_with_validators_is_a_decorator() -> None:
    @mutation(args={"text": v.string()}, returns=v.null())
    def send(ctx: Any, args: Any) -> None:
        return None

    assert isinstance(send, Function)
    assert str(send.arguments) == "v.object({text: v.string()})"
    assert str(send.returns) == "v.null()"


def test_function_called_directly_runs_its_body() -> None:
    assert query(answer)(None, {}) == 42


def test_args_must_be_an_object_or_any() -> None:
    with pytest.raises(SchemaDefinitionError, match="Args validator must be an object or any"):
        query(answer, args=v.string())


def test_register_finds_a_function_in_every_form_of_its_path() -> None:
    function = query(answer)
    registry = FunctionRegistry({"messages.js:list": function})

    found = registry.find(parse_path("messages:list"), FunctionKind.QUERY, internal_allowed=False)

    assert found is function


def test_register_replaces_the_function_of_a_path() -> None:
    registry = FunctionRegistry({"messages:list": query(answer)})
    newer = query(answer)

    registry.define("messages.js:list", newer)

    assert registry.find(parse_path("messages:list"), None, internal_allowed=False) is newer
    assert registry.paths() == ["messages:list"]


def test_register_lists_paths_sorted_and_stripped() -> None:
    registry = FunctionRegistry({"b.js:f": query(answer), "a:default": query(answer)})

    assert registry.paths() == ["a", "b:f"]


# `define("m:f", some_function)` without a builder is the likeliest slip; it must not fail only when called.
def test_register_takes_no_plain_function() -> None:
    with pytest.raises(TypeError, match=r"must be made by query\(\.\.\.\), mutation\(\.\.\.\) or action\(\.\.\.\)"):
        FunctionRegistry({}).define("messages:list", answer)  # type: ignore[arg-type]


def test_register_takes_no_bad_path() -> None:
    with pytest.raises(RequestRefused, match="is not a valid path to a Convex function"):
        FunctionRegistry({}).define("my-messages.ts:list", query(answer))


# A caller must not learn from the text that an internal function exists.
def test_internal_and_missing_functions_look_the_same() -> None:
    registry = FunctionRegistry({"secret:list": internal_query(answer)})

    with pytest.raises(FunctionUnavailable, match=r"Could not find public function for 'secret:list'\.$"):
        registry.find(parse_path("secret:list"), FunctionKind.QUERY, internal_allowed=False)
    with pytest.raises(FunctionUnavailable, match=r"Could not find public function for 'secret:other'\.$"):
        registry.find(parse_path("secret:other"), FunctionKind.QUERY, internal_allowed=False)
