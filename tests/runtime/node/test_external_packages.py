"""``node.externalPackages`` of ``convex.json``: packages that "use node" modules load from ``node_modules``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.runtime.node.bundle_cache import cached_bundle
from convex_mastra_emulator.runtime.node.external_packages import (
    ConfigUnreadable,
    PackagesMissing,
    external_packages,
    node_modules_with,
)

MODULE = """
"use node";
import { actionGeneric as action } from "convex/server";
import { file, seen } from "outside";
export const where = action(async () => file);
export const count = action(async () => seen());
"""
PACKAGE = """
let calls = 0;
exports.seen = () => (calls += 1);
exports.file = typeof __filename === "string" ? __filename : "bundled";
"""
Project = Callable[..., Path]


@pytest.fixture
def project(tmp_path: Path, npm_packages: Path) -> Project:
    """A project with an npm package ``outside`` 1.2.3; gives its folder of functions."""

    def write(config: Any = None, **dependencies: str) -> Path:
        modules = tmp_path / "node_modules"
        (modules / "outside").mkdir(parents=True)
        for name in ("convex", "@esbuild", "esbuild"):
            (modules / name).symlink_to(npm_packages / name)
        (modules / "outside" / "package.json").write_text('{"name": "outside", "version": "1.2.3"}')
        (modules / "outside" / "index.js").write_text(PACKAGE)
        (tmp_path / "package.json").write_text(json.dumps({"dependencies": dependencies or {"outside": "^1.0.0"}}))
        if config is not None:
            (tmp_path / "convex.json").write_text(config if isinstance(config, str) else json.dumps(config))
        (tmp_path / "convex").mkdir()
        (tmp_path / "convex" / "a.ts").write_text(MODULE)
        return tmp_path / "convex"

    return write


def external(*names: str) -> dict[str, Any]:
    return {"node": {"externalPackages": list(names)}}


@pytest.mark.parametrize("names", [("outside",), ("*",)])
def test_an_external_package_is_loaded_from_node_modules(project: Project, names: tuple[str, ...]) -> None:
    folder = project(external(*names))
    with Emulator() as convex:
        convex.deploy(folder)

        assert convex.action("a:where") == str(folder.parent / "node_modules" / "outside" / "index.js")
        assert [convex.action("a:count") for _ in range(2)] == [1.0, 2.0]


def test_a_kept_bundle_finds_the_package_again(project: Project) -> None:
    folder = project(external("outside"))
    for _ in range(2):
        with Emulator() as convex:
            convex.deploy(folder)
            assert convex.action("a:where").endswith("outside/index.js")


@pytest.mark.parametrize("config", [None, {}, external(), external("other")])
def test_other_packages_are_bundled(project: Project, config: Any) -> None:
    folder = project(config)
    with Emulator() as convex:
        convex.deploy(folder)

        assert convex.action("a:where") == "bundled"


# convex-js src/bundler/external.ts `shouldMarkExternal`
@pytest.mark.parametrize(
    "version", ["file:../x", "git+file:///x", "http://x/", "https://x/", "git://x", "git+ssh://x", "git+https://x"]
)
def test_what_convex_could_not_install_is_bundled(project: Project, version: str) -> None:
    assert external_packages(project(external("*"), outside=version)).names == ()


def test_convex_itself_and_what_is_not_there_are_bundled(project: Project) -> None:
    folder = project(external("*"), convex="1.0.0", gone="1.0.0", outside="1.0.0")

    assert external_packages(folder).names == ("outside",)


def test_a_package_that_package_json_does_not_name_is_bundled(project: Project) -> None:
    assert external_packages(project(external("outside"), other="1.0.0")).names == ()


def test_the_files_that_say_so_are_inputs_of_the_bundle(project: Project, tmp_path: Path) -> None:
    folder = project(external("outside"))
    output = tmp_path / "output"
    output.mkdir()

    inputs = cached_bundle(folder, output, cache=tmp_path / "cache").inputs

    assert {folder.parent / "convex.json", folder.parent / "package.json"} <= set(inputs)


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ("{", r"convex\.json: Expecting property name"),
        ([], r"convex\.json: `node\.externalPackages` is to be a list of names of npm packages"),
        ({"node": 1}, r"convex\.json: `node\.externalPackages` is to be a list"),
        ({"node": {"externalPackages": "outside"}}, r"convex\.json: `node\.externalPackages` is to be a list"),
        ({"node": {"externalPackages": [1]}}, r"convex\.json: `node\.externalPackages` is to be a list"),
    ],
)
def test_a_config_that_says_something_else_is_refused(project: Project, config: Any, problem: str) -> None:
    with Emulator() as convex, pytest.raises(ConfigUnreadable, match=problem):
        convex.deploy(project(config))


def test_a_push_takes_packages_of_the_same_version_from_the_nearest_folder_that_has_them(project: Project) -> None:
    folder = project()

    assert node_modules_with({"outside": "1.2.3"}, folder) == folder.parent / "node_modules"
    with pytest.raises(PackagesMissing, match=r"not all of gone 1\.0\.0, outside 1\.2\.3 are there"):
        node_modules_with({"outside": "1.2.3", "gone": "1.0.0"}, folder)
    with pytest.raises(PackagesMissing, match=r"outside 1\.2\.4"):
        node_modules_with({"outside": "1.2.4"}, folder)
