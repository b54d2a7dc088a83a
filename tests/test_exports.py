"""The public names: a change here is a change for every user."""

import tomllib
from pathlib import Path

import convex

import convex_mastra_emulator

PROJECT = Path(__file__).parents[1]


def test_public_names() -> None:
    assert convex_mastra_emulator.__all__ == [
        "ADMIN",
        "ANONYMOUS",
        "AuthProvider",
        "Clock",
        "ConnectedDeployment",
        "ConvexError",
        "ConvexInt64",
        "Crons",
        "Deployment",
        "Emulator",
        "EmulatorError",
        "FaultKind",
        "FetchRequest",
        "FetchResponse",
        "FunctionError",
        "HttpActionRequest",
        "HttpActionResponse",
        "HttpRouter",
        "Interleaving",
        "Limits",
        "ManualClock",
        "StoredBlob",
        "SystemClock",
        "acting_as",
        "action",
        "connect",
        "http_action",
        "interleave",
        "internal_action",
        "internal_mutation",
        "internal_query",
        "mutation",
        "query",
        "undefined",
        "user_identity",
    ]


def test_every_public_name_is_there() -> None:
    assert [name for name in convex_mastra_emulator.__all__ if not hasattr(convex_mastra_emulator, name)] == []


# Code under test catches the classes of PyPI convex; look-alikes of our own would slip through.
def test_value_and_error_classes_are_those_of_the_convex_package() -> None:
    assert convex_mastra_emulator.ConvexError is convex.ConvexError
    assert convex_mastra_emulator.ConvexInt64 is convex.ConvexInt64


def test_version_is_that_of_the_project() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert convex_mastra_emulator.__version__ == project["version"]


# Without the marker files, type checkers ignore the annotations of an installed package.
def test_packages_are_typed() -> None:
    source = PROJECT / "src"

    assert (source / "convex_mastra_emulator/py.typed").is_file()
    assert (source / "pytest_mastra_convex/py.typed").is_file()
