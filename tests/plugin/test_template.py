"""Templates: seeded once, each test gets a copy, and examples of hypothesis get one each."""

from __future__ import annotations

import pytest

BOTH = ["--convex-target=emulator", "--convex-target=server"]
CONFTEST = """
import pytest
from convex_mastra_emulator.stores import ConvexServerCache

def load(deployment):
    print("LOADING")
    ConvexServerCache(deployment).set("a", 1)

@pytest.fixture(scope="session")
def convex_template(convex_template):
    convex_template.seed(load)
    return convex_template
"""


def test_seed_runs_once_and_every_test_gets_it(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile("""
        import pytest

        @pytest.mark.parametrize("n", range(3))
        def test_it(convex_server_cache, n):
            assert convex_server_cache.get("a") == 1
            assert convex_server_cache.get("mine") is None
            convex_server_cache.set("mine", n)
            convex_server_cache.delete("a")
    """)

    result = pytester.runpytest("-s", *BOTH)

    result.assert_outcomes(passed=6)
    assert result.stdout.str().count("LOADING") == 2  # once per target


def test_seed_is_played_before_each_test_where_nothing_can_be_rolled_back(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile("""
        import pytest

        @pytest.mark.parametrize("n", range(2))
        def test_it(convex_server_cache, n):
            assert convex_server_cache.get("a") == 1
            convex_server_cache.delete("a")
    """)

    pytester.runpytest("--convex-target=oracle").assert_outcomes(passed=2)


# Function-scoped fixtures run once per test, not per example: without a copy each, examples would see each other.
@pytest.mark.parametrize("target", [*BOTH, "--convex-target=oracle"])
def test_each_example_gets_its_own(pytester: pytest.Pytester, target: str) -> None:
    pytester.makepyfile("""
        from hypothesis import HealthCheck, given, settings, strategies as st
        from convex_mastra_emulator.stores import ConvexServerCache
        from pytest_mastra_convex import fresh

        @settings(max_examples=20, deadline=None, database=None)
        @given(value=st.integers(0, 5))
        def test_it(convex_template, value):
            with fresh(convex_template) as deployment:
                cache = ConvexServerCache(deployment)
                assert cache.get("k") is None
                cache.set("k", value)
                assert cache.get("k") == value
    """)

    pytester.runpytest(target).assert_outcomes(passed=1)


def test_functions_a_test_defines_are_gone_afterwards(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile("""
        import pytest
        from convex_mastra_emulator import query

        @pytest.mark.parametrize("n", range(2))
        def test_it(convex_emulator, n):
            assert "mine:f" not in convex_emulator.function_paths()
            convex_emulator.define("mine:f", query(lambda ctx, args: 1))
    """)

    pytester.runpytest().assert_outcomes(passed=2)


def test_second_deployment_on_a_server_in_use_is_refused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        from pytest_mastra_convex import fresh
        from pytest_mastra_convex.targets import TargetCannot

        def test_it(convex_template, convex_deployment):
            with pytest.raises(TargetCannot, match="one deployment of the target"), fresh(convex_template):
                pass
    """)

    pytester.runpytest("--convex-target=server").assert_outcomes(passed=1)
