"""The emulators tests begin with, in this process."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from convex_mastra_emulator import Deployment, Emulator, EmulatorError
from pytest_mastra_convex.targets import Beginnings, Setup


def load(deployment: Deployment) -> None:
    """Nothing: that there is a seed is enough."""


# What a seed has deployed runs in processes of Node, which must not outlive the run.
def test_seeded_emulators_are_closed_with_them(tmp_path: Path) -> None:
    emulator = Emulator(path=tmp_path / "data")
    beginnings = Beginnings(lambda setup, clock: emulator)
    with ExitStack() as stack:
        assert beginnings.emulator(Setup(loads=(load,)), stack) is emulator
    emulator.run(lambda ctx: None)

    beginnings.close()

    with pytest.raises(EmulatorError, match="closed"):
        emulator.run(lambda ctx: None)
