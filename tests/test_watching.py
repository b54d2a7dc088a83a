"""A folder that is deployed again when it changes: once per change, from every file that was read, and never half."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from convex_mastra_emulator.errors import EmulatorError
from convex_mastra_emulator.watching import Watch


class Deploys:
    """Counts deploys; refuses the next one if told to."""

    def __init__(self, inputs: Iterable[Path] = ()) -> None:
        self.count = 0
        self.inputs = tuple(inputs)
        self.refuses = False
        self.meanwhile: Callable[[], object] = lambda: None

    def __call__(self) -> Iterable[Path]:
        self.count += 1
        self.meanwhile()
        if self.refuses:
            raise EmulatorError("no")
        return self.inputs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "convex" / "sub").mkdir(parents=True)
    (tmp_path / "convex" / "a.ts").write_text("1")
    (tmp_path / "convex" / "sub" / "b.ts").write_text("1")
    return tmp_path / "convex"


def test_nothing_is_deployed_while_nothing_changes(folder: Path) -> None:
    deploys = Deploys()
    watch = Watch(folder, deploys, ())

    assert [watch.look(), watch.look()] == [False, False]
    assert deploys.count == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "a.ts").write_text("22"),
        lambda folder: (folder / "sub" / "b.ts").write_text("22"),
        lambda folder: (folder / "new.ts").write_text("1"),
        lambda folder: (folder / "a.ts").unlink(),
        lambda folder: (folder / "a.ts").rename(folder / "c.ts"),
    ],
)
def test_every_change_is_deployed_once(folder: Path, change: Callable[[Path], object]) -> None:
    deploys = Deploys()
    watch = Watch(folder, deploys, ())
    change(folder)

    assert [watch.look(), watch.look()] == [True, False]
    assert deploys.count == 1


def test_files_elsewhere_that_were_read_are_watched(folder: Path) -> None:
    shared = folder.parent / "shared.ts"
    shared.write_text("1")
    watch = Watch(folder, Deploys([shared]), [shared])
    shared.write_text("22")

    assert [watch.look(), watch.look()] == [True, False]
    shared.unlink()
    assert [watch.look(), watch.look()] == [True, False]


def test_a_file_that_is_read_from_now_on_is_watched_from_now_on(folder: Path) -> None:
    shared = folder.parent / "shared.ts"
    shared.write_text("1")
    watch = Watch(folder, Deploys([shared]), ())
    (folder / "a.ts").write_text("22")

    assert [watch.look(), watch.look()] == [True, False]
    shared.write_text("22")
    assert watch.look()


def test_packages_are_not_watched(folder: Path) -> None:
    package = folder / "node_modules" / "p.js"
    package.parent.mkdir()
    package.write_text("1")
    watch = Watch(folder, Deploys([package]), [package])
    package.write_text("22")

    assert not watch.look()


# Somebody may save twice in a second.
def test_what_changes_during_a_deploy_is_deployed_next(folder: Path) -> None:
    deploys = Deploys()
    watch = Watch(folder, deploys, ())
    deploys.meanwhile = lambda: (folder / "a.ts").write_text("during")
    (folder / "a.ts").write_text("22")
    assert watch.look()
    deploys.meanwhile = lambda: None

    assert [watch.look(), watch.look()] == [True, False]


def test_a_refused_deploy_is_told_and_tried_again_after_the_next_change(folder: Path) -> None:
    told: list[EmulatorError | None] = []
    deploys = Deploys()
    watch = Watch(folder, deploys, (), told.append)
    deploys.refuses = True
    (folder / "a.ts").write_text("22")
    assert [watch.look(), watch.look()] == [True, False]
    assert str(watch.problem) == "no"
    deploys.refuses = False
    (folder / "a.ts").write_text("333")

    assert watch.look()
    assert watch.problem is None
    assert [str(problem) for problem in told] == ["no", "None"]


def test_it_looks_by_itself_and_ends_when_it_is_closed(folder: Path) -> None:
    deployed = threading.Event()
    with Watch(folder, Deploys(), (), lambda problem: deployed.set()).start() as watch:
        (folder / "a.ts").write_text("22")
        assert deployed.wait(10)

    watch.close()
    assert "convex-emulator-watch" not in [thread.name for thread in threading.enumerate()]


# The watch outlives what nobody thought of: the next change may be deployed.
def test_a_fault_of_ours_is_told_like_a_refusal(folder: Path) -> None:
    told: list[EmulatorError | None] = []
    deploys = Deploys()
    watch = Watch(folder, deploys, (), told.append)
    deploys.meanwhile = lambda: dict[str, str]()["gone"]
    (folder / "a.ts").write_text("22")
    assert watch.look()
    deploys.meanwhile = lambda: None
    (folder / "a.ts").write_text("333")

    assert watch.look()
    assert [str(problem) for problem in told] == ["KeyError: 'gone'", "None"]
