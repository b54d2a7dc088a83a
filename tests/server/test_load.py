"""A small load, of the same make as `make load` has: every counter is right, and nothing is left behind."""

from pathlib import Path

import pytest

from tests.server.load import Resources, run_load

REQUESTS = 3_000

pytestmark = [
    pytest.mark.xdist_group("served process"),
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux shows processes as files"),
]


# Somebody whose agents all write at once loses no write, and runs none twice, whatever happens to connections.
def test_nothing_is_lost_and_nothing_runs_twice() -> None:
    report = run_load(REQUESTS)

    assert report.problems == []
    # All of it took place.
    for outcome in ("query 200", "mutation 200", "action 200", "query 400", "nonsense 400", "cut", "cut, whole"):
        assert report.outcomes[outcome] > 0, report.outcomes
    for outcome in ("mutation 503", "mutation 429", "no JSON", "broken"):
        assert report.outcomes[outcome] > 0, report.outcomes
    for outcome in ("MutationResponse", "Transition", "socket cut", "socket broken"):
        assert report.outcomes[outcome] > 0, report.outcomes


def test_resources_are_those_of_a_process() -> None:
    import os

    own = Resources.of(os.getpid())

    assert own.memory > 10 << 20
    assert own.threads >= 1
    assert own.files >= 3
