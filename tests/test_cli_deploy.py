"""`--deploy` and `--watch`: a folder of TypeScript that is served, and deployed again when it changes."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_mastra_convex.node_project import ensure_npm_project
from tests.test_cli import Serving, serving
from tests.test_cli import run as emulator_command
from tests.test_cli_run import CALL, DEADLINE_SECONDS, python, run


@pytest.fixture
def project(tmp_path: Path, report_progress: Callable[[str], None]) -> Path:
    """A project with npm convex; its `convex/` is still empty."""
    (tmp_path / "node_modules").symlink_to(ensure_npm_project(report_progress) / "node_modules")
    (tmp_path / "convex").mkdir()
    return tmp_path


ONE = """
import { queryGeneric as query } from "convex/server";
export const one = query(async () => `one of ${process.env.WHOM}`);
"""


def test_a_folder_is_deployed_before_the_command_begins(project: Path) -> None:
    (project / "convex" / "numbers.ts").write_text(ONE)

    done = run(
        *("--deploy", "convex", "--env", "WHOM=Ada"), *python(CALL), folder=project, CALLED="numbers:one", ARGS="{}"
    )

    assert done.stdout == "{'status': 'success', 'value': 'one of Ada'}\n", done.stderr


def test_functions_in_typescript_win_over_those_in_python(project: Path) -> None:
    (project / "convex" / "numbers.ts").write_text(ONE)
    (project / "more.py").write_text(
        "from convex_mastra_emulator import query\n"
        'FUNCTIONS = {"numbers:one": query(lambda ctx, args: 2), "numbers:two": query(lambda ctx, args: 2)}\n'
    )
    options = ("--deploy", "convex", "--functions", "more:FUNCTIONS", "--env", "WHOM=Ada")
    path = os.pathsep.join([str(project), *filter(None, [os.environ.get("PYTHONPATH")])])

    told = [
        run(*options, *python(CALL), folder=project, CALLED=called, ARGS="{}", PYTHONPATH=path).stdout
        for called in ("numbers:one", "numbers:two")
    ]

    assert told == [
        "{'status': 'success', 'value': 'one of Ada'}\n",
        "{'status': 'success', 'value': 2.0}\n",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("export const one = ;", "numbers.ts:1:19"),
        ('export const one = 1; throw new Error("not today");', "Uncaught Error: not today"),
    ],
)
def test_a_folder_that_cannot_be_deployed_says_why_and_nothing_runs(project: Path, text: str, message: str) -> None:
    (project / "convex" / "numbers.ts").write_text(text)

    done = run("--deploy", "convex", *python("print('ran')"), folder=project)

    assert (done.returncode, done.stdout) == (2, "")
    assert "Invalid value for --deploy: " in done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    done = run("--deploy", "convex", *python("print('ran')"), folder=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert "Directory 'convex' does not exist." in done.stderr


# What `@mastra/convex` publishes is refused by a deployment; here it is let through and told in a line.
def test_warnings_of_a_deploy_are_lines(project: Path) -> None:
    (project / "convex" / "vectors.ts").write_text('export { mastraNativeVectorAction } from "@mastra/convex/server";')

    done = run("--deploy", "convex", *python("print('ran')"), folder=project)

    assert (done.returncode, done.stdout) == (0, "ran\n")
    assert done.stderr.startswith("warning: vectors.js:mastraNativeVectorAction: a deployment refuses this validator")
    assert all(line.startswith("warning: ") for line in done.stderr.splitlines()), done.stderr


def test_serve_deploys_too(project: Path) -> None:
    (project / "convex" / "numbers.ts").write_text(ONE)

    with serving("--deploy", str(project / "convex"), "--env", "WHOM=Ada") as served:
        assert one(served) == "one of Ada"


# Again and again


def one(served: Serving) -> str:
    answer: str = served.post("function", "numbers:one", {})["value"]
    return answer


def wait_for_lines(served: Serving, count: int, begin: str) -> list[str]:
    """The lines of standard error that begin so, once there are as many."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while len(lines := [line for line in served.log() if line.startswith(begin)]) < count:
        assert time.monotonic() < deadline, served.log()
        time.sleep(0.05)
    return lines


def test_a_watched_folder_is_deployed_again_and_a_refused_one_leaves_what_was_there(project: Path) -> None:
    folder = project / "convex"
    (folder / "numbers.ts").write_text(ONE)
    with serving("--deploy", str(folder), "--watch", "--env", "WHOM=Ada") as served:
        assert wait_for_lines(served, 1, "deployed ") == [f"deployed {folder}"]

        (folder / "numbers.ts").write_text(ONE.replace("one of", "all of"))
        wait_for_lines(served, 2, "deployed ")
        assert one(served) == "all of Ada"

        (folder / "numbers.ts").write_text("export const one = ;")
        [line] = wait_for_lines(served, 1, "not deployed, what was deployed before goes on: ")
        assert 'Unexpected ";"' in line
        assert one(served) == "all of Ada"

        assert served.stop() == 0


# Changes a function and calls it until the change is there.
CHANGE = """
import os, pathlib, time, urllib.request
file = pathlib.Path("convex/numbers.ts")
file.write_text(file.read_text().replace("one of", "all of"))
body = b'{"path": "numbers:one", "args": {}}'
request = urllib.request.Request(os.environ["CONVEX_URL"] + "/api/query", body, {"Content-Type": "application/json"})
for _ in range(300):
    if b"all of" in urllib.request.urlopen(request, timeout=30).read():
        print("seen")
        break
    time.sleep(0.1)
"""


def test_a_folder_is_watched_while_a_command_runs(project: Path) -> None:
    (project / "convex" / "numbers.ts").write_text(ONE)

    done = run("--deploy", "convex", "--watch", *python(CHANGE), folder=project)

    assert done.stdout == "seen\n", done.stderr
    assert done.stderr.splitlines()[0] == "deployed convex"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--watch needs --deploy, the folder to watch."),
        (
            ["--deploy", ".", "--http", "a:B"],
            "--watch and --http exclude each other: the next deploy would undo --http.",
        ),
        (
            ["--deploy", ".", "--crons", "a:B"],
            "--watch and --crons exclude each other: the next deploy would undo --crons.",
        ),
    ],
)
def test_what_cannot_be_watched_is_refused(options: list[str], message: str) -> None:
    code, output = emulator_command("serve", "--watch", *options)

    assert code == 2
    assert message in output


def test_a_folder_without_functions_is_told(project: Path) -> None:
    done = run("--deploy", "convex", *python("print('ran')"), folder=project)

    assert (done.returncode, done.stdout, done.stderr) == (0, "ran\n", "warning: convex has no functions\n")


# Whoever names the project gets its functions under names that begin with its folders.
def test_a_whole_project_is_told(project: Path) -> None:
    (project / "convex" / "numbers.ts").write_text(ONE)
    (project / "package.json").write_text("{}")

    done = run("--deploy", ".", *python("print('ran')"), folder=project)

    assert done.stdout == "ran\n"
    assert done.stderr.startswith("warning: . is a whole project: its functions stand in convex\n")


def test_a_variable_that_auth_config_misses_comes_with_its_option(project: Path) -> None:
    (project / "convex" / "numbers.ts").write_text(ONE)
    (project / "convex" / "auth.config.ts").write_text(
        'export default { providers: [{ domain: process.env.DOMAIN!, applicationID: "app" }] };'
    )

    done = run("--deploy", "convex", *python("print('ran')"), folder=project)

    assert (done.returncode, done.stdout) == (2, "")
    assert "Environment variable DOMAIN is used in auth config file but its value was not set" in done.stderr
    assert "--env NAME=VALUE sets one." in done.stderr
