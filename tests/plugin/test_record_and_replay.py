"""Recording through the option, and recordings as tests of the emulator."""

from __future__ import annotations

import pytest

TESTS = """
def test_good(convex_server_cache):
    convex_server_cache.set("k", 1)
    assert convex_server_cache.get("k") == 1

def test_bad(convex_server_cache):
    convex_server_cache.set("k", 1)
    assert False
"""


def recorded(pytester: pytest.Pytester) -> list[str]:
    return sorted(path.name for path in (pytester.path / "kept").glob("*.json"))


def test_tests_that_passed_are_kept_and_replayed_offline(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_cache=TESTS)
    pytester.runpytest("--convex-target=oracle", "--convex-record=kept").assert_outcomes(passed=1, failed=1)

    assert len(recorded(pytester)) == 1
    pytester.makepyfile(test_cache="")
    result = pytester.runpytest("--convex-replay=kept", "-v")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*replay::test_cache.py::test_good*"])


def test_another_answer_is_shown(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_cache=TESTS)
    pytester.runpytest("--convex-target=oracle", "--convex-record=kept", "-k", "good")
    [name] = recorded(pytester)
    path = pytester.path / "kept" / name
    text = path.read_text()
    path.write_text(text.replace('"result": 1', '"result": 2'))
    assert path.read_text() != text

    result = pytester.runpytest("--convex-replay=kept", "-k", "replay")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["recorded on oracle, *"])


# The emulator's own answers are no evidence.
def test_nothing_is_recorded_on_the_emulator(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_cache=TESTS)

    pytester.runpytest("--convex-record=kept")

    assert recorded(pytester) == []


@pytest.mark.parametrize(("content", "message"), [(None, "no recordings in kept"), ("{}", "a.json")])
def test_folder_without_recordings_is_refused(pytester: pytest.Pytester, content: str | None, message: str) -> None:
    folder = pytester.mkdir("kept")
    if content is not None:
        (folder / "a.json").write_text(content)

    result = pytester.runpytest("--convex-replay=kept")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stdout.str() + result.stderr.str()
