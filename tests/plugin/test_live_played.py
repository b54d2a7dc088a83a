"""The whole way to a real deployment, with a served emulator that plays it in another process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from convex_mastra_emulator import connect
from convex_mastra_emulator.server import ServedProcess
from convex_mastra_emulator.stores import ConvexServerCache
from pytest_mastra_convex.evidence import CONFORMANCE

TESTS = """
import pytest

@pytest.mark.parametrize("n", range(3))
def test_own(convex_vector, convex_server_cache, n):
    convex_vector.create_index("docs", dimension=2)
    convex_vector.upsert("docs", vectors=[[1, 0], [0, 1]], ids=["a", "b"])
    assert convex_vector.list_indexes() == ["docs"]
    assert convex_server_cache.get("k") is None
    convex_server_cache.set("k", n)
    assert convex_server_cache.get("k") == n
"""


@pytest.fixture(scope="module")
def played() -> Iterator[ServedProcess]:
    with ServedProcess(
        schema=CONFORMANCE / "schema.json", functions="pytest_mastra_convex.probe:FUNCTIONS", env={"IS_TEST": "1"}
    ) as served:
        yield served


@pytest.fixture(autouse=True)
def address(played: ServedProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVEX_URL", played.url)
    monkeypatch.setenv("CONVEX_ADMIN_KEY", played.admin_key)


# What others have stored there is neither seen nor touched, and nothing of the run stays.
def test_users_tests_run_beside_others(pytester: pytest.Pytester, played: ServedProcess) -> None:
    with connect(played.url, played.admin_key) as deployment:
        foreign = ConvexServerCache(deployment)
        foreign.set("k", "theirs")
        pytester.makepyfile(TESTS)

        result = pytester.runpytest_subprocess("--convex-target=live", "-n", "2")

        result.assert_outcomes(passed=3)
        assert foreign.get("k") == "theirs"
        assert deployment.query("mastra/nativeVector:read", DESCRIBE)["count"] == 0


DESCRIBE = {"op": "describe", "config": {"tableName": "mastra_vectors", "vectorIndexName": "by_embedding"}}


def test_conformance_suite_runs_there(pytester: pytest.Pytester) -> None:
    modules = [str(CONFORMANCE / name) for name in ("test_writes.py", "test_order.py")]

    result = pytester.runpytest_subprocess("--convex-target=live", "-n", "2", *modules)

    outcomes = result.parseoutcomes()
    assert outcomes.get("passed", 0) > 50
    assert not {"failed", "errors", "skipped"} & outcomes.keys()


def test_key_is_never_printed(pytester: pytest.Pytester, played: ServedProcess) -> None:
    pytester.makepyfile("def test_bad(convex_place, convex_url, convex_deployment): assert convex_place is None")

    result = pytester.runpytest_subprocess("--convex-target=live", "--showlocals", "-vv")

    result.assert_outcomes(failed=1)
    assert played.admin_key.rpartition("|")[2] not in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize("name", ["CONVEX_URL", "CONVEX_ADMIN_KEY"])
def test_missing_address_is_an_error_that_says_what_to_set(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv(name)
    pytester.makepyfile(TESTS)

    result = pytester.runpytest_subprocess("--convex-target=live")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert name in result.stderr.str()


def test_calls_are_counted(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)

    result = pytester.runpytest_subprocess("--convex-target=live", "--convex-calls-max=5")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*--convex-calls-max*"])


def test_wire_is_recorded_without_key_and_prefix(pytester: pytest.Pytester, played: ServedProcess) -> None:
    pytester.makepyfile(TESTS)
    pytester.runpytest_subprocess("--convex-target=live", "--convex-record=kept").assert_outcomes(passed=3)

    texts = [path.read_text() for path in (pytester.path / "kept").glob("*.json")]
    assert len(texts) == 3
    assert all("<prefix>" in text and played.admin_key not in text and played.url not in text for text in texts)

    replayed = pytester.runpytest_subprocess("--convex-replay=kept", "-k", "replay")
    replayed.assert_outcomes(passed=3)
