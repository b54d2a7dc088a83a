"""Schemas, functions, routes and crons named by text: found, or refused with the reason."""

import json
from pathlib import Path

import pytest

from convex_mastra_emulator.mastra import mastra_schema
from convex_mastra_emulator.sources import SourceError, load_crons, load_functions, load_router, load_schema

MODULE = """
from convex_mastra_emulator import Crons, HttpRouter, query
from convex_mastra_emulator.schema import define_schema, define_table, v

SCHEMA = define_schema({"notes": define_table({"text": v.string()})})
FUNCTIONS = {"notes:f": query(lambda ctx, args: 1)}
WRONG = {"notes:f": lambda ctx, args: 1}
ROUTER = HttpRouter()
CRONS = Crons()
"""


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "named_sources.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "named_sources", raising=False)


def test_schema_of_a_module_of_the_current_folder() -> None:
    assert list(load_schema("named_sources:SCHEMA").tables) == ["notes"]


def test_schema_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(mastra_schema().to_json()))

    assert "mastra_threads" in load_schema(path).tables


def test_functions_of_a_module() -> None:
    assert list(load_functions("named_sources:FUNCTIONS")) == ["notes:f"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere", "'nowhere' is neither a file nor `module:attribute`"),
        ("nowhere:X", "ModuleNotFoundError"),
        ("named_sources:X", "AttributeError"),
        ("named_sources:FUNCTIONS", "must be a Schema, got dict"),
    ],
)
def test_what_is_no_schema_is_refused(source: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        load_schema(source)


def test_file_that_is_no_schema_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{}")

    with pytest.raises(SourceError, match=r"bad\.json.*SchemaDefinitionError"):
        load_schema(tmp_path / "bad.json")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("named_sources:SCHEMA", "must be a mapping of paths to functions, got Schema"),
        ("named_sources:WRONG", r"'notes:f': function must be made by query\(\.\.\.\)"),
    ],
)
def test_what_is_no_mapping_of_functions_is_refused(source: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        load_functions(source)


def test_routes_and_crons_of_a_module() -> None:
    assert load_router("named_sources:ROUTER").routes() == []
    assert load_crons("named_sources:CRONS").by_id == {}


def test_what_are_no_routes_and_no_crons_is_refused() -> None:
    with pytest.raises(SourceError, match="'named_sources:CRONS' must be an HttpRouter, got Crons"):
        load_router("named_sources:CRONS")
    with pytest.raises(SourceError, match="'named_sources:ROUTER' must be Crons, got HttpRouter"):
        load_crons("named_sources:ROUTER")


def test_a_schema_in_typescript_is_deployed(tmp_path: Path) -> None:
    (tmp_path / "schema.ts").write_text("export default defineSchema({});")

    with pytest.raises(SourceError, match=r"is deployed with the functions beside it, by `--deploy "):
        load_schema(tmp_path / "schema.ts")
