"""Recordings: what a test asked a deployment and what that answered, to hold another deployment to it later.

    recording = Recording(test="tests/test_memory.py::test_pages", target="oracle", versions={"convex-test": "0.0.60"})
    deployment = RecordingDeployment(connect(url), recording)
    …
    recording.save(folder)

Values are kept in encoded form, and what the deployment chose itself (ids, creation times, cursors) as numbered
references, see :mod:`~convex_mastra_emulator.values.references`.  Keys, tokens and the deployment's URL do not get in.

The recordings in ``tests/recordings`` come from the oracle; ``python -m tests.recordings.record`` writes them anew.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast

from convex import ConvexError

from convex_mastra_emulator import Clock, Deployment, FunctionError, SystemClock
from convex_mastra_emulator.errors import InvalidValue, RequestRefused, UnsupportedType
from convex_mastra_emulator.limits import DEFAULT_LIMITS
from convex_mastra_emulator.runtime.arguments import python_arguments
from convex_mastra_emulator.values.codec import encode
from convex_mastra_emulator.values.references import ISO_TIME, References
from pytest_mastra_convex.recording_files import MalformedRecording, file_name, read_json_files, write_whole

__all__ = ["Answer", "Exchange", "MalformedRecording", "Recording", "RecordingDeployment", "load_recordings"]

Kind = Literal["query", "mutation", "action"]
KINDS: tuple[Kind, ...] = ("query", "mutation", "action")
ERROR_CLASSES = ("FunctionError", "ConvexError", "RequestRefused")
FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a call ended, in encoded form: with a value, or with an error.

    Attributes:
        value: what it returned.
        error: the error's class, ``FunctionError``, ``ConvexError`` or ``RequestRefused``; None for a value.
        text: of the error, as a client sees it.
        data: what a ``ConvexError`` carried.
        code: the machine code of a ``RequestRefused``.
        log_lines: what a failed function had logged, if its deployment tells.
    """

    value: Any = None
    error: str | None = None
    text: str = ""
    data: Any = None
    code: str = ""
    log_lines: tuple[str, ...] = ()

    @classmethod
    def of_error(cls, error: Exception) -> Answer:
        """The answer that reached the caller as ``error``."""
        if isinstance(error, ConvexError):
            return cls(error="ConvexError", text=str(error), data=encode(error.data))
        if isinstance(error, FunctionError):
            return cls(error="FunctionError", text=str(error), log_lines=error.log_lines)
        assert isinstance(error, RequestRefused)
        return cls(error="RequestRefused", text=error.message, code=error.code)

    def to_json(self) -> dict[str, Any]:
        """The fields of an exchange's JSON; an error has only those it needs."""
        if self.error is None:
            return {"value": self.value}
        error: dict[str, Any] = {"class": self.error, "text": self.text}
        if self.error == "ConvexError":
            error["data"] = self.data
        if self.error == "RequestRefused":
            error["code"] = self.code
        if self.log_lines:
            error["logLines"] = list(self.log_lines)
        return {"error": error}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One call and its answer.

    Attributes:
        kind: ``query``, ``mutation`` or ``action``.
        path: the function's.
        args: in encoded form.
        answer: how it ended.
        at_ms: when it was called, counted from the first call of the recording.
    """

    kind: Kind
    path: str
    args: Any
    answer: Answer
    at_ms: int = 0

    def to_json(self) -> dict[str, Any]:
        """What is written; ``atMs`` only where time has passed."""
        at = {"atMs": self.at_ms} if self.at_ms else {}
        return {"kind": self.kind, "path": self.path, **at, "args": self.args, **self.answer.to_json()}


@dataclass(slots=True, kw_only=True)
class Recording:
    """The exchanges of one test.

    Attributes:
        test: its node id.
        target: what kind of deployment answered: ``live`` or ``oracle``.
        versions: of what answered, by name.
        secrets: texts that must not be written, by the names that stand for them, for example
            ``{"prefix": "run-7f3a-"}`` for ``<prefix>``.
        date: when the first call was made, ``2026-11-21T12:00:00.000Z``; empty before that.
        exchanges: in the order of their answers.
        references: those given so far.
        is_whole: False when a call got no answer, so that nobody knows what it did.
    """

    test: str
    target: str
    versions: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    date: str = ""
    exchanges: list[Exchange] = field(default_factory=list)
    references: References = field(init=False, repr=False)
    is_whole: bool = field(default=True, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        self.references = References(secrets=self.secrets)

    @property
    def started_seconds(self) -> float:
        """When the first call was made, for the clock of whoever replays; 0 without one."""
        return datetime.fromisoformat(self.date).timestamp() if self.date else 0.0

    def add(self, kind: Kind, path: str, args: Any, answer: Answer, *, started_ms: int, ended_ms: int) -> None:
        """Adds an exchange, args and answer in encoded form, times in milliseconds since the Unix epoch."""
        references = self.references
        with self._lock:
            if not self.date:
                moment = datetime.fromtimestamp(started_ms / 1000, UTC)
                self.date = f"{moment:%Y-%m-%dT%H:%M:%S}.{started_ms % 1000:03d}Z"
            written_args = references.in_arguments(args)
            written = Answer(
                value=references.in_answer(answer.value, ended_ms),
                error=answer.error,
                text=references.in_answer(answer.text, ended_ms),
                data=references.in_answer(answer.data, ended_ms),
                code=answer.code,
                log_lines=tuple(references.in_answer(list(answer.log_lines), ended_ms)),
            )
            at_ms = max(0, started_ms - round(self.started_seconds * 1000))
            self.exchanges.append(Exchange(kind=kind, path=path, args=written_args, answer=written, at_ms=at_ms))

    def to_json(self) -> dict[str, Any]:
        """What is written; times are numbered in their order."""
        exchanges = [self.references.in_order_of_time(exchange.to_json()) for exchange in self.exchanges]
        return {
            "format": FORMAT,
            "test": self.test,
            "target": self.target,
            "date": self.date,
            "versions": dict(sorted(self.versions.items())),
            "exchanges": exchanges,
        }

    def save(self, folder: Path | str) -> Path | None:
        """Writes the recording to a file of its test in ``folder``.

        Returns:
            The file; None, and nothing is written, if there were no calls or one of them got no answer.
        """
        if not self.exchanges or not self.is_whole:
            return None
        path = Path(folder) / file_name(self.test)
        write_whole(path, self.to_json())
        return path

    @classmethod
    def from_json(cls, json_value: Any, *, where: str = "recording") -> Recording:
        """Reads what :meth:`to_json` gives.

        Raises:
            MalformedRecording: naming ``where`` and the field.
        """
        reader = _Reader(where)
        fields = reader.fields(json_value, "", "format", "test", "target", "date", "versions", "exchanges")
        if fields["format"] != FORMAT:
            raise reader.fault("format", f"must be {FORMAT}, got {fields['format']!r}")
        versions = fields["versions"]
        if not isinstance(versions, dict) or not all(isinstance(text, str) for text in versions.values()):
            raise reader.fault("versions", f"must be texts by name, got {versions!r}")
        if not ISO_TIME.fullmatch(reader.text(fields["date"], "date")):
            raise reader.fault("date", f"must be like 2026-11-21T12:00:00.000Z, got {fields['date']!r}")
        return cls(
            test=reader.text(fields["test"], "test"),
            target=reader.text(fields["target"], "target"),
            date=fields["date"],
            versions=versions,
            exchanges=[
                reader.exchange(item, f"exchanges[{number}]")
                for number, item in enumerate(reader.items(fields["exchanges"], "exchanges"))
            ],
        )


class RecordingDeployment:
    """A deployment all of whose calls are recorded; several may share one recording.

    Args:
        inner: the deployment that answers.
        recording: takes the exchanges.
        clock: says when calls are made; the machine's unless the deployment's time is fixed.
    """

    def __init__(self, inner: Deployment, recording: Recording, *, clock: Clock | None = None) -> None:
        self._inner = inner
        self._recording = recording
        self._clock = clock or SystemClock()
        url = getattr(inner, "url", None)
        if isinstance(url, str) and url:
            recording.references.keep_out("url", url)

    def query(self, path: str, args: Any = None) -> Any:
        """Runs a query and returns its value; raises what the deployment does."""
        return self._call("query", path, args)

    def mutation(self, path: str, args: Any = None) -> Any:
        """Runs a mutation and returns its value; raises what the deployment does."""
        return self._call("mutation", path, args)

    def action(self, path: str, args: Any = None) -> Any:
        """Runs an action and returns its value; raises what the deployment does."""
        return self._call("action", path, args)

    def _call(self, kind: Kind, path: str, args: Any) -> Any:
        call = getattr(self._inner, kind)
        try:
            sent = encoded_arguments(args)
        except UnsupportedType:
            # No deployment sees these; the inner one says so.
            return call(path, args)
        started_ms = self._now_ms()
        try:
            value = call(path, args)
        except (FunctionError, ConvexError, RequestRefused) as error:
            self._add(kind, path, sent, Answer.of_error(error), started_ms)
            raise
        except BaseException:
            # No answer: the call may have been carried out or not.
            self._recording.is_whole = False
            raise
        self._add(kind, path, sent, Answer(value=encode(value)), started_ms)
        return value

    def _add(self, kind: Kind, path: str, args: Any, answer: Answer, started_ms: int) -> None:
        self._recording.add(kind, path, args, answer, started_ms=started_ms, ended_ms=self._now_ms())

    def _now_ms(self) -> int:
        return self._clock.now_ns() // 1_000_000


def load_recordings(folder: Path | str) -> list[Recording]:
    """The recordings of a folder, by the names of their files.

    Raises:
        MalformedRecording: naming file and field.
        FileNotFoundError: if there is no such folder.
    """
    return [Recording.from_json(value, where=path.name) for path, value in read_json_files(Path(folder))]


def encoded_arguments(args: Any) -> Any:
    """Arguments in encoded form, also such as no deployment takes: it is the deployment that refuses them.

    Raises:
        UnsupportedType: for what is no Convex value at all, which is never sent.
    """
    try:
        [measured] = python_arguments(args)(DEFAULT_LIMITS)
    except UnsupportedType:
        raise
    except InvalidValue:
        return encode(args)
    return encode(measured.value)


class _Reader:
    """Checks the parts of a file; every fault names the file and the field."""

    def __init__(self, where: str) -> None:
        self._where = where

    def fault(self, name: str, problem: str) -> MalformedRecording:
        return MalformedRecording(f"{self._where}: {name or 'the file'} {problem}")

    def fields(self, value: Any, name: str, *needed: str, optional: tuple[str, ...] = ()) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.fault(name, f"must be an object, got {value!r}")
        prefix = f"{name}." if name else ""
        for missing in needed:
            if missing not in value:
                raise self.fault(f"{prefix}{missing}", "is missing")
        for unknown in value.keys() - {*needed, *optional}:
            raise self.fault(f"{prefix}{unknown}", f"is not known; there are {', '.join((*needed, *optional))}")
        return value

    def text(self, value: Any, name: str) -> str:
        if not isinstance(value, str):
            raise self.fault(name, f"must be a text, got {value!r}")
        return value

    def items(self, value: Any, name: str) -> list[Any]:
        if not isinstance(value, list):
            raise self.fault(name, f"must be a list, got {value!r}")
        return value

    def exchange(self, value: Any, name: str) -> Exchange:
        fields = self.fields(value, name, "kind", "path", "args", optional=("atMs", "value", "error"))
        kind, at_ms = fields["kind"], fields.get("atMs", 0)
        if kind not in KINDS:
            raise self.fault(f"{name}.kind", f"must be one of {', '.join(KINDS)}, got {kind!r}")
        if isinstance(at_ms, bool) or not isinstance(at_ms, (int, float)) or at_ms < 0:
            raise self.fault(f"{name}.atMs", f"must be milliseconds, got {at_ms!r}")
        if ("value" in fields) == ("error" in fields):
            raise self.fault(name, "must have either a value or an error")
        answer = Answer(value=fields["value"]) if "value" in fields else self._error(fields["error"], f"{name}.error")
        path = self.text(fields["path"], f"{name}.path")
        return Exchange(kind=cast("Kind", kind), path=path, args=fields["args"], answer=answer, at_ms=int(at_ms))

    def _error(self, value: Any, name: str) -> Answer:
        fields = self.fields(value, name, "class", "text", optional=("data", "code", "logLines"))
        if fields["class"] not in ERROR_CLASSES:
            raise self.fault(f"{name}.class", f"must be one of {', '.join(ERROR_CLASSES)}, got {fields['class']!r}")
        lines = self.items(fields.get("logLines", []), f"{name}.logLines")
        return Answer(
            error=fields["class"],
            text=self.text(fields["text"], f"{name}.text"),
            data=fields.get("data"),
            code=self.text(fields.get("code", ""), f"{name}.code"),
            log_lines=tuple(self.text(line, f"{name}.logLines") for line in lines),
        )
