"""The shipped ledger knows every case of the conformance suite, on every target that runs here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pytest_mastra_convex.evidence import CONFORMANCE
from pytest_mastra_convex.ledger import Ledger

ROOT = Path(__file__).parents[2]
LEDGER = ROOT / "src" / "pytest_mastra_convex" / "ledger.json"


def collected_cases() -> set[str]:
    """The cases that use a deployment, as pytest collects them."""
    command = [sys.executable, "-m", "pytest", str(CONFORMANCE), "--collect-only", "-q", "-p", "no:randomly"]
    listed = subprocess.run(
        [*command, "--convex-target=emulator"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    folder = f"{CONFORMANCE.relative_to(ROOT).as_posix()}/"
    return {line.removeprefix(folder) for line in listed.splitlines() if line.startswith(folder)}


# README points to it for what was seen where; a case that was never seen to hold must not hide among the others.
# After a change of the suite: make ledger.
def test_every_case_was_seen_to_hold_on_the_emulator() -> None:
    cases, ledger = collected_cases(), Ledger.load(LEDGER)

    assert len(cases) > 400
    assert sorted(case for case in cases if "emulator" not in ledger.entries.get(case, {})) == []
    assert sorted(ledger.entries.keys() - cases) == []
