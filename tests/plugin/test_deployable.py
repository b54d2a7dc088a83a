"""The project for a real deployment: what is in it, and that it is written over nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from convex_mastra_emulator import connect
from convex_mastra_emulator.stores import ConvexNativeVector, NativeVectorIndex
from pytest_mastra_convex.deployable import main, write_project
from pytest_mastra_convex.node_project import Oracle, ensure_npm_project, node_binary, npm_project


def test_the_project_holds_the_functions_and_nothing_of_the_oracle(tmp_path: Path) -> None:
    write_project(tmp_path / "project")

    names = {path.relative_to(tmp_path / "project").as_posix() for path in (tmp_path / "project").rglob("*")}
    assert {
        ".npmrc",
        "package.json",
        "package-lock.json",
        "convex/schema.ts",
        "convex/mastra/storage.ts",
        "convex/mastra/cache.ts",
        "convex/mastra/nativeVector.ts",
        "convex/conformance/probe.ts",
    } <= names
    assert not [name for name in names if "oracle" in name or "node_modules" in name]


def test_files_are_copied_as_they_are(tmp_path: Path) -> None:
    write_project(tmp_path)

    copied = (tmp_path / "convex" / "schema.ts").read_bytes()
    assert copied == (npm_project() / "schema.ts").read_bytes()


# The tool of npm convex bundles what stands in the folder; a file imported from outside would be missing there.
def test_every_relative_import_is_in_the_project(tmp_path: Path) -> None:
    write_project(tmp_path)

    imports = [
        path.parent / target
        for path in (tmp_path / "convex").rglob("*.ts")
        for target in re.findall(r'from "(\.[^"]*)"', path.read_text(encoding="utf-8"))
    ]
    assert imports
    assert [path for path in imports if not path.is_file()] == []


# What a push declares: a deployment takes no field whose name is no identifier, and the published search has one.
def test_no_declared_argument_has_a_name_that_a_deployment_refuses(
    tmp_path: Path, report_progress: Callable[[str], None]
) -> None:
    installed = ensure_npm_project(report_progress)
    write_project(tmp_path)
    (tmp_path / "node_modules").symlink_to(installed / "node_modules")
    script = """
      for (const name of ["cache", "nativeVector", "storage"]) {
        const module = await import(`./convex/mastra/${name}.ts`);
        for (const [key, exported] of Object.entries(module)) console.log(name, key, exported.exportArgs());
      }
    """

    command = [str(node_binary()), "--input-type=module", "--eval", script]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert {" ".join(line.split()[:2]) for line in printed.splitlines()} == {
        "cache handle",
        "nativeVector query",
        "nativeVector read",
        "nativeVector write",
        "storage handle",
    }
    assert '"filterFields"' in printed
    assert '"$' not in printed


# It passes on to the published handler by a way that npm convex does not document.
def test_the_search_declared_here_runs_the_published_handler(
    tmp_path: Path, report_progress: Callable[[str], None]
) -> None:
    installed = ensure_npm_project(report_progress)
    write_project(tmp_path / "project")
    oracle_project = tmp_path / "oracle"
    shutil.copytree(installed, oracle_project, ignore=shutil.ignore_patterns("node_modules"))
    (oracle_project / "node_modules").symlink_to(installed / "node_modules")
    shutil.copytree(tmp_path / "project" / "convex", oracle_project, dirs_exist_ok=True)

    with Oracle(oracle_project) as oracle, connect(oracle.url) as deployment:
        index = NativeVectorIndex(
            table_name="notes_vectors", vector_index_name="by_embedding", dimension=3, filter_fields=("label",)
        )
        native = ConvexNativeVector(deployment, indexes={"notes": index})
        metadata = [{"label": "x"}, {"label": "y"}]
        native.upsert("notes", vectors=[[1, 0, 0], [0, 1, 0]], metadata=metadata, ids=["a", "b"])
        nearest = native.query("notes", query_vector=[1, 0, 0], top_k=1)
        filtered = native.query("notes", query_vector=[1, 0, 0], filter={"label": "y"})

    assert [result.id for result in nearest] == ["a"]
    assert [result.id for result in filtered] == ["b"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 0

    assert (tmp_path / "convex" / "schema.ts").is_file()


def test_a_folder_with_something_in_it_is_left_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "precious").write_text("text")

    assert main([str(tmp_path)]) == 1

    assert [path.name for path in tmp_path.iterdir()] == ["precious"]
    assert "is there and not empty; nothing was written" in capsys.readouterr().err


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")

    with pytest.raises(FileExistsError):
        write_project(tmp_path / "file")


def test_the_next_commands_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(tmp_path / "project")])

    told = capsys.readouterr().out
    for command in (f"cd {tmp_path / 'project'}", "npm ci", "npx convex deploy", "npx convex env set IS_TEST 1"):
        assert f"  {command}\n" in told
