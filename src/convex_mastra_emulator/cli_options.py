"""The options that say what is served, and the emulator they describe."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from convex_mastra_emulator import Emulator, sources
from convex_mastra_emulator.cli_deploy import DeployOptions, deploy
from convex_mastra_emulator.data.progress_bar import progress_bar
from convex_mastra_emulator.errors import EmulatorError
from convex_mastra_emulator.limits import DEFAULT_LIMITS, Limits
from convex_mastra_emulator.runtime.tokens import provider_of_tests
from convex_mastra_emulator.schema import Schema
from convex_mastra_emulator.sources import SourceError

# Not CONVEX_ADMIN_KEY: a shell may hold a real deployment's, which must not become that of a local one.
ADMIN_KEY_VARIABLE = "CONVEX_EMULATOR_ADMIN_KEY"
Command = TypeVar("Command", bound=Callable[..., Any])


# Where it is served


def address_options(default_port: int) -> Callable[[Command], Command]:
    """The options of a command that serves: ``host``, ``port``, ``site_port`` and ``admin_key``."""
    options = (
        click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on."),
        click.option(
            "--port",
            default=default_port,
            show_default=True,
            type=click.IntRange(0, 65535),
            help="Port to listen on; 0 takes a free one.",
        ),
        click.option(
            "--site-port",
            type=click.IntRange(0, 65535),
            help="Port for HTTP actions; 0 takes a free one.  [default: the one behind --port, if it is free]",
        ),
        click.option(
            "--admin-key",
            envvar=ADMIN_KEY_VARIABLE,
            show_envvar=True,
            help="Key that clients must send; a random one is made if none is given. The variable keeps it out of the "
            "list of processes.",
        ),
    )
    return lambda command: _with_options(command, options)


def _with_options(command: Command, options: Iterable[Callable[[Command], Command]]) -> Command:
    for option in reversed(tuple(options)):
        command = option(command)
    return command


@contextmanager
def telling_bad_addresses() -> Iterator[None]:
    """Tells of an address that cannot be had, or a key that cannot be one, by the option it was given with.

    Raises:
        click.ClickException: for an address.
        click.BadParameter: for a key.
    """
    from convex_mastra_emulator.server.thread import PortTaken

    try:
        yield
    except PortTaken as error:
        option = "--site-port" if error.is_site else "--port"
        raise click.ClickException(
            f"cannot listen on {error.filename}: {error.strerror}. Choose another {option}; 0 takes a free one."
        ) from None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--admin-key") from None


# What is served


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorOptions:
    """What :func:`emulator_options` adds to a command; each is described by the option of its name."""

    schema_source: str | None
    functions_source: str | None
    data_path: str | None
    folder: str | None
    watch: bool
    http_source: str | None
    crons_source: str | None
    load_path: str | None
    skip_bad: bool
    limits: tuple[str, ...]
    env: tuple[str, ...]
    faults: tuple[str, ...]
    no_crons: bool
    allow_network: bool
    seed: int | None
    redact_errors: bool


_EMULATOR_OPTIONS = (
    click.option(
        "--schema",
        "schema_source",
        metavar="FILE",
        help="JSON that schema.export() of npm convex gives, or module:attribute of a Python schema. "
        "Without it: Mastra's tables.",
    ),
    click.option(
        "--functions",
        "functions_source",
        metavar="MODULE:ATTRIBUTE",
        help="Mapping from paths to Python functions, defined beside Mastra's.",
    ),
    click.option(
        "--data",
        "data_path",
        metavar="FILE",
        type=click.Path(),
        help="Keep documents, scheduled functions and environment variables in this file; made if it is not there. "
        "Without it: in memory.",
    ),
    click.option(
        "--deploy",
        "folder",
        metavar="FOLDER",
        type=click.Path(exists=True, file_okay=False),
        help="Deploy this folder of TypeScript, as `npx convex deploy` does. Its functions win over those of "
        "--functions; --schema, --http and --crons stand for what it has of their kind.",
    ),
    click.option(
        "--watch", is_flag=True, help="Deploy the folder of --deploy again whenever one of its files changes."
    ),
    click.option(
        "--http",
        "http_source",
        metavar="MODULE:ATTRIBUTE",
        help="HttpRouter whose HTTP actions answer.",
    ),
    click.option("--crons", "crons_source", metavar="MODULE:ATTRIBUTE", help="Crons to run."),
    click.option(
        "--load",
        "load_path",
        type=click.Path(exists=True),
        help="Data to begin with: the ZIP of `npx convex export`, a CSV, JSON or JSON-lines file named like its table, "
        "or a folder of such files.",
    ),
    click.option("--skip-bad", is_flag=True, help="Leave out rows of --load that cannot be imported, and name them."),
    click.option("--limit", "limits", metavar="NAME=NUMBER", multiple=True, help="Change one limit; can be repeated."),
    click.option("--env", metavar="NAME=VALUE", multiple=True, help="Set an environment variable of the functions."),
    click.option(
        "--fault",
        "faults",
        metavar="PATH=KIND",
        multiple=True,
        help="Let calls fail: `mastra/*=overloaded`, `notes:add=answer_lost:0.1` for one in ten; can be repeated.",
    ),
    click.option("--no-crons", is_flag=True, help="Do not run crons; scheduled functions still run."),
    click.option("--allow-network", is_flag=True, help="Let fetch() of actions out to the network."),
    click.option("--seed", type=int, help="Make ids repeatable."),
    click.option(
        "--redact-errors",
        is_flag=True,
        help="Show clients of errors what production shows: a request id, nothing else.",
    ),
)


def emulator_options(command: Command) -> Command:
    """Adds the options of :class:`EmulatorOptions` to a command."""
    return _with_options(command, _EMULATOR_OPTIONS)


def new_emulator(
    options: EmulatorOptions, *, test_token_secret: str | None = None, env: Mapping[str, str] | None = None
) -> Emulator:
    """The emulator that options describe.

    Args:
        options: of the command line.
        test_token_secret: what tokens of users are signed with that it accepts; None accepts none.
        env: environment variables of its functions, beside those of the options.

    Raises:
        click.BadParameter: naming the option that is wrong.
    """
    schema = None if options.schema_source is None else load_schema(options.schema_source)
    emulator = open_emulator(
        options.data_path,
        schema=schema,
        limits=changed_limits(options.limits),
        seed=options.seed,
        auth_providers=[] if test_token_secret is None else [provider_of_tests(test_token_secret)],
        redact_errors=options.redact_errors,
        allow_network=options.allow_network,
    )
    emulator.scheduler.crons.are_on = not options.no_crons
    set_variables(emulator, {**(env or {}), **named_values("--env", options.env)})
    arm_faults(emulator, options.faults)
    deploy(
        emulator,
        DeployOptions(
            schema=schema,
            functions=options.functions_source,
            folder=options.folder,
            watch=options.watch,
            http=options.http_source,
            crons=options.crons_source,
        ),
    )
    if options.load_path is not None:
        load_data(emulator, options.load_path, skip_bad=options.skip_bad)
    return emulator


def load_schema(source: str) -> Schema:
    """The schema ``--schema`` names.

    Raises:
        click.BadParameter: when there is none, saying why.
    """
    try:
        return sources.load_schema(source)
    except SourceError as error:
        raise click.BadParameter(str(error)) from None


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
