"""What must not stand in the files of the project: this machine's paths, registries' addresses, leftovers.

The patterns are put together from pieces, so that this file does not hold what it looks for.
"""

import re
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
REGISTRIES = (
    "registry." + "npmjs.org",
    "registry." + "yarnpkg.com",
    "pypi." + "org",
    "files." + "pythonhosted.org",
    "proxy." + "golang.org",
    "artifact" + "ory",
    "nexus" + "/repository",
)
# Folders of home directories and of this machine; an address after `://` or inside a longer word is none.
MACHINE_PATHS = r"(?<![\w.:/-])/(?:home|Users|root|work|tmp|var|opt|mnt)/[\w.-]+"
LEFTOVERS = r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b|(?i:\bfor " + r"now\b|\bplace" + r"holder\b)"


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True)
    return [PROJECT / name for name in listed.stdout.split("\0") if name and (PROJECT / name).is_file()]


def found(pattern: str, paths: list[Path]) -> list[str]:
    """`file:line: text` of every place that matches."""
    places = []
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        places += [
            f"{path.relative_to(PROJECT).as_posix()}:{number}: {line.strip()[:120]}"
            for number, line in enumerate(text.splitlines(), 1)
            if re.search(pattern, line)
        ]
    return places


# A lock file with addresses sends everybody who installs to the registry of whoever wrote it.
def test_no_registry_is_named() -> None:
    assert found("|".join(map(re.escape, REGISTRIES)), tracked_files()) == []


def test_no_path_of_a_machine_is_named() -> None:
    assert found(MACHINE_PATHS, tracked_files()) == []


def test_source_holds_no_leftovers() -> None:
    sources = [path for path in tracked_files() if path.is_relative_to(PROJECT / "src")]

    assert sources
    assert found(LEFTOVERS, sources) == []


@pytest.mark.parametrize(
    ("pattern", "line", "is_found"),
    [
        (MACHINE_PATHS, "see /" + "home/ada/project", True),
        (MACHINE_PATHS, "open('/" + "tmp/x')", True),
        (MACHINE_PATHS, "https://docs.convex.dev/" + "home/start", False),
        (MACHINE_PATHS, "tests/" + "work/x", False),
        (LEFTOVERS, "# TO" + "DO later", True),
        (LEFTOVERS, "good for " + "now", True),
        (LEFTOVERS, "for nowhere", False),
    ],
)
def test_patterns_find_what_they_should(pattern: str, line: str, is_found: bool) -> None:
    assert bool(re.search(pattern, line)) is is_found
