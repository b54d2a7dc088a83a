"""Mastra's own TypeScript, unmodified, on the emulator's engine; the Python stores speak to it as to Python's."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.errors import SchemaDefinitionError
from convex_mastra_emulator.stores import ConvexServerCache, ConvexStore, ConvexVector
from pytest_mastra_convex.node_project import npm_project


@pytest.fixture
def mastra(tmp_path: Path, npm_packages: Path) -> Path:
    (tmp_path / "node_modules").symlink_to(npm_packages)
    folder = tmp_path / "convex"
    shutil.copytree(npm_project() / "mastra", folder / "mastra")
    shutil.copy(npm_project() / "schema.ts", folder)
    return folder


@pytest.fixture
def deployed(mastra: Path) -> Iterator[Emulator]:
    with Emulator() as convex:
        with pytest.warns(UserWarning, match=r"mastra/nativeVector\.js:query: a deployment refuses this validator"):
            convex.deploy(mastra)
        yield convex


def test_stores_work(deployed: Emulator) -> None:
    vectors, cache = ConvexVector(deployed), ConvexServerCache(deployed)
    vectors.create_index("docs", dimension=3)
    vectors.upsert("docs", vectors=[[1, 0, 0], [0, 1, 0]], metadata=[{"n": 1}, {"n": 2}], ids=["a", "b"])

    assert vectors.query("docs", query_vector=[1, 0, 0], top_k=1)[0].id == "a"
    assert (cache.increment("k"), cache.increment("k")) == (1, 2)
    assert ConvexStore(deployed).memory.list_threads().total == 0


def test_what_typescript_writes_has_the_emulators_usage(deployed: Emulator) -> None:
    record = {"id": "r1", "resourceId": "ada", "title": "T", "createdAt": "2026-01-01", "updatedAt": "2026-01-01"}

    deployed.mutation("mastra/storage:handle", {"op": "insert", "tableName": "mastra_threads", "record": record})

    assert deployed.table_counts() == {"mastra_threads": 1}
    assert [query.index for query in deployed.usage.queries] == ["by_record_id"]


# By Convex' sources a field name may not begin with `$`: `npx convex deploy` fails on the published functions.
def test_the_strict_dialect_refuses_what_a_deployment_refuses(mastra: Path) -> None:
    with Emulator() as convex, pytest.raises(SchemaDefinitionError, match=r"Invalid first character '\$' in \$or"):
        convex.deploy(mastra, dialect="strict")
