"""Paths of functions: ``messages:list``, ``messages.js:list``, ``messages``.

convex-backend crates/convex/sync_types/src/udf_path.rs, module_path.rs, path.rs
(convex-engine.md §10.1, checked 2026-11-21).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from convex_mastra_emulator.errors import InvalidArgument, RequestRefused
from convex_mastra_emulator.values.names import identifier_problem

_COMPONENT_LENGTH_MAX = 64
_REMEMBERED_LENGTH_MAX = 512
_COMPONENT = re.compile(r"[A-Za-z0-9_.]*\Z")


@dataclass(frozen=True, slots=True)
class FunctionPath:
    """The one name of a function."""

    module: str
    """With its ``.js``."""
    function: str

    @property
    def canonical(self) -> str:
        """``mastra/storage.js:handle``."""
        return f"{self.module}:{self.function}"

    @property
    def stripped(self) -> str:
        """``mastra/storage:handle``; a default export is named by its module alone."""
        module = self.module.removesuffix(".js")
        return module if self.function == "default" else f"{module}:{self.function}"

    @property
    def is_system(self) -> bool:
        """Whether it is one of the deployment's own functions."""
        return self.module.startswith("_system/")


def parse_path(path: str) -> FunctionPath:
    """Reads a path in any of its forms.

    Raises:
        RequestRefused: ``BadConvexFunctionIdentifier``.
    """
    read = _look_up(path)
    if isinstance(read, str):
        raise RequestRefused(
            f"{path} is not a valid path to a Convex function. {read}", code="BadConvexFunctionIdentifier"
        )
    return read


def parse_inner_path(path: str, call: str) -> FunctionPath:
    """Reads the path of a function that another function calls.

    Args:
        path: the path in any of its forms.
        call: how the deployment names the call: ``runUdf`` in queries and mutations, ``runQuery`` and the like in
            actions (crates/isolate/src/environment/action/async_syscall.rs ``parse_name_or_reference``).

    Raises:
        InvalidArgument: if ``path`` is none.
    """
    read = _look_up(path)
    if isinstance(read, str):
        raise InvalidArgument(f"Invalid arguments for `{call}`: {read}")
    return read


def parse_module_path(path: str) -> str:
    """Reads the path of a module, such as ``messages.js``; it leads nowhere out of the folder of modules.

    Raises:
        InvalidArgument: if ``path`` is none, with the deployment's text.
    """
    problem = _module_problem(path)
    if problem is not None:
        raise InvalidArgument(problem)
    return _canonical_module(path)


def _look_up(path: str) -> FunctionPath | str:
    # What anybody may send must not stay in memory because of its length.
    return _read_once(path) if len(path) <= _REMEMBERED_LENGTH_MAX else _read(path)


@lru_cache(maxsize=1024)
def _read_once(path: str) -> FunctionPath | str:
    return _read(path)


def _read(path: str) -> FunctionPath | str:
    """The path, or the problem with it."""
    module, colon, function = path.rpartition(":")
    if not colon:
        module, function = path, "default"
    problem = _module_problem(module) or identifier_problem(function)
    if problem is not None:
        return problem
    return FunctionPath(_canonical_module(module), function)


def _canonical_module(module: str) -> str:
    module = "/".join(part for part in module.split("/") if part not in ("", "."))
    name = module.rsplit("/", 1)[-1]
    return module if _extension(name) else f"{module}.js"


def _extension(name: str) -> str | None:
    """As Rust's ``Path::extension``: none for ``.a`` and for names without a dot."""
    stem, dot, extension = name.rpartition(".")
    return extension if dot and stem else None


def _module_problem(module: str) -> str | None:
    parts = [part for part in module.split("/") if part not in ("", ".")]
    if not parts or parts[-1] == "..":
        return f"Module path {module} doesn't have a filename."
    extension = _extension(parts[-1])
    if extension is not None and extension != "js":
        return f"Module path ({module}) has an extension that isn't 'js'."
    if module.startswith("/"):
        return f"Module paths must be relative ({module} is absolute)."
    if module.startswith("./"):
        return f"Invalid path component CurDir in {module}."
    if ".." in parts:
        return f"Invalid path component ParentDir in {module}."
    canonical = [*parts[:-1], parts[-1] if extension else f"{parts[-1]}.js"]
    return next((problem for problem in map(_component_problem, canonical) if problem is not None), None)


def _component_problem(part: str) -> str | None:
    if len(part) > _COMPONENT_LENGTH_MAX:
        shown = part[:_COMPONENT_LENGTH_MAX]
        return f"Path component is too long ({len(part)} > maximum {_COMPONENT_LENGTH_MAX}): {shown}..."
    if not _COMPONENT.match(part):
        return f"Path component {part} can only contain alphanumeric characters, underscores, or periods."
    if not any(char.isalnum() for char in part):
        return f"Path component {part} must have at least one alphanumeric character."
    return None
