"""The real `npx convex` (npm convex) against a served emulator: variables, imports, exports, data, run.

Every command is a Node process of its own, without a terminal (`CI=1`), in a folder that knows nothing but the package.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from convex_mastra_emulator import Emulator, action, internal_mutation, query
from convex_mastra_emulator.schema import define_schema, define_table, v
from convex_mastra_emulator.server import serve
from tests.clients.convex_cli import ConvexCli
from tests.data_files.exports import id_of, lines_of, rows_of, zip_of

SCHEMA = define_schema({"notes": define_table({"n": v.float64(), "text": v.optional(v.string())})})

pytestmark = pytest.mark.xdist_group("npx convex")


@pytest.fixture
def emulator() -> Emulator:
    emulator = Emulator(SCHEMA, seed=1)
    emulator.define("notes:count", query(lambda ctx, args: len(ctx.db.query("notes").collect())))
    emulator.define("notes:add", internal_mutation(lambda ctx, args: ctx.db.insert("notes", args)))
    emulator.define("notes:who", query(lambda ctx, args: [ctx.auth.get_user_identity(), ctx.env.get("COLOUR")]))
    return emulator


@pytest.fixture
def cli(emulator: Emulator, npm_project: Path, tmp_path: Path) -> Iterator[ConvexCli]:
    with serve(emulator) as served:
        yield ConvexCli(npm_project, tmp_path, served)


def notes(emulator: Emulator) -> list[float]:
    return [row["n"] for row in rows_of(emulator, "notes")]


# Environment variables


def test_variables_are_set_shown_and_removed(cli: ConvexCli, emulator: Emulator) -> None:
    assert "No environment variables set" in cli.ok("env", "list").messages
    assert "Successfully set COLOUR" in cli.ok("env", "set", "COLOUR", "dark red").messages
    assert emulator.env == {"COLOUR": "dark red"}

    assert cli.ok("env", "get", "COLOUR").output == "dark red\n"
    assert json.loads(cli.ok("run", "notes:who").output) == [None, "dark red"]
    emulator.env["A"] = "1"
    assert cli.ok("env", "list", "--include-values").output == "A=1\nCOLOUR=dark red\n"

    assert "Successfully unset COLOUR" in cli.ok("env", "remove", "COLOUR").messages
    assert emulator.env == {"A": "1"}
    assert 'Environment variable "COLOUR" not found' in cli.ok("env", "get", "COLOUR").messages


def test_a_file_of_variables_is_set_as_a_whole(cli: ConvexCli, emulator: Emulator) -> None:
    cli.write("some.env", "A=1\nB='two words'\n")
    cli.write("bad.env", "C=3\nB=other\nCONVEX_OTHER=" + "x" * 8193 + "\n")

    told = cli.ok("env", "set", "--from-file", "some.env").messages
    assert "Successfully set 2 environment variables from some.env (2 new)" in told
    refused = cli("env", "set", "--from-file", "bad.env", "--force")

    assert refused.code == 1
    assert "EnvironmentVariableValueTooLarge: The environment variable value is 8193 bytes" in refused.messages
    assert emulator.env == {"A": "1", "B": "two words"}


def test_a_refused_variable_ends_with_the_deployments_words(cli: ConvexCli, emulator: Emulator) -> None:
    refused = cli("env", "set", "CONVEX_SITE_URL", "x")

    assert refused.code == 1
    assert 'EnvVarNameForbidden: Environment variable with name "CONVEX_SITE_URL" is built-in' in refused.messages
    assert emulator.env == {}


# Functions


def test_functions_are_run(cli: ConvexCli, emulator: Emulator) -> None:
    document_id = json.loads(cli.ok("run", "notes:add", '{"n": 5}').output)

    assert [row["_id"] for row in rows_of(emulator, "notes")] == [document_id]
    assert cli.ok("run", "notes:count").output == "1\n"
    who = json.loads(cli.ok("run", "notes:who", "{}", "--identity", '{"name": "Ada", "issuer": "i"}').output)
    assert (who[0]["name"], who[0]["issuer"]) == ("Ada", "i")


def test_a_function_that_fails_ends_with_its_error(cli: ConvexCli) -> None:
    failed = cli("run", "notes:add", '{"n": "x"}')

    assert (failed.code, failed.output) == (1, "")
    assert 'Failed to run function "notes:add"' in failed.messages
    assert "because it does not match the schema" in failed.messages


def test_a_function_that_is_not_there_shows_those_that_are(cli: ConvexCli) -> None:
    failed = cli("run", "notes:nothing")

    assert failed.code == 1
    assert "Could not find function for 'notes:nothing'. Did you forget to run `npx convex dev`?" in failed.messages
    assert "Available functions:\n• mastra/cache:handle\n" in failed.messages
    assert "• notes:add\n• notes:count\n• notes:who" in failed.messages


# Data


def test_tables_and_documents_are_shown(cli: ConvexCli, emulator: Emulator) -> None:
    emulator.run(lambda ctx: [ctx.db.insert("notes", {"n": float(n)}) for n in range(3)])
    emulator.run(lambda ctx: ctx.db.insert("other", {"big": True}))

    assert cli.ok("data").output == "notes\nother\n"
    shown = cli.ok("data", "notes", "--limit", "2")
    header, _, *rows = [line.split("|")[-1].strip() for line in shown.output.splitlines()]
    assert (header, rows) == ("n", ["2", "1"])
    assert "Showing the 2 most recently created documents" in shown.messages
    lines = cli.ok("data", "notes", "--order", "asc", "--format", "jsonl").output.splitlines()
    assert [json.loads(line)["n"] for line in lines] == [0, 1, 2]
    assert "There are no documents in this table." in cli.ok("data", "nowhere").messages


# Imports


def test_a_table_is_imported_in_every_format_and_mode(cli: ConvexCli, emulator: Emulator) -> None:
    lines = cli.write("rows.jsonl", '{"n": 1}\n{"n": 2}\n')
    array = cli.write("rows.json", '[{"n": 3}]')
    table = cli.write("rows.csv", "\ufeffn,text\n4,\n5,five\n")

    told = cli.ok("import", "--table", "notes", lines).messages
    assert "table | create | delete |\n-------------------------\nnotes | 2      | 0 of 0 |" in told
    assert 'Added 2 documents to table "notes".' in told
    refused = cli("import", "--table", "notes", array)
    assert (refused.code, notes(emulator)) == (1, [1, 2])
    assert "Table notes already exists. Please choose a new table name or use replace/append modes." in refused.messages

    cli.ok("import", "--table", "notes", "--append", array)
    assert notes(emulator) == [1, 2, 3]
    asked = cli("import", "--table", "notes", "--replace", table)
    assert (asked.code, notes(emulator)) == (1, [1, 2, 3])
    assert "notes | 2      | 3 of 3 |" in asked.messages
    cli.ok("import", "--table", "notes", "--replace", "-y", table)
    assert [(row["n"], row.get("text")) for row in rows_of(emulator, "notes")] == [(4.0, None), (5.0, "five")]


# Parts are of five mebibytes unless somebody says otherwise.
def test_a_file_comes_in_parts(cli: ConvexCli, emulator: Emulator) -> None:
    file = cli.write("rows.jsonl", lines_of({"n": n, "text": "é" * 20} for n in range(1000)))

    cli.ok("import", "--table", "notes", file, CONVEX_IMPORT_CHUNK_SIZE="10001")

    assert notes(emulator) == [float(n) for n in range(1000)]


@pytest.mark.parametrize(
    ("rows", "texts"),
    [
        ('{"n": 1}\n{"n": \n', ["Row 2 wasn't valid JSON: ", "notes, line 2, field `n`"]),
        (
            '{"n": 1}\n{"n": "x"}\n{"m": 1}\n',
            ["because it does not match the schema", "notes, line 2, field `n`", "notes, line 3, field `n`: "],
        ),
    ],
)
def test_bad_rows_are_named_and_nothing_is_imported(
    cli: ConvexCli, emulator: Emulator, rows: str, texts: list[str]
) -> None:
    emulator.run(lambda ctx: ctx.db.insert("notes", {"n": 9.0}))

    failed = cli("import", "--table", "notes", "--replace", "-y", cli.write("rows.jsonl", rows))

    assert failed.code == 1
    assert "Hit an error while importing:" in failed.messages
    assert [text for text in texts if text not in failed.messages] == []
    assert notes(emulator) == [9.0]
    assert emulator.imports.files_kept == 0


# A ZIP as somebody packs a folder: a prefix, no generated schema, tables of a system of another time.
def test_a_zip_made_by_hand_is_imported(cli: ConvexCli, emulator: Emulator) -> None:
    file = zip_of(
        {
            "my backup/README.md": "mine",
            "my backup/_tables/documents.jsonl": lines_of([{"name": "notes", "id": 10001}]),
            "my backup/_unknown/documents.jsonl": lines_of([{"a": 1}]),
            "my backup/notes/documents.jsonl": lines_of([{"_id": id_of(10001, 7), "_creationTime": 5.5, "n": 1}]),
            "my backup/new/documents.jsonl": lines_of([{"n": 2, "nested": {"list": [1, None, "x"]}}]),
        }
    )

    told = cli.ok("import", cli.write("hand.zip", file.getvalue())).messages

    assert "new   | 1      | 0 of 0 |\nnotes | 1      | 0 of 0 |" in told
    assert "Added 2 documents." in told
    assert rows_of(emulator, "notes") == [{"_id": id_of(10001, 7), "_creationTime": 5.5, "n": 1.0}]
    assert [row["nested"] for row in rows_of(emulator, "new")] == [{"list": [1.0, None, "x"]}]


def test_a_zip_of_the_emulator_replaces_everything(cli: ConvexCli, emulator: Emulator) -> None:
    source = Emulator(SCHEMA, seed=5)
    source.run(lambda ctx: ctx.db.insert("notes", {"n": 1.0}))
    emulator.run(lambda ctx: ctx.db.insert("extra", {}))
    file = io.BytesIO()
    source.export_zip(file)

    cli.ok("import", "--replace-all", "-y", cli.write("ours.zip", file.getvalue()))

    assert emulator.table_counts() == {"notes": 1}
    assert rows_of(emulator, "notes") == rows_of(source, "notes")


# Exports


# What one deployment exports another has afterwards: documents, ids, creation times, numbers of tables.
def test_an_export_goes_round(cli: ConvexCli, emulator: Emulator, npm_project: Path, tmp_path: Path) -> None:
    emulator.run(
        lambda ctx: [ctx.db.insert("later", {"bytes": b"\x00", "text": "ä\n"}), ctx.db.insert("notes", {"n": 1})]
    )

    store(emulator, b"hello")

    told = cli.ok("export", "--path", "out.zip", "--include-file-storage").messages
    assert "Created snapshot export at timestamp " in told
    assert "Downloaded snapshot export to out.zip" in told
    target = Emulator(SCHEMA, seed=2)
    with serve(target) as served:
        other = ConvexCli(npm_project, tmp_path, served)
        other.ok("import", "out.zip")
        other.ok("export", "--path", ".", "--include-file-storage")

    assert target.table_counts() == {"later": 1, "notes": 1}
    for table in ("later", "notes"):
        assert rows_of(target, table) == rows_of(emulator, table)
    [again] = tmp_path.glob("snapshot_convex-mastra-emulator_*.zip")
    assert entries_of(again) == entries_of(tmp_path / "out.zip")
    assert b"hello" in entries_of(again).values()


def store(emulator: Emulator, body: bytes) -> str:
    """A stored file."""
    emulator.define("files:keep", action(lambda ctx, args: ctx.storage.store(body)))
    return str(emulator.action("files:keep"))


# Stored files come along only when they are asked for.
def test_an_export_leaves_files_out(cli: ConvexCli, emulator: Emulator, tmp_path: Path) -> None:
    store(emulator, b"hello")

    cli.ok("export", "--path", "out.zip")

    assert not [name for name in entries_of(tmp_path / "out.zip") if name.startswith("_storage")]


def test_an_inline_query_is_refused_at_once(cli: ConvexCli) -> None:
    refused = cli("run", "--inline-query", "await ctx.db.query('notes').collect()")

    assert refused.code == 1
    assert "`--inline-query` is not emulated: deploy the query, and run it by its name" in refused.messages


def entries_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_an_export_while_another_is_made_is_refused(cli: ConvexCli, emulator: Emulator) -> None:
    with emulator.rollback():
        # Asked for and never made, as if the other one took its time.
        emulator.exports._do_soon = lambda _work: None
        emulator.exports.request(include_storage=False)

        refused = cli("export", "--path", "out.zip")

    assert refused.code == 1
    assert "A snapshot export is already requested or in progress." in refused.messages


def test_a_wrong_key_is_refused(emulator: Emulator, npm_project: Path, tmp_path: Path) -> None:
    with serve(emulator) as served:
        cli = ConvexCli(npm_project, tmp_path, replace(served, admin_key="other|key"))

        refused = cli("env", "set", "A", "1")

    assert refused.code == 1
    assert "The provided admin key was invalid for this instance" in refused.messages
    assert emulator.env == {}
