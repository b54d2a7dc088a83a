"""The command line: ``serve`` puts an emulator on a port, ``demo`` shows what one does."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from convex_mastra_emulator import Emulator, __version__, sources
from convex_mastra_emulator.data.progress_bar import progress_bar
from convex_mastra_emulator.errors import EmulatorError
from convex_mastra_emulator.limits import DEFAULT_LIMITS, Limits
from convex_mastra_emulator.runtime.paths import parse_path
from convex_mastra_emulator.runtime.tokens import provider_of_tests
from convex_mastra_emulator.schema import Schema
from convex_mastra_emulator.sources import SourceError

if TYPE_CHECKING:
    from convex_mastra_emulator.server.handover import Handover
    from convex_mastra_emulator.server.thread import ServedEmulator

DEFAULT_PORT = 3210  # the Convex local backend's
# Not CONVEX_ADMIN_KEY: a shell may hold a real deployment's, which must not become that of a local one.
ADMIN_KEY_VARIABLE = "CONVEX_EMULATOR_ADMIN_KEY"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="convex-mastra-emulator")
def main() -> None:
    """A Convex deployment, as the Mastra agent framework uses it, on this machine."""


def load_schema(source: str) -> Schema:
    """The schema ``--schema`` names.

    Raises:
        click.BadParameter: when there is none, saying why.
    """
    try:
        return sources.load_schema(source)
    except SourceError as error:
        raise click.BadParameter(str(error)) from None


def define_functions(emulator: Emulator, source: str, *, but: Collection[str] = ()) -> None:
    """Defines the functions of a mapping ``module:attribute`` from paths to functions, except those ``but`` names.

    Raises:
        click.BadParameter: when it is none.
    """
    try:
        functions = sources.load_functions(source)
    except SourceError as error:
        raise click.BadParameter(str(error)) from None
    for path, function in functions.items():
        try:
            if parse_path(path).stripped not in but:
                emulator.define(path, function)
        except EmulatorError as error:
            raise click.BadParameter(f"{source!r}: {path!r}: {error}") from None


def deploy(
    emulator: Emulator,
    functions: str | None,
    http: str | None,
    crons: str | None,
    folder: str | None = None,
    schema: Schema | None = None,
) -> None:
    """Defines what the options name: TypeScript, functions, then HTTP actions, then crons, which run functions.

    Raises:
        click.BadParameter: when one names nothing of its kind, or a cron a function that is not there.
    """
    option = "--deploy"
    try:
        if folder is not None:
            emulator.deploy(folder, schema=schema)
        if functions is not None:
            define_functions(emulator, functions, but=() if folder is None else emulator.function_paths())
        option = "--http"
        if http is not None:
            emulator.define_http(sources.load_router(http))
        option = "--crons"
        if crons is not None:
            emulator.define_crons(sources.load_crons(crons))
    except EmulatorError as error:
        raise click.BadParameter(str(error), param_hint=option) from None


def named_values(option: str, texts: Iterable[str]) -> dict[str, str]:
    """The pairs of a repeated option ``NAME=VALUE``.

    Raises:
        click.BadParameter: for a text without ``=``.
    """
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint=option)
        pairs[name] = value
    return pairs


def set_variables(emulator: Emulator, variables: Mapping[str, str]) -> None:
    """Sets environment variables, those of a repeated ``--env`` among them.

    Raises:
        click.BadParameter: for one that no deployment takes.
    """
    try:
        emulator.env.update(variables)
    except (EmulatorError, ValueError) as error:
        raise click.BadParameter(str(error), param_hint="--env") from None


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


def changed_limits(texts: Iterable[str]) -> Limits:
    """The limits with those changed that ``--limit`` names.

    Raises:
        click.BadParameter: for a name that is no limit, or a value that is no number.
    """
    numbers = {}
    for name, value in named_values("--limit", texts).items():
        if not value.isdigit():
            raise click.BadParameter(f"'{name}={value}' is not NAME=NUMBER", param_hint="--limit")
        numbers[name] = int(value)
    try:
        return DEFAULT_LIMITS.lowered(numbers)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--limit") from None


def arm_faults(emulator: Emulator, texts: Iterable[str]) -> None:
    """Arms the faults that ``--fault PATH=KIND`` and ``--fault PATH=KIND:PROBABILITY`` name.

    Raises:
        click.BadParameter: saying what is wrong with which.
    """
    for text in texts:
        path, _, fault = text.partition("=")
        kind, colon, probability = fault.partition(":")
        if not path or not kind:
            raise click.BadParameter(f"{text!r} is not PATH=KIND or PATH=KIND:PROBABILITY", param_hint="--fault")
        try:
            emulator.faults.fail(path, kind, probability=float(probability) if colon else 1.0)
        except (EmulatorError, ValueError) as error:
            raise click.BadParameter(f"{text!r}: {error}", param_hint="--fault") from None


def load_data(emulator: Emulator, path: str, *, skip_bad: bool) -> None:
    """Fills an empty emulator, shows how far it is, and tells what came in and what did not.

    Raises:
        click.BadParameter: when nothing was imported, saying why.
    """
    if emulator.table_counts():
        raise click.BadParameter("the file of --data already holds documents; load into a new one", param_hint="--load")
    try:
        with progress_bar(f"Loading {path}") as progress:
            # Nothing is lost, and tables may take the numbers they had elsewhere.
            result = emulator.import_files(path, mode="replace-all", skip_bad=skip_bad, progress=progress)
    except (EmulatorError, OSError, ValueError) as error:
        raise click.BadParameter(f"{path}: {error}", param_hint="--load") from None
    for row in result.skipped:
        click.echo(f"skipped {row}", err=True)
    tables = sum(1 for count in result.added.values() if count)
    click.echo(f"loaded documents: {sum(result.added.values()):,}, tables: {tables:,}", err=True)


def open_emulator(data_path: str | None, **options: Any) -> Emulator:
    """A new emulator, with the data of a file if one is named; tells what that holds.

    Raises:
        click.BadParameter: when the file cannot be opened, saying why.
    """
    if data_path is None:
        return Emulator(**options)
    try:
        with progress_bar(f"Opening {data_path}") as progress:
            emulator = Emulator(path=data_path, load_progress=progress, **options)
    except EmulatorError as error:
        raise click.BadParameter(str(error), param_hint="--data") from None
    click.get_current_context().call_on_close(emulator.close)
    counts = emulator.table_counts()
    click.echo(f"opened {data_path}: documents: {sum(counts.values()):,}, tables: {len(counts):,}", err=True)
    return emulator


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=DEFAULT_PORT,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--site-port",
    type=click.IntRange(0, 65535),
    help="Port for HTTP actions; 0 takes a free one.  [default: the one behind --port, if it is free]",
)
@click.option(
    "--admin-key",
    envvar=ADMIN_KEY_VARIABLE,
    show_envvar=True,
    help="Key that clients must send; a random one is made if none is given. The variable keeps it out of the list "
    "of processes.",
)
@click.option(
    "--schema",
    "schema_source",
    metavar="FILE",
    help="JSON that schema.export() of npm convex gives, or module:attribute of a Python schema. "
    "Without it: Mastra's tables.",
)
@click.option(
    "--functions",
    "functions_source",
    metavar="MODULE:ATTRIBUTE",
    help="Mapping from paths to Python functions, defined beside Mastra's.",
)
@click.option(
    "--data",
    "data_path",
    metavar="FILE",
    type=click.Path(),
    help="Keep documents, scheduled functions and environment variables in this file; made if it is not there. "
    "Without it: in memory.",
)
@click.option(
    "--http",
    "http_source",
    metavar="MODULE:ATTRIBUTE",
    help="HttpRouter whose HTTP actions answer.",
)
@click.option(
    "--deploy",
    "folder",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False),
    help="Deploy this folder of TypeScript, as `npx convex deploy` does. Its functions win over those of --functions; "
    "--schema, --http and --crons stand for what it has of their kind.",
)
@click.option("--crons", "crons_source", metavar="MODULE:ATTRIBUTE", help="Crons to run.")
@click.option(
    "--load",
    "load_path",
    type=click.Path(exists=True),
    help="Data to begin with: the ZIP of `npx convex export`, a CSV, JSON or JSON-lines file named like its table, "
    "or a folder of such files.",
)
@click.option("--skip-bad", is_flag=True, help="Leave out rows of --load that cannot be imported, and name them.")
@click.option("--limit", "limits", metavar="NAME=NUMBER", multiple=True, help="Change one limit; can be repeated.")
@click.option("--env", metavar="NAME=VALUE", multiple=True, help="Set an environment variable of the functions.")
@click.option(
    "--fault",
    "faults",
    metavar="PATH=KIND",
    multiple=True,
    help="Let calls fail: `mastra/*=overloaded`, `notes:add=answer_lost:0.1` for one in ten; can be repeated.",
)
@click.option("--no-crons", is_flag=True, help="Do not run crons; scheduled functions still run.")
@click.option("--allow-network", is_flag=True, help="Let fetch() of actions out to the network.")
@click.option("--seed", type=int, help="Make ids repeatable.")
@click.option("--keys-from-stdin", is_flag=True, hidden=True, help="Take keys and variables from standard input.")
@click.option("--stop-with-stdin", is_flag=True, hidden=True, help="Stop when standard input ends.")
@click.option(
    "--redact-errors", is_flag=True, help="Show clients of errors what production shows: a request id, nothing else."
)
def serve(
    host: str,
    port: int,
    site_port: int | None,
    admin_key: str | None,
    schema_source: str | None,
    functions_source: str | None,
    data_path: str | None,
    http_source: str | None,
    crons_source: str | None,
    folder: str | None,
    load_path: str | None,
    limits: tuple[str, ...],
    env: tuple[str, ...],
    faults: tuple[str, ...],
    seed: int | None,
    *,
    skip_bad: bool,
    allow_network: bool,
    no_crons: bool,
    keys_from_stdin: bool,
    stop_with_stdin: bool,
    redact_errors: bool,
) -> None:
    """Serve an empty deployment with Mastra's functions.

    Prints CONVEX_URL, CONVEX_ADMIN_KEY and CONVEX_SITE_URL once it accepts connections, then one line per call:
    path, kind, milliseconds, documents read, outcome. Ctrl-C ends it.
    """
    from convex_mastra_emulator.server.foreground import serve_in_foreground
    from convex_mastra_emulator.server.thread import PortTaken

    os.environ.pop(ADMIN_KEY_VARIABLE, None)  # no child of a function's is to have it
    told = keys_told(admin_key, from_stdin=keys_from_stdin)
    secret = told.test_token_secret
    schema = None if schema_source is None else load_schema(schema_source)
    emulator = open_emulator(
        data_path,
        schema=schema,
        limits=changed_limits(limits),
        seed=seed,
        auth_providers=[] if secret is None else [provider_of_tests(secret)],
        redact_errors=redact_errors,
        allow_network=allow_network,
    )
    emulator.scheduler.crons.are_on = not no_crons
    set_variables(emulator, {**told.env, **named_values("--env", env)})
    arm_faults(emulator, faults)
    deploy(emulator, functions_source, http_source, crons_source, folder, schema)
    if load_path is not None:
        load_data(emulator, load_path, skip_bad=skip_bad)

    try:
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
    except PortTaken as error:
        option = "--site-port" if error.is_site else "--port"
        raise click.ClickException(
            f"cannot listen on {error.filename}: {error.strerror}. Choose another {option}; 0 takes a free one."
        ) from None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--admin-key") from None


@main.command()
def demo() -> None:
    """Run a small agent's memory and a document search, in process, and show what happened."""
    from convex_mastra_emulator.demo.run import run_demo

    run_demo()
