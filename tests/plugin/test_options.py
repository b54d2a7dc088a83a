"""The options: three forms each, the command line before the environment before the ini file, and clear refusals."""

from __future__ import annotations

import pytest

from pytest_mastra_convex.options import OPTIONS

SHOW = """
from pytest_mastra_convex.options import SETTINGS

def test_settings(pytestconfig):
    settings = pytestconfig.stash[SETTINGS]
    print("TARGETS", settings.targets, "LIMITS", dict(settings.limits), "DEADLINE", settings.deadline_seconds)
"""


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for option in OPTIONS.values():
        monkeypatch.delenv(option.environment, raising=False)


def shown(pytester: pytest.Pytester, *args: str) -> str:
    pytester.makepyfile(SHOW)
    result = pytester.runpytest("-s", *args)
    assert result.ret == 0, result.stdout.str()
    return next(line for line in result.outlines if "TARGETS" in line)


def test_defaults(pytester: pytest.Pytester) -> None:
    assert "TARGETS ('emulator',) LIMITS {} DEADLINE 30.0" in shown(pytester)


def test_ini_file(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nconvex_target = server oracle\nconvex_limits = document_size_max=5\n")

    assert "TARGETS ('server', 'oracle') LIMITS {'document_size_max': 5}" in shown(pytester)


def test_environment_wins_over_the_ini_file(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makeini("[pytest]\nconvex_target = server\n")
    monkeypatch.setenv("CONVEX_TARGET", "oracle, emulator")

    assert "TARGETS ('oracle', 'emulator')" in shown(pytester)


def test_command_line_wins_over_the_environment(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVEX_TARGET", "oracle")
    monkeypatch.setenv("CONVEX_DEADLINE", "7")

    assert "TARGETS ('server',) LIMITS {} DEADLINE 2.5" in shown(
        pytester, "--convex-target=server", "--convex-deadline", "2.5"
    )


def test_target_named_twice_counts_once(pytester: pytest.Pytester) -> None:
    assert "TARGETS ('server', 'emulator')" in shown(
        pytester, "--convex-target=server", "--convex-target=emulator", "--convex-target=server"
    )


# A misspelt target that ran on the emulator instead would be green for the wrong reason.
@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--convex-target=prod"], "--convex-target: unknown target 'prod'; known are: emulator, server, oracle, live"),
        (["--convex-limits=document_size"], "--convex-limits: 'document_size' is not NAME=NUMBER"),
        (["--convex-limits=size_max=5"], "--convex-limits: unknown limit 'size_max'; known are: "),
        (["--convex-limits=document_size_max=-1"], "is not NAME=NUMBER"),
        (["--convex-stale-days=soon"], "--convex-stale-days: 'soon' is not a whole number"),
        (["--convex-deadline=0"], "--convex-deadline: '0' is not a positive number of seconds"),
        (["--convex-deadline=soon"], "--convex-deadline: 'soon' is not a number of seconds"),
        (["--convex-calls-max=1.5"], "--convex-calls-max: '1.5' is not a whole number"),
    ],
)
def test_bad_values_are_refused(pytester: pytest.Pytester, args: list[str], message: str) -> None:
    pytester.makepyfile(SHOW)

    result = pytester.runpytest(*args)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str()


def test_refusal_names_the_variable(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVEX_TARGET", "prod")

    result = pytester.runpytest()

    assert "CONVEX_TARGET: unknown target 'prod'" in result.stderr.str()


def test_help_names_all_three_forms(pytester: pytest.Pytester) -> None:
    text = " ".join(pytester.runpytest("--help").stdout.str().split())

    for option in OPTIONS.values():
        assert option.flag in text
        assert f"Also {option.environment}, ini {option.ini}." in text


# Addresses and keys belong into the environment, where they are not shown in process lists and logs.
def test_no_option_takes_an_address_or_a_key() -> None:
    assert not [option.flag for option in OPTIONS.values() if "url" in option.flag or "key" in option.flag]


# A path of the command line or the environment is the user's, who sits in the current folder.
def test_a_path_in_the_ini_file_begins_there(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makeini("[pytest]\nconvex_folder = convex\nconvex_record = kept")
    pytester.mkdir("convex")
    pytester.makepyfile("""
        from pathlib import Path
        from pytest_mastra_convex.options import SETTINGS

        def test_settings(pytestconfig):
            settings, here = pytestconfig.stash[SETTINGS], Path(__file__).parent
            assert (settings.folder, settings.record) == (here / "convex", here / "kept")
    """)
    monkeypatch.chdir(pytester.mkdir("elsewhere"))

    pytester.runpytest(pytester.path, "--rootdir", pytester.path).assert_outcomes(passed=1)
    result = pytester.runpytest(pytester.path, "--rootdir", pytester.path, "--convex-folder=convex")

    result.stderr.fnmatch_lines(["*--convex-folder: 'convex' is no folder*"])


# The ini keys are plain words of ours; a key of another plugin would be taken over.
def test_every_form_begins_with_convex() -> None:
    for option in OPTIONS.values():
        assert option.flag.startswith("--convex-")
        assert option.environment.startswith("CONVEX_")
        assert option.ini.startswith("convex_")


@pytest.mark.parametrize("target", ["emulator", "server"])
def test_environment_variables_are_there_before_the_test(pytester: pytest.Pytester, target: str) -> None:
    pytester.makepyfile(
        functions="""
        from convex_mastra_emulator import query

        FUNCTIONS = {"env:read": query(lambda ctx, args: [ctx.env["ONE"], ctx.env["TWO"]])}
    """
    )
    pytester.makepyfile("""
        def test_env(convex_deployment):
            assert convex_deployment.query("env:read") == ["1", "a=b"]
    """)
    options = (f"--convex-target={target}", "--convex-functions=functions:FUNCTIONS")

    result = pytester.runpytest("--convex-env=ONE=1", "--convex-env=TWO=a=b", *options)

    result.assert_outcomes(passed=1)


def test_an_environment_variable_without_a_value_is_refused(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--convex-env=ONE")

    result.stderr.fnmatch_lines(["*--convex-env: 'ONE' is not NAME=VALUE*"])
