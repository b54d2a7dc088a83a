"""What a command deploys before it serves: Python functions, a folder of TypeScript, HTTP actions, crons."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from convex_mastra_emulator import Emulator, sources
from convex_mastra_emulator.errors import EmulatorError
from convex_mastra_emulator.runtime.paths import parse_path
from convex_mastra_emulator.schema import Schema
from convex_mastra_emulator.sources import SourceError

_VARIABLE_MISSING = "AuthConfigMissingEnvironmentVariable"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployOptions:
    """What is deployed; each is described by the option of its name.

    Attributes:
        schema: `--schema`, in place of the folder's.
        functions: `--functions`.
        folder: `--deploy`.
        watch: `--watch`, whether the folder is deployed again when it changes.
        http: `--http`.
        crons: `--crons`.
    """

    schema: Schema | None
    functions: str | None
    folder: str | None
    watch: bool
    http: str | None
    crons: str | None


def deploy(emulator: Emulator, wanted: DeployOptions) -> None:
    """Deploys the folder, then defines functions it does not have, HTTP actions, and crons, which run any of them.

    Raises:
        click.UsageError: when there is nothing to watch, or the next deploy would undo what an option has defined.
        click.BadParameter: when one names nothing of its kind, a cron a function that is not there, or a folder cannot
            be deployed.
    """
    _check_watch(wanted)
    option = "--deploy"
    try:
        if wanted.folder is not None:
            deploy_folder(emulator, wanted.folder, wanted.schema, watch=wanted.watch)
        if wanted.functions is not None:
            define_functions(emulator, wanted.functions, but=() if wanted.folder is None else emulator.function_paths())
        option = "--http"
        if wanted.http is not None:
            emulator.define_http(sources.load_router(wanted.http))
        option = "--crons"
        if wanted.crons is not None:
            emulator.define_crons(sources.load_crons(wanted.crons))
    except EmulatorError as error:
        hint = "\n--env NAME=VALUE sets one." if getattr(error, "code", "") == _VARIABLE_MISSING else ""
        raise click.BadParameter(f"{error}{hint}", param_hint=option) from None


def _check_watch(wanted: DeployOptions) -> None:
    if not wanted.watch:
        return
    if wanted.folder is None:
        raise click.UsageError("--watch needs --deploy, the folder to watch.")
    for option, value in (("--http", wanted.http), ("--crons", wanted.crons)):
        if value is not None:
            raise click.UsageError(f"--watch and {option} exclude each other: the next deploy would undo {option}.")


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


def deploy_folder(emulator: Emulator, folder: str, schema: Schema | None, *, watch: bool) -> None:
    """Deploys a folder of TypeScript, and again whenever it changes if it is to be watched.

    What it is warned of, and how each deploy of a watched folder ended, are lines on standard error.

    Raises:
        EmulatorError: when it cannot be deployed.
    """
    context = click.get_current_context()
    context.with_resource(_warnings_as_lines())
    # Whatever comes next may fail, and neither Node nor the watch is to outlive the command.
    context.call_on_close(emulator.close)
    if (Path(folder) / "package.json").exists() and (Path(folder) / "convex").is_dir():
        warnings.warn(f"{folder} is a whole project: its functions stand in {Path(folder) / 'convex'}", stacklevel=1)
    if not watch:
        emulator.deploy(folder, schema=schema)
        _warn_if_empty(emulator, folder)
        return

    def tell(problem: EmulatorError | None) -> None:
        if problem is None:
            click.echo(f"deployed {folder}", err=True)
            _warn_if_empty(emulator, folder)
        else:
            click.echo(f"not deployed, what was deployed before goes on: {problem}", err=True)

    emulator.deploy(folder, schema=schema, watch=True, tell=tell)
    tell(None)


def _warn_if_empty(emulator: Emulator, folder: str) -> None:
    if not emulator.function_paths():
        warnings.warn(f"{folder} has no functions", stacklevel=1)


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Shows every warning in one line, those of this package each time; also those of other threads."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        click.echo(f"warning: {message}", err=True)

    with warnings.catch_warnings():
        warnings.filterwarnings("always", module="convex_mastra_emulator")
        warnings.showwarning = show
        yield
