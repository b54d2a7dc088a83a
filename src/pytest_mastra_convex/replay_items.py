"""Recordings as tests: each is played on an emulator of its own, which must answer as the deployment did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from convex_mastra_emulator import ManualClock
from pytest_mastra_convex.options import Settings
from pytest_mastra_convex.recording import Recording, load_recordings
from pytest_mastra_convex.replay import replay
from pytest_mastra_convex.targets import Setup, new_emulator


class AnswersDiffer(Exception):
    """The emulator does not answer as the recorded deployment did."""


class ReplayItem(pytest.Item):
    """One recording."""

    def __init__(self, *, recording: Recording, settings: Settings, **rest: Any) -> None:
        super().__init__(**rest)
        self._recording = recording
        self._settings = settings

    def runtest(self) -> None:
        """Plays the recording.

        Raises:
            AnswersDiffer: listing the exchanges that ended differently.
        """
        recording, settings = self._recording, self._settings
        clock = ManualClock(recording.started_seconds)
        setup = Setup(schema=settings.schema, functions=settings.functions, limits=settings.limits)
        # The oracle words many errors in its own way; a deployment's words are the emulator's.
        differences = replay(recording, new_emulator(setup, clock), clock=clock, texts=recording.target != "oracle")
        if differences:
            raise AnswersDiffer("\n".join(map(str, differences)))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The differences, without a traceback of ours."""
        if isinstance(excinfo.value, AnswersDiffer):
            return f"recorded on {self._recording.target}, {self._recording.date}:\n{excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """What the report calls it."""
        return self.path, None, f"replay of {self._recording.test}"


def replay_items(session: pytest.Session, settings: Settings) -> Iterator[ReplayItem]:
    """A test for each recording in the folder.

    Raises:
        pytest.UsageError: if there is no such folder, nothing in it, or a file that is no recording.
    """
    assert settings.replay is not None
    try:
        recordings = load_recordings(settings.replay)
    except (OSError, ValueError) as error:
        raise pytest.UsageError(f"--convex-replay: {error}") from None
    if not recordings:
        raise pytest.UsageError(f"--convex-replay: no recordings in {settings.replay}")
    for recording in recordings:
        item: ReplayItem = ReplayItem.from_parent(
            session, name=f"replay::{recording.test}", recording=recording, settings=settings
        )
        yield item
