"""`run`: a command with a deployment of its own; its streams, its signals, its end."""

import json
import os
import pty
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

DEADLINE_SECONDS = 60
ENVIRONMENT = "import json, os; print(json.dumps(dict(os.environ)))"
# Calls the deployment by what the environment says of it.
CALL = """
import json, os, urllib.request
body = json.dumps({"path": os.environ.get("CALLED", "mastra/cache:handle"), "args": json.loads(os.environ["ARGS"])})
headers = {"Content-Type": "application/json", "Authorization": "Convex " + os.environ["CONVEX_ADMIN_KEY"]}
request = urllib.request.Request(os.environ["CONVEX_URL"] + "/api/function", body.encode(), headers)
print(json.load(urllib.request.urlopen(request, timeout=30)))
"""
INCREMENT = json.dumps({"op": "increment", "key": "counter", "keyPrefix": "", "expiresAt": None})
# Says that it is there, then each signal it gets; ends with 5 at SIGUSR1.
SIGNALS = """
import signal, sys, time
def told(number, frame):
    print(signal.Signals(number).name, flush=True)
    if number == signal.SIGUSR1:
        sys.exit(5)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
    signal.signal(number, told)
print("there", flush=True)
while True:
    time.sleep(0.05)
"""


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "convex_mastra_emulator", "run", *arguments]


def run(
    *arguments: str, stdin: str = "", folder: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        cwd=folder,
        env={**os.environ, **environment},
        check=False,
    )


def python(program: str, *arguments: str) -> tuple[str, ...]:
    return ("--", sys.executable, "-c", program, *arguments)


# What the command finds


def test_the_command_finds_the_deployment_by_the_usual_variables() -> None:
    done = run(
        *python(ENVIRONMENT),
        CONVEX_URL="https://happy-animal-123.convex.cloud",
        CONVEX_DEPLOYMENT="dev:happy-animal-123",
        CONVEX_DEPLOY_KEY="prod:happy-animal-123|key",
    )

    found = json.loads(done.stdout)
    assert found["CONVEX_URL"].startswith("http://127.0.0.1:")
    assert found["CONVEX_TEST_URL"] == found["CONVEX_SELF_HOSTED_URL"] == found["CONVEX_URL"]
    assert found["CONVEX_ADMIN_KEY"].startswith("convex-mastra-emulator|")
    keys = {found[name] for name in ("CONVEX_TEST_ADMIN_KEY", "CONVEX_SELF_HOSTED_ADMIN_KEY", "CONVEX_ADMIN_KEY")}
    assert len(keys) == 1
    assert found["CONVEX_SITE_URL"] not in ("", found["CONVEX_URL"])
    # Not those of the shell, which may be a real deployment's.
    assert (found["CONVEX_DEPLOYMENT"], found["CONVEX_DEPLOY_KEY"]) == ("", "")


def test_the_deployment_answers_and_begins_empty() -> None:
    for _ in range(2):
        done = run(*python(CALL), ARGS=INCREMENT)

        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "{'status': 'success', 'value': {'ok': True, 'result': 1.0}}\n"


def test_options_of_serve_are_options_of_run(tmp_path: Path) -> None:
    (tmp_path / "greetings.py").write_text(
        "from convex_mastra_emulator import query\n"
        'FUNCTIONS = {"greet:hello": query(lambda ctx, args: "hello " + ctx.env["WHOM"])}\n'
    )

    done = run(
        *("--functions", "greetings:FUNCTIONS", "--env", "WHOM=Ada", "--admin-key", "mine|secret"),
        *python(CALL),
        folder=tmp_path,
        CALLED="greet:hello",
        ARGS="{}",
        PYTHONPATH=os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]),
    )

    assert done.stdout == "{'status': 'success', 'value': 'hello Ada'}\n", done.stderr


def test_the_variable_of_the_key_goes_no_further() -> None:
    found = json.loads(run(*python(ENVIRONMENT), CONVEX_EMULATOR_ADMIN_KEY="mine|secret").stdout)

    assert found["CONVEX_ADMIN_KEY"] == "mine|secret"
    assert "CONVEX_EMULATOR_ADMIN_KEY" not in found


def test_the_server_ends_with_the_command() -> None:
    url = json.loads(run(*python(ENVIRONMENT)).stdout)["CONVEX_URL"]

    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.urlopen(f"{url}/version", timeout=DEADLINE_SECONDS)


# Streams and arguments


def test_the_streams_are_the_commands_alone() -> None:
    program = "import sys; print(sys.stdin.read().upper()); print('told', file=sys.stderr)"

    done = run(*python(program), stdin="from me")

    assert (done.stdout, done.stderr) == ("FROM ME\n", "told\n")


def test_options_behind_the_command_are_its_own() -> None:
    done = run(*python("import sys; print(sys.argv[1:])", "--port", "x", "--", "--help"))

    assert done.stdout == "['--port', 'x', '--', '--help']\n"


def test_a_command_that_is_missing_is_asked_for() -> None:
    done = run()

    assert done.returncode == 2
    assert "Missing argument 'COMMAND...'" in done.stderr


# The end


@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_the_exit_code_is_the_commands(code: int) -> None:
    assert run(*python(f"raise SystemExit({code})")).returncode == code


def test_a_command_that_a_signal_ended_ends_as_a_shell_says_it() -> None:
    done = run(*python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))

    assert (done.returncode, done.stderr) == (137, "")


def test_a_command_that_is_not_there() -> None:
    done = run("--", "no-such-command", "--fix")

    assert done.returncode == 127
    assert done.stderr == "Error: there is no command 'no-such-command'; programs of npm packages are run by npx\n"


def test_a_file_that_cannot_be_run(tmp_path: Path) -> None:
    (tmp_path / "script").write_text("echo")

    done = run("--", str(tmp_path / "script"))

    assert done.returncode == 126
    assert done.stderr == f"Error: cannot run '{tmp_path}/script': Permission denied\n"


def test_a_port_that_is_taken_is_told_and_nothing_runs() -> None:
    done = run("--port", "1", "--host", "203.0.113.1", *python("print('ran')"))

    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot listen on 203.0.113.1:1: " in done.stderr


# Signals


@pytest.fixture
def running() -> Iterator[subprocess.Popen[str]]:
    """A command that tells its signals; without a terminal, so that they come by this process alone."""
    with subprocess.Popen(
        command(*python(SIGNALS)), stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert line_of(process) == "there"
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def test_signals_are_passed_on_and_the_command_decides(running: subprocess.Popen[str]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1):
        running.send_signal(number)
        assert line_of(running) == number.name

    assert running.wait(DEADLINE_SECONDS) == 5


# A terminal sends Ctrl-C to the command, too: told twice, test runners give up without an end.
def test_ctrl_c_in_a_terminal_comes_once() -> None:
    process, terminal = pty.fork()
    if process == 0:
        os.execv(sys.executable, command(*python(SIGNALS)))
    shown = b""

    def read_until(text: bytes) -> None:
        nonlocal shown
        while text not in shown:
            shown += os.read(terminal, 1024)

    read_until(b"there")
    os.write(terminal, b"\x03")
    read_until(b"SIGINT")
    os.kill(process, signal.SIGUSR1)  # to the process itself, which passes it on
    read_until(b"SIGUSR1")
    _, status = os.waitpid(process, 0)
    os.close(terminal)

    assert os.waitstatus_to_exitcode(status) == 5
    assert shown.count(b"SIGINT") == 1
