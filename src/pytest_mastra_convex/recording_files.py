"""Recordings on disk: one pretty JSON file per test, written as a whole or not at all.

What is short stands on one line, so that a vector is not a page long and a change of one value is a change of one line.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_LINE_SIZE_MAX = 120
_NAME_SIZE_MAX = 150  # file systems end at 255 bytes, and the temporary file's name is longer
_SURROGATE = re.compile("[\ud800-\udfff]")
_SAFE_NAME = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)


class MalformedRecording(ValueError):
    """A file that holds no recording; the text names the file and the field."""


def file_name(test: str) -> str:
    """The name of a test's file: of its node id, and of a hash when letters had to go."""
    name = test.replace("::", "--").replace("/", ".")
    if _SAFE_NAME.fullmatch(name) and len(name) <= _NAME_SIZE_MAX:
        return f"{name}.json"
    safe = re.sub(r"[^A-Za-z0-9.-]+", "_", name).strip("_.-")[:_NAME_SIZE_MAX]
    return f"{safe}-{hashlib.sha256(test.encode()).hexdigest()[:8]}.json"


def write_whole(path: Path, json_value: Any) -> None:
    """Writes a JSON file; whoever reads it meanwhile sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:_NAME_SIZE_MAX]}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(pretty(json_value) + "\n")
        # mkstemp lets only the owner read; a recording is a file like any other.
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_json_files(folder: Path) -> Iterator[tuple[Path, Any]]:
    """Every JSON file of a folder, by name.

    Raises:
        MalformedRecording: if one is no JSON.
        FileNotFoundError: if there is no such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    for path in sorted(folder.glob("*.json")):
        try:
            yield path, json.loads(path.read_text(encoding="utf-8"), parse_int=float)
        except ValueError as error:
            raise MalformedRecording(f"{path.name} is no JSON: {error}") from None


def pretty(value: Any, indent: str = "", room_taken: int = 0) -> str:
    """JSON text in which what fits stands on one line; ``room_taken`` is what stands before it there."""
    line = _json_line(value)
    if not isinstance(value, (dict, list)) or not value or len(indent) + room_taken + len(line) <= _LINE_SIZE_MAX:
        return line
    deeper = f"{indent} "
    if isinstance(value, list):
        lines = [f"{deeper}{pretty(item, deeper)}" for item in value]
        return "[\n" + ",\n".join(lines) + f"\n{indent}]"
    names = {name: f"{_json_line(name)}: " for name in value}
    lines = [f"{deeper}{names[name]}{pretty(item, deeper, len(names[name]))}" for name, item in value.items()]
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"


def _json_line(value: Any) -> str:
    # Half a character, which the oracle takes, cannot be written as UTF-8.
    line = json.dumps(_plain(value), ensure_ascii=False, allow_nan=False)
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def _plain(value: Any) -> Any:
    """The value with 1 for 1.0: both read back as a Float64."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value
