"""Function paths: every form that is read, every reason one is refused.

convex-backend crates/convex/sync_types/src/udf_path.rs, module_path.rs and path.rs (convex-engine.md §10.1).
"""

import pytest

from convex_mastra_emulator.errors import ErrorKind, RequestRefused
from convex_mastra_emulator.runtime import paths
from convex_mastra_emulator.runtime.paths import FunctionPath, parse_path


@pytest.mark.parametrize(
    ("path", "module", "function"),
    [
        ("messages:list", "messages.js", "list"),
        ("messages.js:list", "messages.js", "list"),
        ("mastra/storage:handle", "mastra/storage.js", "handle"),
        ("a/b/c.js:_private1", "a/b/c.js", "_private1"),
        ("messages", "messages.js", "default"),
        ("messages.js", "messages.js", "default"),
        ("messages:default", "messages.js", "default"),
        ("v1.2/messages:list", "v1.2/messages.js", "list"),
        ("a//b:f", "a/b.js", "f"),
    ],
)
def test_path_is_read_in_all_its_forms(path: str, module: str, function: str) -> None:
    assert parse_path(path) == FunctionPath(module, function)


def test_canonical_form_has_the_extension() -> None:
    assert parse_path("mastra/storage:handle").canonical == "mastra/storage.js:handle"


@pytest.mark.parametrize(
    ("path", "stripped"),
    [("mastra/storage.js:handle", "mastra/storage:handle"), ("messages.js:default", "messages"), ("m", "m")],
)
def test_stripped_form_drops_extension_and_default(path: str, stripped: str) -> None:
    assert parse_path(path).stripped == stripped


def test_only_the_system_folder_is_the_deployments_own() -> None:
    assert parse_path("_system/cli/tables:default").is_system
    assert not parse_path("app/_system/tables:list").is_system


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "Module path  doesn't have a filename."),
        (":list", "Module path  doesn't have a filename."),
        ("/:list", "Module path / doesn't have a filename."),
        ("..:list", "Module path .. doesn't have a filename."),
        ("a/..:list", "Module path a/.. doesn't have a filename."),
        ("messages.ts:list", "Module path (messages.ts) has an extension that isn't 'js'."),
        ("/messages:list", "Module paths must be relative (/messages is absolute)."),
        ("../messages:list", "Invalid path component ParentDir in ../messages."),
        ("./messages:list", "Invalid path component CurDir in ./messages."),
        (
            "my-app/messages:list",
            "Path component my-app can only contain alphanumeric characters, underscores, or periods.",
        ),
        ("_/messages:list", "Path component _ must have at least one alphanumeric character."),
        ("messages:", "Identifier cannot be empty"),
        (
            "messages:list-all",
            "Identifier list-all has invalid character '-': "
            "Identifiers can only contain alphanumeric characters or underscores",
        ),
        (
            "messages:1st",
            "Invalid first character '1' in 1st: Identifiers must start with an alphabetic character or underscore",
        ),
        ("messages:__", "Identifier __ cannot have exclusively underscores"),
        (f"messages:{'f' * 65}", "Identifier is too long (65 > maximum 64)"),
    ],
)
def test_bad_path_is_refused_with_its_reason(path: str, reason: str) -> None:
    with pytest.raises(RequestRefused, match="is not a valid path to a Convex function") as refusal:
        parse_path(path)

    assert refusal.value.message == f"{path} is not a valid path to a Convex function. {reason}"
    assert refusal.value.code == "BadConvexFunctionIdentifier"
    assert refusal.value.kind is ErrorKind.BAD_REQUEST


# The module is read before the function: with two faults, the first one is told.
def test_bad_module_is_told_before_a_bad_function() -> None:
    with pytest.raises(RequestRefused, match="has an extension that isn't 'js'"):
        parse_path("messages.ts:list-all")


# `a:b:f` splits at the last colon, which leaves a colon in the module.
def test_path_splits_at_the_last_colon() -> None:
    with pytest.raises(RequestRefused, match=r"Path component .* can only contain alphanumeric"):
        parse_path("a:b:f")


def test_longest_names_fit() -> None:
    path = f"{'d' * 64}/messages:{'f' * 64}"

    assert parse_path(path).stripped == path


# path.rs shows the first 64 characters of what is too long.
def test_too_long_folder_is_refused_with_its_beginning() -> None:
    with pytest.raises(RequestRefused, match="Path component is too long") as refusal:
        parse_path(f"{'d' * 65}/messages:list")

    assert refusal.value.message.endswith(f"Path component is too long (65 > maximum 64): {'d' * 64}...")


# module_path.rs checks the canonical form: the three characters of `.js` count.
def test_module_name_counts_with_its_extension() -> None:
    assert parse_path(f"{'m' * 61}:list").stripped == f"{'m' * 61}:list"

    with pytest.raises(RequestRefused, match=r"Path component is too long \(65 > maximum 64\)"):
        parse_path(f"{'m' * 62}:list")


# Anybody may send paths; thousands of long ones must not stay in memory.
@pytest.mark.parametrize(("length", "is_remembered"), [(512, True), (513, False)])
def test_a_long_path_is_not_remembered(length: int, is_remembered: bool) -> None:
    paths._read_once.cache_clear()

    with pytest.raises(RequestRefused, match="too long"):
        parse_path("a" * length)

    assert (paths._read_once.cache_info().currsize == 1) is is_remembered
