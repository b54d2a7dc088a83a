"""The options of the plugin: each a command line flag, an environment variable and an ini key.

The command line wins over the environment, the environment over the ini file.  Addresses and keys of deployments are
no options: they come from the environment only (``live.py``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

TARGETS = ("emulator", "server", "oracle", "live", "typescript")


@dataclass(frozen=True, slots=True)
class Option:
    """One setting.

    Attributes:
        flag: on the command line.
        environment: the variable.
        ini: the key in the ini file.
        metavar: what its value is, for the help.
        default: for the documentation.
        help: one sentence.
        is_list: whether it can be repeated; in the environment, values are separated by commas.
    """

    flag: str
    environment: str
    ini: str
    metavar: str
    default: str
    help: str
    is_list: bool = False


OPTIONS = {
    "targets": Option(
        "--convex-target",
        "CONVEX_TARGET",
        "convex_target",
        "NAME",
        "emulator",
        f"Kind of deployment tests run on: {', '.join(TARGETS)}. Repeated: every test runs on each.",
        is_list=True,
    ),
    "limits": Option(
        "--convex-limits",
        "CONVEX_LIMITS",
        "convex_limits",
        "NAME=NUMBER",
        "a deployment's",
        "Change limits of the emulator: `document_size_max=1000`. Repeatable.",
        is_list=True,
    ),
    "schema": Option(
        "--convex-schema",
        "CONVEX_SCHEMA",
        "convex_schema",
        "SCHEMA",
        "Mastra's tables",
        "Tables of the emulator: a JSON file of schema.export(), or module:attribute of a Python schema.",
    ),
    "functions": Option(
        "--convex-functions",
        "CONVEX_FUNCTIONS",
        "convex_functions",
        "FUNCTIONS",
        "Mastra's only",
        "Functions defined beside Mastra's: module:attribute of a mapping from paths to Python functions.",
    ),
    "http": Option(
        "--convex-http",
        "CONVEX_HTTP",
        "convex_http",
        "ROUTER",
        "none",
        "HTTP actions of the emulator: module:attribute of an HttpRouter.",
    ),
    "folder": Option(
        "--convex-folder",
        "CONVEX_FOLDER",
        "convex_folder",
        "DIR",
        "Mastra's functions",
        "Folder of TypeScript, such as `convex`, that the target `typescript` deploys, with its schema.ts and http.ts.",
    ),
    "env": Option(
        "--convex-env",
        "CONVEX_ENV",
        "convex_env",
        "NAME=VALUE",
        "none",
        "Environment variables of the emulator, there before anything is deployed. Repeatable.",
        is_list=True,
    ),
    "parity_report": Option(
        "--convex-parity-report",
        "CONVEX_PARITY_REPORT",
        "convex_parity_report",
        "FILE",
        "none",
        "Write a parity report, case by target: FILE.html and FILE.json.",
    ),
    "record": Option(
        "--convex-record",
        "CONVEX_RECORD",
        "convex_record",
        "FOLDER",
        "none",
        "Keep every exchange of a test with the targets `live` and `oracle` in a file of FOLDER.",
    ),
    "replay": Option(
        "--convex-replay",
        "CONVEX_REPLAY",
        "convex_replay",
        "FOLDER",
        "none",
        "Hold the emulator to the recordings in FOLDER: one more test for each, without any network.",
    ),
    "ledger": Option(
        "--convex-ledger",
        "CONVEX_LEDGER",
        "convex_ledger",
        "FILE",
        "none",
        "Note the day on which each conformance case held; written at the end of a run of the whole suite.",
    ),
    "stale_days": Option(
        "--convex-stale-days",
        "CONVEX_STALE_DAYS",
        "convex_stale_days",
        "DAYS",
        "none",
        "Fail when the ledger says that a case has not held on a target of this run for more than DAYS days.",
    ),
    "calls_max": Option(
        "--convex-calls-max",
        "CONVEX_CALLS_MAX",
        "convex_calls_max",
        "NUMBER",
        "20000",
        "How many calls a run may make on the target `live`.",
    ),
    "usage_warn": Option(
        "--convex-usage-warn",
        "CONVEX_USAGE_WARN",
        "convex_usage_warn",
        "PERCENT",
        "80",
        "List, at the end, the calls on the emulator that used more than PERCENT of a limit; 0 lists none.",
    ),
    "deadline_seconds": Option(
        "--convex-deadline",
        "CONVEX_DEADLINE",
        "convex_deadline",
        "SECONDS",
        "30",
        "How long one call over a socket may take.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options as a run has them."""

    targets: tuple[str, ...] = ("emulator",)
    limits: Mapping[str, int]
    schema: str | None = None
    functions: str | None = None
    http: str | None = None
    folder: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    parity_report: Path | None = None
    record: Path | None = None
    replay: Path | None = None
    ledger: Path | None = None
    stale_days: int | None = None
    calls_max: int = 20_000
    usage_warn: int | None = None
    """None if nobody asked: 80 then."""
    deadline_seconds: float = 30.0


SETTINGS = pytest.StashKey[Settings]()
_PATHS = frozenset({"folder", "parity_report", "record", "replay", "ledger"})


def add_options(parser: pytest.Parser) -> None:
    """Declares every option in all its forms."""
    group = parser.getgroup("convex", "Convex deployments, emulated and real")
    for name, option in OPTIONS.items():
        help_text = f"{option.help} Default: {option.default}. Also {option.environment}, ini {option.ini}."
        group.addoption(
            option.flag,
            dest=f"convex_{name}",
            metavar=option.metavar,
            action="append" if option.is_list else "store",
            default=None,
            help=help_text,
        )
        if option.is_list:
            parser.addini(option.ini, help=option.help, type="args", default=None)
        else:
            parser.addini(option.ini, help=option.help, type="string", default=None)


def read_settings(config: pytest.Config, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a run.

    Raises:
        pytest.UsageError: naming the option and where its value came from.
    """
    given: dict[str, Any] = {}
    for name, option in OPTIONS.items():
        value, source = _value(config, name, option, environment)
        if value:
            try:
                given[name] = _READERS[name](value)
            except ValueError as error:
                raise pytest.UsageError(f"{source}: {error}") from None
    return Settings(**{"limits": {}, **given})


def _value(config: pytest.Config, name: str, option: Option, environment: Mapping[str, str]) -> tuple[Any, str]:
    from_command_line = config.getoption(f"convex_{name}")
    if from_command_line:
        return from_command_line, option.flag
    from_environment = environment.get(option.environment)
    if from_environment:
        parts = [part.strip() for part in from_environment.split(",")]
        return (parts if option.is_list else from_environment), option.environment
    value = config.getini(option.ini)
    if value and name in _PATHS and config.inipath is not None:
        # As with pytest's own options, wherever the run was started.
        value = str(config.inipath.parent / value)
    return value, f"ini {option.ini}"


def _targets(names: list[str]) -> tuple[str, ...]:
    for name in names:
        if name not in TARGETS:
            raise ValueError(f"unknown target {name!r}; known are: {', '.join(TARGETS)}")
    return tuple(dict.fromkeys(names))


def _limits(texts: list[str]) -> dict[str, int]:
    limits = {}
    for text in texts:
        name, equals, number = text.partition("=")
        if not equals or not number.strip().isdigit():
            raise ValueError(f"{text!r} is not NAME=NUMBER")
        limits[name.strip()] = int(number)
    from convex_mastra_emulator.limits import DEFAULT_LIMITS

    DEFAULT_LIMITS.lowered(limits)  # refuses unknown names
    return limits


def _env(texts: list[str]) -> dict[str, str]:
    env = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise ValueError(f"{text!r} is not NAME=VALUE")
        env[name.strip()] = value
    return env


def _folder(text: str) -> Path:
    folder = Path(text)
    if not folder.is_dir():
        raise ValueError(f"{text!r} is no folder")
    return folder.absolute()


def _whole(text: str) -> int:
    if not text.strip().isdigit():
        raise ValueError(f"{text!r} is not a whole number")
    return int(text)


def _percent(text: str) -> int:
    if not text.strip().isdigit() or int(text) > 100:
        raise ValueError(f"{text!r} is not a whole number from 0 to 100")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number of seconds") from None
    if not 0 < seconds < float("inf"):
        raise ValueError(f"{text!r} is not a positive number of seconds")
    return seconds


_READERS: dict[str, Callable[[Any], Any]] = {
    "targets": _targets,
    "limits": _limits,
    "schema": str,
    "functions": str,
    "http": str,
    "folder": _folder,
    "env": _env,
    "parity_report": Path,
    "record": Path,
    "replay": Path,
    "ledger": Path,
    "stale_days": _whole,
    "calls_max": _whole,
    "usage_warn": _percent,
    "deadline_seconds": _seconds,
}
