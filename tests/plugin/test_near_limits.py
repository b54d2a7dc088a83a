"""The section at the end of a run: calls near a limit, from every worker, and nothing when nothing is near."""

from __future__ import annotations

import pytest

SECTION = "*Convex calls above 80 % of a limit*"
FUNCTIONS = """
from convex_mastra_emulator import action, mutation, query

def add(ctx, args):
    for _ in range(int(args["count"])):
        ctx.db.insert("notes", {})

FUNCTIONS = {
    "notes:add": mutation(add),
    "notes:take": query(lambda ctx, args: len(ctx.db.query("notes").take(args["count"]))),
    "notes:twice": action(lambda ctx, args: [ctx.run_query("notes:take", args) for _ in range(2)]),
}
"""
TEST = """
    def test_take(convex_deployment):
        convex_deployment.mutation("notes:add", {{"count": 20}})
        convex_deployment.query("notes:take", {{"count": {count}}})
        convex_deployment.query("notes:take", {{"count": 1}})
"""
LIMITS = ("--convex-functions=functions:FUNCTIONS", "--convex-limits=documents_read_max=10")


def run(pytester: pytest.Pytester, source: str, *args: str) -> pytest.RunResult:
    pytester.makepyfile(functions=FUNCTIONS)
    pytester.makepyfile(source)
    return pytester.runpytest(*LIMITS, *args)


def test_call_above_the_threshold_is_listed(pytester: pytest.Pytester) -> None:
    result = run(pytester, TEST.format(count=9))

    result.stdout.fnmatch_lines([SECTION, "90% notes:take: 9 of 10 documents read in *::test_take"])
    assert "notes:add" not in result.stdout.str()


@pytest.mark.parametrize("count", [0, 8])
def test_nothing_is_said_when_nothing_is_near(pytester: pytest.Pytester, count: int) -> None:
    result = run(pytester, TEST.format(count=count))

    result.assert_outcomes(passed=1)
    assert "limit" not in result.stdout.str()


@pytest.mark.parametrize(
    ("args", "is_listed"),
    [
        (["--convex-usage-warn=49"], True),
        (["--convex-usage-warn=50"], False),
        (["--convex-usage-warn=0"], False),
        (["-o", "convex_usage_warn=10"], True),
    ],
)
def test_threshold_is_an_option(pytester: pytest.Pytester, args: list[str], is_listed: bool) -> None:
    result = run(pytester, TEST.format(count=5), *args)

    assert ("50% notes:take: 5 of 10" in result.stdout.str()) == is_listed


def test_threshold_may_come_from_the_environment(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVEX_USAGE_WARN", "40")

    run(pytester, TEST.format(count=5)).stdout.fnmatch_lines(["*Convex calls above 40 % of a limit*"])


@pytest.mark.parametrize("value", ["101", "-1", "many", "1.5"])
def test_threshold_that_is_no_percentage_is_refused(pytester: pytest.Pytester, value: str) -> None:
    result = run(pytester, TEST.format(count=5), f"--convex-usage-warn={value}")

    result.stderr.fnmatch_lines([f"*--convex-usage-warn: '{value}' is not a whole number from 0 to 100*"])


def test_lines_of_all_workers_come_together(pytester: pytest.Pytester) -> None:
    source = """
        import pytest

        @pytest.mark.parametrize("count", [9, 10])
        def test_take(convex_deployment, count):
            convex_deployment.mutation("notes:add", {"count": 20})
            convex_deployment.query("notes:take", {"count": count})
    """

    result = run(pytester, source, "-n", "2")

    result.assert_outcomes(passed=2)
    lines = [line for line in result.stdout.lines if "of 10 documents read" in line]
    assert [line.split(" in ")[0] for line in lines] == [
        "100% notes:take: 10 of 10 documents read",
        "90% notes:take: 9 of 10 documents read",
    ]


def test_call_that_went_beyond_is_listed_too(pytester: pytest.Pytester) -> None:
    source = """
        import pytest
        from convex_mastra_emulator import FunctionError

        def test_take(convex_deployment):
            convex_deployment.mutation("notes:add", {"count": 20})
            with pytest.raises(FunctionError, match="Too many documents read"):
                convex_deployment.query("notes:take", {"count": 20})
    """

    run(pytester, source).stdout.fnmatch_lines(["110% notes:take: 11 of 10 documents read in *"])


# The sum of an action's transactions is no number of one transaction, which is what has a limit.
def test_actions_are_not_held_against_limits(pytester: pytest.Pytester) -> None:
    source = """
        def test_twice(convex_deployment):
            convex_deployment.mutation("notes:add", {"count": 20})
            assert convex_deployment.action("notes:twice", {"count": 6}) == [6, 6]

        def test_scheduled(convex_emulator):
            convex_emulator.mutation("notes:add", {"count": 20})
            convex_emulator.run(lambda ctx: ctx.scheduler.run_after(0, "notes:twice", {"count": 6}))
            assert convex_emulator.scheduler.run_due() == 1
    """

    result = run(pytester, source)

    result.assert_outcomes(passed=2)
    assert "of a limit" not in result.stdout.str()


# Whoever lowers a limit for one test means to reach it there.
def test_limits_of_a_marker_are_left_out(pytester: pytest.Pytester) -> None:
    source = """
        import pytest

        @pytest.mark.convex(limits={"documents_written_max": 20, "documents_read_max": 4})
        def test_take(convex_deployment):
            convex_deployment.mutation("notes:add", {"count": 20})
            convex_deployment.query("notes:take", {"count": 4})
    """

    result = run(pytester, source)

    result.assert_outcomes(passed=1)
    assert "of a limit" not in result.stdout.str()


def test_long_list_is_cut(pytester: pytest.Pytester) -> None:
    source = """
        import pytest

        @pytest.mark.parametrize("number", range(32))
        def test_take(convex_deployment, number):
            convex_deployment.mutation("notes:add", {"count": 10})
            convex_deployment.query("notes:take", {"count": 10})
    """

    result = run(pytester, source)

    assert sum("of 10 documents read" in line for line in result.stdout.lines) == 30
    result.stdout.fnmatch_lines(["… and 2 more"])


def test_other_targets_are_said_to_tell_nothing_if_asked(pytester: pytest.Pytester) -> None:
    asked = run(pytester, TEST.format(count=9), "--convex-target=oracle", "--convex-usage-warn=80", "--collect-only")
    not_asked = run(pytester, TEST.format(count=9), "--convex-target=oracle", "--collect-only")

    asked.stdout.fnmatch_lines(["convex: what calls use is known on the target emulator only, not on oracle"])
    assert "what calls use" not in not_asked.stdout.str()


def test_fetch_fixture_is_empty_for_each_test(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest
        from convex_mastra_emulator import action

        @pytest.fixture(scope="session")
        def convex_functions():
            return {"t:act": action(lambda ctx, args: ctx.fetch("https://api.example.test/").json())}

        @pytest.fixture(scope="session")
        def convex_template(convex_template):
            convex_template.seed(lambda deployment: None)
            return convex_template
        """
    )
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("answer", ["a", "b"])
        def test_fetch(convex_fetch, convex_deployment, answer):
            assert convex_fetch.requests == []
            convex_fetch.respond("https://api.example.test/", json=answer, times=1)
            assert convex_deployment.action("t:act") == answer
            convex_fetch.assert_all_answered()

        @pytest.mark.parametrize("n", [1, 2])
        def test_without_the_fixture(convex_emulator, n):
            assert convex_emulator.fetch.requests == []
            convex_emulator.fetch.respond("https://api.example.test/", json="left")
            assert convex_emulator.action("t:act") == "left"
        """
    )

    pytester.runpytest().assert_outcomes(passed=4)


def test_fetch_fixture_needs_the_emulator(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(convex_fetch): pass")

    result = pytester.runpytest("--convex-target=server", "-rs")

    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*needs the emulator in this process; this deployment is on the target server*"])
