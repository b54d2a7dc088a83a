"""``run``: a command with an emulator of its own, which is served while the command runs.

The command has this process' standard input, output and error, gets the signals that come here, and decides the exit
code; nothing is printed but what keeps it from being run.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from convex_mastra_emulator.cli_options import (
    ADMIN_KEY_VARIABLE,
    EmulatorOptions,
    address_options,
    emulator_options,
    new_emulator,
    telling_bad_addresses,
)

if TYPE_CHECKING:
    from convex_mastra_emulator.server.thread import ServedEmulator

# What a terminal sends to every process of the group in its foreground.
_OF_THE_KEYBOARD = frozenset({signal.SIGINT, signal.SIGQUIT})
_PASSED_ON = (*_OF_THE_KEYBOARD, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_SIGNALLED = 128  # what shells add to the signal that ended a command


class CommandNotRun(click.ClickException):
    """A command that cannot be run; the text says why."""

    exit_code = 126  # as shells say it


class CommandNotFound(CommandNotRun):
    """A command that is not there."""

    exit_code = 127


@click.command(options_metavar="[OPTIONS] --", context_settings={"allow_interspersed_args": False})
@address_options(0)
@emulator_options
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def run(
    context: click.Context,
    /,
    host: str,
    port: int,
    site_port: int | None,
    admin_key: str | None,
    command: tuple[str, ...],
    **options: Any,
) -> None:
    """Run a command, such as `npx vitest run`, with a deployment of its own.

    It finds the deployment by CONVEX_URL, CONVEX_ADMIN_KEY, CONVEX_SITE_URL, CONVEX_TEST_URL and
    CONVEX_TEST_ADMIN_KEY, and `npx convex` does, too. The exit code is that of the command, 128 and more when a signal
    ended it, 127 when there is no such command. Write -- before the command, so that its options are its own.
    """
    from convex_mastra_emulator.server.thread import serve

    os.environ.pop(ADMIN_KEY_VARIABLE, None)  # neither the command nor a child of a function's is to have it
    emulator = new_emulator(EmulatorOptions(**options))
    context.call_on_close(emulator.close)
    with _Relay().listening() as relay, ExitStack() as stack:
        with telling_bad_addresses():
            serving = serve(emulator, host=host, port=port, admin_key=admin_key, site_port=site_port)
            served = stack.enter_context(serving)
        code = relay.run(command, {**os.environ, **variables_of(served)})
    context.exit(code)


def variables_of(served: ServedEmulator) -> dict[str, str]:
    """The environment variables by which clients, tests and ``npx convex`` find a served emulator."""
    return {
        "CONVEX_URL": served.url,
        "CONVEX_ADMIN_KEY": served.admin_key,
        "CONVEX_SITE_URL": served.site_url,
        "CONVEX_TEST_URL": served.url,
        "CONVEX_TEST_ADMIN_KEY": served.admin_key,
        "CONVEX_SELF_HOSTED_URL": served.url,
        "CONVEX_SELF_HOSTED_ADMIN_KEY": served.admin_key,
        # npx convex refuses to choose between two deployments, and reads these from .env.local unless they are set.
        "CONVEX_DEPLOYMENT": "",
        "CONVEX_DEPLOY_KEY": "",
    }


class _Relay:
    """Runs one command and passes signals on to it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def listening(self) -> Iterator[_Relay]:
        """Takes the signals for the block, also while the server stops; those that are ignored stay so."""
        before = {number: signal.getsignal(number) for number in _PASSED_ON}
        taken = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
        for number in taken:
            signal.signal(number, self._pass_on)
        try:
            yield self
        finally:
            for number in taken:
                signal.signal(number, before[number])

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        if self._process is None:
            raise SystemExit(_SIGNALLED + number)  # there is no command yet, and now there is to be none
        if number not in _OF_THE_KEYBOARD or not _is_in_foreground():
            self._process.send_signal(number)

    def run(self, command: Sequence[str], env: Mapping[str, str]) -> int:
        """Runs a command to its end and gives its exit code, as a shell does.

        Raises:
            CommandNotRun: when it cannot be run.
        """
        try:
            self._process = subprocess.Popen(command, env=env)
        except FileNotFoundError:
            hint = "" if os.sep in command[0] else "; programs of npm packages are run by npx"
            raise CommandNotFound(f"there is no command {command[0]!r}{hint}") from None
        except OSError as error:
            raise CommandNotRun(f"cannot run {command[0]!r}: {error.strerror}") from None
        code = self._process.wait()
        return code if code >= 0 else _SIGNALLED - code


def _is_in_foreground() -> bool:
    """Whether a terminal has sent a signal of its keyboard to the command, too: it is in this process' group."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
