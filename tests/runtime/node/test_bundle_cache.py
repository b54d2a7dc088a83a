"""What was bundled before: used again while every source is as it was, and never longer."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from convex_mastra_emulator import Emulator, FunctionError
from convex_mastra_emulator.runtime.node import bundle_cache
from convex_mastra_emulator.runtime.node.bundle import Bundle, bundle
from convex_mastra_emulator.runtime.node.bundle_cache import ENTRIES_MAX, cached_bundle

Write = Callable[..., Path]
ONE = "export const f = query(async () => 1);"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "convex-mastra-emulator" / "bundles"


@pytest.fixture
def make(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], tuple[Bundle, bool]]:
    """Bundles a folder; tells whether esbuild was asked."""
    calls = []

    def counted(*args: object) -> Bundle:
        calls.append(args)
        return bundle(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(bundle_cache, "bundle", counted)

    def make(folder: Path) -> tuple[Bundle, bool]:
        before = len(calls)
        output = tmp_path / f"output{before}-{len(os.listdir(tmp_path))}"
        output.mkdir()
        return cached_bundle(folder, output), len(calls) > before

    return make


Make = Callable[[Path], tuple[Bundle, bool]]


def test_equal_sources_are_bundled_once(make: Make, write: Write) -> None:
    folder = write(a=ONE)
    first, was_made = make(folder)
    again, was_made_again = make(folder)

    assert (was_made, was_made_again) == (True, False)
    assert (again.isolate, again.node, again.schema) == (first.isolate, first.node, first.schema)
    assert (again.folder / "a.js").read_text() == (first.folder / "a.js").read_text()


def test_a_changed_module_is_bundled_again(make: Make, write: Write) -> None:
    make(write(a=ONE))

    changed, was_made = make(write(a=ONE.replace("1", "2")))

    assert was_made
    assert "=> 2" in (changed.folder / "a.js").read_text()


def test_a_changed_file_outside_the_folder_is_seen(make: Make, write: Write) -> None:
    folder = write(a='import { n } from "../shared"; export const f = query(async () => n);')
    shared = folder.parent / "shared.ts"
    shared.write_text("export const n = 1;")
    make(folder)
    shared.write_text("export const n = 2;")

    assert make(folder)[1]
    shared.write_text("export const n = 1;")
    assert not make(folder)[1]


def test_a_new_file_is_seen(make: Make, write: Write) -> None:
    make(write(a=ONE))

    made, was_made = make(write(b=ONE))

    assert was_made
    assert made.isolate == ("a.js", "b.js")


# `paths` of tsconfig.json says what an import is.
def test_a_changed_tsconfig_is_seen(make: Make, write: Write) -> None:
    folder = write(a=ONE)
    make(folder)
    (folder / "tsconfig.json").write_text("{}")

    assert make(folder)[1]


def test_a_damaged_entry_is_made_anew(make: Make, write: Write, cache: Path) -> None:
    folder = write(a=ONE)
    make(folder)
    [entry] = cache.iterdir()
    (entry / "made.json").write_text("{")

    assert make(folder)[1]


def test_without_a_right_to_write_nothing_is_kept(make: Make, write: Write, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")

    made, was_made = make(write(a=ONE))

    assert was_made
    assert made.cached is None


def test_only_the_latest_entries_are_kept(make: Make, write: Write, cache: Path) -> None:
    cache.mkdir(parents=True)
    for number in range(ENTRIES_MAX):
        (cache / f"old-{number}").mkdir()
        os.utime(cache / f"old-{number}", (number, number))

    make(write(a=ONE))

    assert len(list(cache.iterdir())) == ENTRIES_MAX
    assert not (cache / "old-0").exists()
    assert (cache / "old-1").exists()


# What a second run of a test suite pays: no esbuild, and Node only if a function is called.
def test_what_modules_export_is_known_without_node(cache: Path, write: Write) -> None:
    folder = write(a=ONE)
    with Emulator() as first:
        first.deploy(folder)

    with Emulator() as second:
        second.deploy(folder)
        host = second._executor.typescript
        assert host is not None
        assert host.processes == 0
        assert second.function_paths() == ["a:f"]

        assert second.query("a:f") == 1.0
        assert host.processes == 1


# A module may look at its environment when it is loaded.
def test_other_environment_variables_load_the_modules_again(cache: Path, write: Write) -> None:
    folder = write(a="export const f = process.env.ON ? query(async () => 1) : 5;")
    with Emulator() as off:
        off.deploy(folder)
        assert off.function_paths() == []

    with Emulator() as on:
        on.env["ON"] = "1"
        on.deploy(folder)
        assert on.function_paths() == ["a:f"]


def test_errors_of_a_kept_bundle_have_the_lines_of_the_sources(cache: Path, write: Write) -> None:
    folder = write(a='export const f = query(async () => {\n  throw new Error("no");\n});')
    texts = []
    for _ in range(2):
        with Emulator() as convex:
            convex.deploy(folder)
            with pytest.raises(FunctionError) as caught:
                convex.query("a:f")
            texts.append(str(caught.value).partition("\n")[2])

    assert texts[0] == texts[1]
    assert "at <anonymous> (../convex/a.ts:9:9)" in texts[1]
