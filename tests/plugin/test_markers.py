"""The markers: typed options, the nearest wins, misspelt ones are refused at collection."""

from __future__ import annotations

import pytest


def run(pytester: pytest.Pytester, source: str, *args: str) -> pytest.RunResult:
    pytester.makepyfile(source)
    return pytester.runpytest("-rs", *args)


def refused(pytester: pytest.Pytester, source: str) -> str:
    result = run(pytester, source)
    assert result.ret != 0
    return result.stderr.str() + result.stdout.str()


def test_schema_of_a_test(pytester: pytest.Pytester) -> None:
    source = """
        import pytest
        from convex_mastra_emulator.schema import define_schema, define_table, v

        @pytest.mark.convex(schema=define_schema({"users": define_table({"name": v.string()})}))
        def test_it(convex_emulator):
            assert list(convex_emulator.schema.tables) == ["users"]
    """

    run(pytester, source).assert_outcomes(passed=1)


def test_limits_are_merged_and_the_nearest_wins(pytester: pytest.Pytester) -> None:
    source = """
        import pytest
        pytestmark = pytest.mark.convex(limits={"documents_read_max": 5}, seed=1)

        @pytest.mark.convex(limits={"documents_written_max": 7})
        def test_it(convex_emulator):
            assert convex_emulator.limits.documents_written_max == 7

        def test_other(convex_emulator):
            assert convex_emulator.limits.documents_read_max == 5
    """

    run(pytester, source).assert_outcomes(passed=2)


def test_limits_of_the_marker_win_over_the_option(pytester: pytest.Pytester) -> None:
    source = """
        import pytest

        @pytest.mark.convex(limits={"documents_read_max": 5})
        def test_it(convex_emulator):
            assert convex_emulator.limits.documents_read_max == 5
            assert convex_emulator.limits.documents_written_max == 9
    """
    options = ["--convex-limits=documents_read_max=3", "--convex-limits=documents_written_max=9"]

    run(pytester, source, *options).assert_outcomes(passed=1)


def test_same_seed_gives_the_same_ids(pytester: pytest.Pytester) -> None:
    source = """
        import pytest
        ids = []

        @pytest.mark.convex(seed=4)
        @pytest.mark.parametrize("n", range(2))
        def test_it(convex_emulator, n):
            ids.append(convex_emulator.run(lambda ctx: ctx.db.insert("notes", {})))
            assert len(set(ids)) == 1
    """

    run(pytester, source).assert_outcomes(passed=2)


# Without a seed, ids follow from the test's name: a red run can be repeated.
def test_ids_follow_from_the_tests_name(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        def test_it(convex_emulator):
            print("ID", convex_emulator.run(lambda ctx: ctx.db.insert("notes", {})))
    """)

    runs = [[line for line in pytester.runpytest("-s").outlines if "ID" in line] for _ in range(2)]

    assert runs[0] == runs[1] != []


def test_misspelt_option_is_refused_with_the_known_ones(pytester: pytest.Pytester) -> None:
    text = refused(pytester, "import pytest\n@pytest.mark.convex(limit={})\ndef test_it(): pass\n")

    assert "test_it: convex() has no option 'limit'; known are: schema, limits, seed" in text


def test_positional_option_is_refused(pytester: pytest.Pytester) -> None:
    text = refused(pytester, "import pytest\n@pytest.mark.convex({})\ndef test_it(): pass\n")

    assert "convex() takes keyword options only: schema, limits, seed" in text


def test_unknown_limit_is_refused(pytester: pytest.Pytester) -> None:
    text = refused(pytester, "import pytest\n@pytest.mark.convex(limits={'size': 1})\ndef test_it(): pass\n")

    assert "test_it: convex(limits=…): unknown limit 'size'; known are: " in text


def test_emulator_only_runs_on_the_emulator(pytester: pytest.Pytester) -> None:
    source = """
        import pytest

        @pytest.mark.emulator_only(reason="looks inside")
        def test_it(convex_deployment): pass
    """

    result = run(pytester, source, "--convex-target=emulator", "--convex-target=server")

    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["*emulator_only: looks inside*"])


def test_live_only_does_not_run_on_the_emulator(pytester: pytest.Pytester) -> None:
    source = """
        import pytest

        @pytest.mark.live_only(reason="costs money")
        def test_it(convex_deployment): raise AssertionError
    """

    run(pytester, source).assert_outcomes(skipped=1)


def test_reason_is_required(pytester: pytest.Pytester) -> None:
    source = "import pytest\n@pytest.mark.emulator_only\ndef test_it(convex_deployment): pass\n"

    run(pytester, source).stdout.fnmatch_lines(["*emulator_only() takes reason=, and nothing else*"])


def test_markers_are_listed(pytester: pytest.Pytester) -> None:
    text = pytester.runpytest("--markers").stdout.str()

    assert "@pytest.mark.convex(*, schema=None, limits=None, seed=None)" in text
    assert '@pytest.mark.diverges("id")' in text


# A difference of the oracle is none of the emulator: there the test must pass.
def test_diverges_fails_on_its_own_target_only(pytester: pytest.Pytester) -> None:
    source = """
        import pytest

        @pytest.mark.diverges("page-sizes")
        def test_it(convex_deployment, convex_target):
            assert convex_target.name == "emulator"
    """

    run(pytester, source, "--convex-target=emulator", "--convex-target=oracle").assert_outcomes(passed=1, xfailed=1)


def test_difference_that_is_gone_fails_the_run(pytester: pytest.Pytester) -> None:
    source = """
        import pytest

        @pytest.mark.diverges("page-sizes")
        def test_it(convex_deployment): pass
    """

    result = run(pytester, source, "--convex-target=oracle")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*XPASS(strict)*page-sizes*"])
