"""Exports that were asked for, and a process that ended before they were made."""

from pathlib import Path
from typing import Any

from convex_mastra_emulator import Emulator


# An export whose process was killed would keep everybody from asking for another one.
def test_an_export_that_was_interrupted_has_failed(tmp_path: Path) -> None:
    file = tmp_path / "data.sqlite"
    with Emulator(path=file) as emulator:
        emulator.exports.request(include_storage=False)

    with Emulator(path=file) as reopened:
        reopened.exports.request(include_storage=False)
        reopened.scheduler.run_due()
        states = [document["state"] for document in _exports(reopened)]

    assert sorted(states) == ["completed", "failed"]


def _exports(emulator: Emulator) -> list[dict[str, Any]]:
    table = emulator._executor.store.system_table("_exports")
    return [document.value for document in table.documents.values()]
