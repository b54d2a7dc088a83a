"""The command line: ``serve`` puts an emulator on a port, ``run`` around a command, ``demo`` shows what one does."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from convex_mastra_emulator import __version__
from convex_mastra_emulator.cli_options import (
    ADMIN_KEY_VARIABLE,
    EmulatorOptions,
    address_options,
    emulator_options,
    new_emulator,
    telling_bad_addresses,
)
from convex_mastra_emulator.cli_run import run

if TYPE_CHECKING:
    from convex_mastra_emulator.server.handover import Handover
    from convex_mastra_emulator.server.thread import ServedEmulator

DEFAULT_PORT = 3210  # the Convex local backend's


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="convex-mastra-emulator")
def main() -> None:
    """A Convex deployment, as the Mastra agent framework uses it, on this machine."""


def keys_told(admin_key: str | None, *, from_stdin: bool) -> Handover:
    """The keys, from the line of standard input that a parent process writes, or from the command line.

    Raises:
        click.BadParameter: for a line that is none.
    """
    from convex_mastra_emulator.server.handover import Handover

    try:
        return Handover.read(sys.stdin) if from_stdin else Handover(admin_key=admin_key)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--keys-from-stdin") from None


def tell_where(served: ServedEmulator) -> None:
    """Prints what clients have to know, once connections are accepted."""
    click.echo(f"CONVEX_URL={served.url}")
    click.echo(f"CONVEX_ADMIN_KEY={served.admin_key}")
    click.echo(f"CONVEX_SITE_URL={served.site_url}")
    sys.stdout.flush()


@main.command()
@address_options(DEFAULT_PORT)
@emulator_options
@click.option("--keys-from-stdin", is_flag=True, hidden=True, help="Take keys and variables from standard input.")
@click.option("--stop-with-stdin", is_flag=True, hidden=True, help="Stop when standard input ends.")
def serve(
    host: str,
    port: int,
    site_port: int | None,
    admin_key: str | None,
    *,
    keys_from_stdin: bool,
    stop_with_stdin: bool,
    **options: Any,
) -> None:
    """Serve an empty deployment with Mastra's functions.

    Prints CONVEX_URL, CONVEX_ADMIN_KEY and CONVEX_SITE_URL once it accepts connections, then one line per call:
    path, kind, milliseconds, documents read, outcome. Ctrl-C ends it.
    """
    from convex_mastra_emulator.server.foreground import serve_in_foreground

    os.environ.pop(ADMIN_KEY_VARIABLE, None)  # no child of a function's is to have it
    told = keys_told(admin_key, from_stdin=keys_from_stdin)
    emulator = new_emulator(EmulatorOptions(**options), test_token_secret=told.test_token_secret, env=told.env)
    with telling_bad_addresses():
        serve_in_foreground(
            emulator,
            host=host,
            port=port,
            admin_key=told.admin_key,
            version=f"convex-mastra-emulator {__version__}",
            log=lambda line: click.echo(line, err=True),
            on_ready=tell_where,
            ends_with=sys.stdin if stop_with_stdin else None,
            site_port=site_port,
        )


main.add_command(run)


@main.command()
def demo() -> None:
    """Run a small agent's memory and a document search, in process, and show what happened."""
    from convex_mastra_emulator.demo.run import run_demo

    run_demo()
