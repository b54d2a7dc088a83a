"""Mastra's five functions stand where its clients call them, each of its kind."""

from typing import Any

import pytest

from convex_mastra_emulator import Emulator, FunctionError
from convex_mastra_emulator.mastra import MASTRA_FUNCTIONS
from convex_mastra_emulator.runtime.identity import ANONYMOUS

CONFIG = {"tableName": "docs_vectors", "vectorIndexName": "by_embedding"}


def test_paths_are_the_defaults_of_the_clients() -> None:
    assert sorted(MASTRA_FUNCTIONS) == [
        "mastra/cache:handle",
        "mastra/nativeVector:query",
        "mastra/nativeVector:read",
        "mastra/nativeVector:write",
        "mastra/storage:handle",
    ]


# The same functions serve every emulator of a process; one that could be exchanged would be exchanged for all.
def test_functions_cannot_be_exchanged() -> None:
    with pytest.raises(TypeError, match="does not support item assignment"):
        MASTRA_FUNCTIONS["mastra/cache:handle"] = None  # type: ignore[index]


# Reads of storage and cache are mutations too: a client that calls them as queries is told so.
@pytest.mark.parametrize("path", ["mastra/storage:handle", "mastra/cache:handle", "mastra/nativeVector:write"])
def test_mutation_cannot_be_called_as_a_query(emulator: Emulator, path: str) -> None:
    with pytest.raises(FunctionError, match="as Query"):
        emulator.query(path, {})


def test_search_is_an_action(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match="as Query"):
        emulator.query("mastra/nativeVector:query", {"config": CONFIG, "vector": [1]})


def test_read_is_a_query(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match="as Mutation"):
        emulator.mutation("mastra/nativeVector:read", {"op": "describe", "config": CONFIG})


# Handlers are public functions: whoever knows the address can call them without a key.
@pytest.mark.parametrize(
    ("path", "args"),
    [
        ("mastra/storage:handle", {"op": "queryTable", "tableName": "mastra_threads"}),
        ("mastra/cache:handle", {"op": "get", "key": "k"}),
    ],
)
def test_functions_need_no_key(emulator: Emulator, path: str, args: dict[str, str]) -> None:
    answer: Any = emulator.mutation(path, args, identity=ANONYMOUS)

    assert answer["ok"] is True
