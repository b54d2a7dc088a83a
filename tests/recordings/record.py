"""Records the scenarios on the oracle: ``python -m tests.recordings.record``.

The oracle's time is fixed and ids of records are counted, so that a new recording differs from the old one only where
an answer does.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from convex_mastra_emulator import ManualClock, connect
from pytest_mastra_convex.node_project import Oracle, ensure_npm_project
from pytest_mastra_convex.recording import Recording, RecordingDeployment
from tests.recordings import memory_scenarios, storage_scenarios
from tests.recordings.scene import START, Scenario, Scene

FOLDER = Path(__file__).parent
SCENARIOS: tuple[Scenario, ...] = (*memory_scenarios.SCENARIOS, *storage_scenarios.SCENARIOS)


def record(scenario: Scenario, oracle: Oracle) -> Recording:
    """Plays a scenario on the emptied oracle."""
    clock = ManualClock(START.timestamp())

    def wait(ms: int) -> None:
        clock.advance(ms / 1000)
        oracle.set_time(clock.now_ns() // 1_000_000)

    def now() -> datetime:
        return datetime.fromtimestamp(clock.now_ns() / 1e9, UTC)

    oracle.reset(now=clock.now_ns() // 1_000_000)
    recording = Recording(test=scenario.__name__, target="oracle", versions=_versions(oracle))
    with connect(oracle.url) as connected:
        scenario(Scene(RecordingDeployment(connected, recording, clock=clock), wait, now))
    return recording


def _versions(oracle: Oracle) -> dict[str, str]:
    return dict(line.rsplit(" ", 1) for line in oracle.version().splitlines() if line)


def main() -> None:
    """Records everything."""
    with Oracle(ensure_npm_project(print)) as oracle:
        for scenario in SCENARIOS:
            recording = record(scenario, oracle)
            path = recording.save(FOLDER)
            print(f"{path.name if path else 'nothing'}: {len(recording.exchanges)} exchanges")


if __name__ == "__main__":
    main()
