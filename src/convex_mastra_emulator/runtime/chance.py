"""Chance: random numbers that a seed makes repeatable, in streams that do not touch one another."""

from __future__ import annotations

import random
from typing import Protocol


class Chance(Protocol):
    """Who has random numbers."""

    @property
    def random(self) -> random.Random:
        """The numbers; each is drawn once."""


def stream(seed: int | None, name: str) -> random.Random:
    """The random numbers of that name: what draws from one stream changes nothing that comes from another.

    Args:
        seed: the same seed gives the same numbers; None begins at a random place.
        name: what they are for.
    """
    return random.Random(None if seed is None else f"{seed} {name}")
