"""When a key of the server cache expires: by the deployment's clock, and not much later than it should."""

from __future__ import annotations

from datetime import timedelta

import pytest

from convex_mastra_emulator import Deployment
from convex_mastra_emulator.stores import ConvexServerCache
from convex_mastra_emulator.stores.times import now

LIFE_MS = 60_000.0


def stored_seconds_ago(deployment: Deployment, seconds: float) -> None:
    """Stores a key that lives for a minute."""
    past = ConvexServerCache(deployment, clock=lambda: now() - timedelta(seconds=seconds))
    past.set("key", "value", LIFE_MS)


# A rate limit of a minute is over after a minute; some seconds are left for clocks that differ.
@pytest.mark.parametrize(("seconds", "expected"), [(40, "value"), (80, None)], ids=["before", "after"])
def test_a_key_lives_as_long_as_it_should(
    convex_deployment: Deployment, convex_server_cache: ConvexServerCache, seconds: float, expected: str | None
) -> None:
    stored_seconds_ago(convex_deployment, seconds)

    assert convex_server_cache.get("key") == expected
