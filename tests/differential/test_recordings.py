"""The recordings of the oracle, played on an emulator without Node: it answers what the published handlers did.

`python -m tests.recordings.record` makes them anew, `tests/recordings` holds them and the scenarios they come from.
"""

from __future__ import annotations

import pytest

from convex_mastra_emulator import Emulator, ManualClock
from convex_mastra_emulator.runtime.failures import developer_text
from pytest_mastra_convex.comparison import same_text
from pytest_mastra_convex.node_project import Oracle
from pytest_mastra_convex.recording import Answer, Recording, load_recordings
from pytest_mastra_convex.replay import Difference, replay
from tests.recordings.record import FOLDER, SCENARIOS, record
from tests.recordings.scene import Scenario
from tests.recordings.schema import schema_of_recordings

RECORDINGS = load_recordings(FOLDER)


def error_text(answer: Answer) -> str | None:
    """The developer's text of an error that was thrown, or answered with `ok: false`."""
    if answer.error is not None:
        return developer_text(answer.text)
    error = answer.value.get("error") if isinstance(answer.value, dict) else None
    return error if isinstance(error, str) else None


def is_registered(difference: Difference) -> bool:
    """Whether only the words of an error differ, and as the rule of a registered divergence says."""
    expected, got = error_text(difference.expected), error_text(difference.got)
    if expected is None or got is None or difference.expected.error != difference.got.error:
        return False
    ours, theirs = same_text(got, expected)
    return ours == theirs


def replayed(recording: Recording) -> list[Difference]:
    clock = ManualClock(recording.started_seconds)
    return replay(recording, Emulator(schema_of_recordings(), clock=clock), clock=clock)


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: recording.test)
def test_emulator_answers_as_recorded(recording: Recording) -> None:
    differences = replayed(recording)

    assert [str(difference) for difference in differences if not is_registered(difference)] == []


# A scenario without its recording, or a recording whose scenario is gone, holds nothing to anything.
def test_every_scenario_is_recorded() -> None:
    assert sorted(recording.test for recording in RECORDINGS) == sorted(scenario.__name__ for scenario in SCENARIOS)


# The published handlers change with their version; a recording that they no longer give proves nothing.
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_oracle_still_answers_as_recorded(scenario: Scenario, oracle: Oracle) -> None:
    [recorded] = [recording for recording in RECORDINGS if recording.test == scenario.__name__]

    assert record(scenario, oracle).to_json() == recorded.to_json()
