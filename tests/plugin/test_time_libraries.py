"""The plugin's fixtures under frozen time: the deployment of a test stands in the test's time."""

from __future__ import annotations

import pytest

FREEZE = {
    "time-machine": "import time_machine\nfreeze = lambda moment: time_machine.travel(moment, tick=False)",
    "freezegun": "import freezegun\nfreeze = freezegun.freeze_time",
}


@pytest.mark.parametrize("library", FREEZE)
def test_fixtures_follow_the_time_of_the_test(pytester: pytest.Pytester, library: str) -> None:
    pytester.makepyfile(freezing=FREEZE[library])
    pytester.makepyfile(
        """
        from datetime import UTC, datetime, timedelta
        from convex_mastra_emulator import mutation, query
        from freezing import freeze

        NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)

        @freeze(NOON)
        def test_decorated(convex_emulator):
            convex_emulator.define("t:now", query(lambda ctx, args: ctx.now()))
            assert convex_emulator.query("t:now") == NOON.timestamp() * 1000

        def test_cache_expires(convex_server_cache):
            with freeze(NOON):
                convex_server_cache.set("k", 1, ttl_ms=1000)
                assert convex_server_cache.get("k") == 1
            with freeze(NOON + timedelta(seconds=2)):
                assert convex_server_cache.get("k") is None

        def test_scheduled(convex_emulator):
            convex_emulator.define("t:add", mutation(lambda ctx, args: ctx.db.insert("notes", {})))
            convex_emulator.define("t:later", mutation(lambda ctx, args: ctx.scheduler.run_after(5000, "t:add")))
            with freeze(NOON):
                convex_emulator.mutation("t:later")
                assert convex_emulator.scheduler.run_due() == 0
            with freeze(NOON + timedelta(seconds=5)):
                assert convex_emulator.scheduler.run_due() == 1
            assert convex_emulator.table_counts() == {"notes": 1}
        """
    )

    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=3)
