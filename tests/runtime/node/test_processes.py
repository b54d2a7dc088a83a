"""When Node is started, and when it ends."""

from collections.abc import Callable
from pathlib import Path

import pytest

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.runtime.node.pipes import NodeProcess

Write = Callable[..., Path]

FUNCTIONS = """
export const q = query(async () => 1);
export const a = action(async () => 2);
"""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The scripts Node was started with."""
    scripts: list[str] = []
    start = NodeProcess.__init__

    def noted(process: NodeProcess, node: Path, script: Path, *arguments: str, **options: int) -> None:
        scripts.append(script.name)
        start(process, node, script, *arguments, **options)

    monkeypatch.setattr(NodeProcess, "__init__", noted)
    return scripts


def test_an_emulator_without_typescript_starts_none(started: list[str]) -> None:
    with Emulator() as convex:
        convex.mutation("mastra/cache:handle", {"op": "increment", "key": "k", "keyPrefix": "", "expiresAt": None})
        convex.run(lambda ctx: ctx.db.insert("notes", {}))
        convex.scheduler.run_until_idle()

    assert started == []


def test_one_process_runs_all_queries_and_one_all_actions(convex: Emulator, write: Write, started: list[str]) -> None:
    convex.deploy(write(a=FUNCTIONS))
    started.clear()
    convex.query("a:q")
    loaded = set(started)  # none if modules were loaded to see what they export

    assert [convex.query("a:q"), convex.action("a:a"), convex.query("a:q"), convex.action("a:a")] == [1, 2, 1, 2]
    assert loaded <= {"transactions.mjs"}
    assert [name for name in started if name == "actions.mjs"] == ["actions.mjs"]
    assert started.count("transactions.mjs") <= 1


def test_the_processes_end_with_the_emulator(write: Write) -> None:
    with Emulator() as convex:
        convex.deploy(write(a=FUNCTIONS))
        convex.query("a:q")
        host = convex._executor.typescript
        assert host is not None
        assert host.processes >= 1

    assert host.processes == 0
