"""Schemas, functions, routes and crons named by text: a JSON file, or ``module:attribute`` of Python code."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from convex_mastra_emulator.errors import EmulatorError
from convex_mastra_emulator.runtime.crons import Crons
from convex_mastra_emulator.runtime.functions import Function
from convex_mastra_emulator.runtime.http_router import HttpRouter
from convex_mastra_emulator.schema import Schema


class SourceError(EmulatorError):
    """What a text names cannot be had; the text says why."""


def load_attribute(source: str) -> object:
    """The attribute ``module:attribute`` of Python code; modules of the current folder are found, too.

    Raises:
        SourceError: when there is none, saying why.
    """
    module, colon, attribute = source.partition(":")
    if not colon:
        raise SourceError(f"{source!r} is neither a file nor `module:attribute`")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return getattr(importlib.import_module(module), attribute)
    except Exception as error:  # importing a module runs its code, which may raise anything
        raise SourceError(f"{source!r}: {type(error).__name__}: {error}") from None


def load_schema(source: str | Path) -> Schema:
    """The schema in a JSON file of ``schema.export()``, or the attribute ``module:attribute`` of Python code.

    Raises:
        SourceError: when there is none, saying why.
    """
    path = Path(source)
    if not path.is_file():
        schema = load_attribute(str(source))
        if not isinstance(schema, Schema):
            raise SourceError(f"{source!r} must be a Schema, got {type(schema).__name__}")
        return schema
    if path.suffix in (".ts", ".js"):
        raise SourceError(
            f"{str(source)!r} is deployed with the functions beside it, by `--deploy {path.parent}` or "
            "`emulator.deploy()`"
        )
    try:
        return Schema.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (EmulatorError, ValueError, OSError) as error:
        raise SourceError(f"{str(source)!r}: {type(error).__name__}: {error}") from None


def load_functions(source: str) -> dict[str, Function]:
    """The functions of a mapping ``module:attribute`` from paths to functions.

    Raises:
        SourceError: when it is none.
    """
    functions = load_attribute(source)
    if not isinstance(functions, Mapping):
        raise SourceError(f"{source!r} must be a mapping of paths to functions, got {type(functions).__name__}")
    for path, function in functions.items():
        if not isinstance(function, Function):
            raise SourceError(
                f"{source!r}: {path!r}: function must be made by query(...), mutation(...) or action(...), "
                f"got {type(function).__name__}"
            )
    return dict(functions)


def load_router(source: str) -> HttpRouter:
    """The HTTP actions of a router ``module:attribute``.

    Raises:
        SourceError: when it is none.
    """
    router = load_attribute(source)
    if not isinstance(router, HttpRouter):
        raise SourceError(f"{source!r} must be an HttpRouter, got {type(router).__name__}")
    return router


def load_crons(source: str) -> Crons:
    """The crons ``module:attribute``.

    Raises:
        SourceError: when they are none.
    """
    crons = load_attribute(source)
    if not isinstance(crons, Crons):
        raise SourceError(f"{source!r} must be Crons, got {type(crons).__name__}")
    return crons
