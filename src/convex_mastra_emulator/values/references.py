"""Numbered references: what a deployment chose itself, written so that sameness is kept while values are not.

    <id:1>        the first document id that the deployment gave
    <time:2>      the second earliest of its creation times; the numbers are in the order of time
    <cursor:1>    the first place in a query that it gave
    <request:1>   the request id in the text of an error
    <now:ms>      what its clock said, as a number; <now:iso> as ISO text
    <url>, <key>, <token> and the names of given secrets
    <lt>          a "<" that would begin one of these

Ids, cursors and times are references wherever they turn up again: in arguments, inside longer texts, in JSON text.
What a test sent before the deployment gave it is the test's own and stays as it is.  Readings of a clock carry no
number: two of one millisecond on one deployment are two of two milliseconds on another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from convex_mastra_emulator.errors import InvalidValue
from convex_mastra_emulator.values.ids import decode_id

REFERENCE = re.compile(r"<(?P<kind>id|time|cursor|request):(?P<number>\d+)>|<now:(?P<now>ms|iso)>|<(?P<less>lt)>")
ISO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
CREATION_TIME = "_creationTime"
# The encoded form's one-key objects (convex-engine.md §1.2); there is nothing to refer to in base64 text.
TAGS = frozenset({"$integer", "$float", "$bytes"})

# npm @mastra/convex 1.5.2, the only readings of the server's clock that a caller can see: `updatedAt` of a workflow
# snapshot after a merge, `updated_at` of a schedule that fired, `timestamp` of a snapshot that a merge had to make.
VOLATILE_FIELDS = frozenset({"updatedAt", "updated_at", "timestamp"})
# convex-js PaginationResult and PaginationOptions; `continuationCursor` is npm @mastra/convex 1.5.2's.
CURSOR_FIELDS = frozenset({"cursor", "endCursor", "continueCursor", "splitCursor", "continuationCursor"})

# How far the deployment's clock may be from the recorder's, plus the time that a call may take.
CLOCK_SKEW_MS = 60_000
# A shorter cursor may stand in a text by chance.
_CURSOR_SIZE_IN_TEXT_MIN = 16
_EARLIEST_TIME_MS = 1e12  # thirteen digits: September 2001

_TIME_REFERENCE = re.compile(r"<time:(\d+)>")
_LOOKS_LIKE_REFERENCE = re.compile(r"<(?=(?:id|time|cursor|request):\d+>|now:(?:ms|iso)>|lt>)")
_SECRET_NAME = re.compile(r"[a-z][a-z_]*")

# convex-test 0.0.60 `_generateId`: a counter from 10000, the table's name, 32 characters or more.
_ORACLE_ID = re.compile(r"(?=\w{32})\d{5,}[A-Za-z_]\w*")
_MOMENT = rf"\d{{13}}(?:\.\d+)?|{ISO_TIME.pattern}"
_CANDIDATE = re.compile(
    rf"""
      (?<![\w:-]) (?P<key> [\w:-]+\|[\w+/=-]{{32,}} )                # deploy and admin keys: name|secret
    | (?P<token> \beyJ[\w-]+\.[\w-]+\.[\w-]* )                        # JSON Web Tokens
    | (?P<url> \b(?:https?|wss?)://(?:[\w.-]+\.convex\.(?:cloud|site)|127\.0\.0\.1|localhost)(?::\d+)? )
    | (?<=\[Request\ ID:\ ) (?P<request> [^\]]+ ) (?=\])
    | (?<=") (?P<field> \w+ ) (?P<colon> \\*":\s?(?:\\*")? ) (?P<value> {_MOMENT} ) (?![\w.])   # inside JSON text
    | (?<![\w.-]) (?P<moment> {_MOMENT} ) (?![\w.-])
    | (?<!\w) (?P<id> \w{{31,}} ) (?!\w)
    """,
    re.VERBOSE | re.ASCII,
)


def is_document_id(text: str) -> bool:
    """Whether a text is an id of a deployment or of convex-test."""
    if _ORACLE_ID.fullmatch(text):
        return True
    try:
        decode_id(text)
    except InvalidValue:
        return False
    return True


def time_in_text(text: str) -> float:
    """The milliseconds of a number or an ISO time in a text."""
    return datetime.fromisoformat(text).timestamp() * 1000 if ISO_TIME.fullmatch(text) else float(text)


class References:
    """Gives values their references, in the order in which they turn up.

    Args:
        secrets: texts that must not be written, by the names that stand for them.
        volatile: the fields whose times are readings of the deployment's clock.

    Raises:
        ValueError: for a secret without text, or a name that is not of lower-case letters and ``_``.
    """

    def __init__(self, *, secrets: Mapping[str, str] | None = None, volatile: Iterable[str] = VOLATILE_FIELDS) -> None:
        self._volatile = frozenset(volatile)
        self._numbers: dict[str, dict[Any, int]] = {"id": {}, "time": {}, "cursor": {}, "request": {}}
        self._own: set[str] = set()
        self._own_times: set[float] = set()
        self._fixed: dict[str, str] = {}
        self._fixed_pattern: re.Pattern[str] | None = None
        for name, text in (secrets or {}).items():
            self.keep_out(name, text)

    def keep_out(self, name: str, secret: str) -> None:
        """From now on ``<name>`` stands for a text.

        Raises:
            ValueError: if there is no text, or the name is not of lower-case letters and ``_``.
        """
        if not secret or not _SECRET_NAME.fullmatch(name) or name == "lt":
            raise ValueError(f"secrets need a text and a name of lower-case letters and _, got {name!r}")
        self._fix(secret, f"<{name}>")

    def in_arguments(self, encoded: Any) -> Any:
        """Arguments in encoded form with references for what the deployment gave before; the rest is the test's own."""
        return self._hidden("", encoded, None)

    def in_answer(self, encoded: Any, now_ms: float) -> Any:
        """An answer in encoded form, or a text of one, with references; ``now_ms`` is the recorder's time."""
        return self._hidden("", encoded, now_ms)

    def in_order_of_time(self, written: Any) -> Any:
        """What :meth:`in_arguments` and :meth:`in_answer` gave, with times numbered in their order, once all are seen.

        Without any time seen it stays as it is: what was read from a file has these numbers already.
        """
        times = self._numbers["time"]
        numbers = {times[value]: place for place, value in enumerate(sorted(times), 1)}
        return _with_time_numbers(written, numbers) if numbers else written

    def _hidden(self, name: str, value: Any, now_ms: float | None) -> Any:
        """The value of the field ``name``; ``now_ms`` is None in arguments."""
        if isinstance(value, dict):
            if len(value) == 1 and TAGS.issuperset(value):
                return value
            return {self._text(key, None): self._hidden(key, item, now_ms) for key, item in value.items()}
        if isinstance(value, list):
            return [self._hidden(name, item, now_ms) for item in value]
        if isinstance(value, str):
            if name in CURSOR_FIELDS:
                return self._cursor(value, is_answer=now_ms is not None)
            if ISO_TIME.fullmatch(value):
                return self._moment(name, value, now_ms) or value
            return self._text(value, now_ms)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return self._moment(name, value, now_ms) or value
        return value

    def _moment(self, name: str, value: float | str, now_ms: float | None) -> str | None:
        """The reference of a time in the field ``name``, if it has one."""
        ms = time_in_text(value) if isinstance(value, str) else float(value)
        known = self._numbers["time"].get(ms)
        if name == CREATION_TIME and now_ms is not None and ms not in self._own_times:
            return self._reference("time", ms)
        # Nobody makes up parts of a millisecond: such a number is the time of a document wherever it stands.
        if known is not None and (name == CREATION_TIME or (now_ms is None and not ms.is_integer())):
            return f"<time:{known}>"
        if now_ms is None:
            if ms >= _EARLIEST_TIME_MS:
                self._own_times.add(ms)
        elif name in self._volatile and ms not in self._own_times and abs(ms - now_ms) <= CLOCK_SKEW_MS:
            return "<now:iso>" if isinstance(value, str) else "<now:ms>"
        return None

    def _cursor(self, text: str, *, is_answer: bool) -> str:
        known = text in self._numbers["cursor"]
        if not known and (not is_answer or text in self._own):
            self._own.add(text)
            return _escaped(text)
        reference = self._reference("cursor", text)
        if len(text) >= _CURSOR_SIZE_IN_TEXT_MIN:
            self._fix(text, reference)
        return reference

    def _text(self, text: str, now_ms: float | None) -> str:
        """A text with references for everything in it that has one."""
        pieces, end = [], 0
        for found in self._fixed_pattern.finditer(text) if self._fixed_pattern else ():
            pieces += [self._piece(text[end : found.start()], now_ms), self._fixed[found[0]]]
            end = found.end()
        return "".join([*pieces, self._piece(text[end:], now_ms)])

    def _piece(self, text: str, now_ms: float | None) -> str:
        pieces, end = [], 0
        for found in _CANDIDATE.finditer(text):
            reference = self._found(found, now_ms)
            if reference is not None:
                pieces += [_escaped(text[end : found.start()]), reference]
                end = found.end()
        return "".join([*pieces, _escaped(text[end:])])

    def _found(self, found: re.Match[str], now_ms: float | None) -> str | None:
        """What stands for a candidate in a text; None lets it stand."""
        kind, text = found.lastgroup, found[0]
        if kind in ("key", "token", "url"):
            return f"<{kind}>"
        if kind == "request":
            return self._reference("request", text)
        if kind == "value":
            reference = self._moment(found["field"], _as_in_json(found), now_ms) or self._known_time(found["value"])
            return f"{found['field']}{found['colon']}{reference}" if reference else None
        if kind == "moment":
            self._moment("", time_in_text(text), now_ms)
            # A text that is nothing but a time stays one: its reference would read as a number.
            return None if text == found.string else self._known_time(text)
        return self._id(text, is_answer=now_ms is not None)

    def _known_time(self, text: str) -> str | None:
        number = None if ISO_TIME.fullmatch(text) else self._numbers["time"].get(float(text))
        return None if number is None else f"<time:{number}>"

    def _id(self, text: str, *, is_answer: bool) -> str | None:
        if text in self._numbers["id"]:
            return self._reference("id", text)
        if text in self._own or not is_document_id(text):
            return None
        if not is_answer:
            self._own.add(text)
            return None
        return self._reference("id", text)

    def _reference(self, kind: str, value: Any) -> str:
        numbers = self._numbers[kind]
        return f"<{kind}:{numbers.setdefault(value, len(numbers) + 1)}>"

    def _fix(self, text: str, reference: str) -> None:
        if text in self._fixed:
            return
        self._fixed[text] = reference
        longest_first = sorted(self._fixed, key=len, reverse=True)
        self._fixed_pattern = re.compile("|".join(map(re.escape, longest_first)))


def _with_time_numbers(value: Any, numbers: Mapping[int, int]) -> Any:
    if isinstance(value, dict):
        return {name: _with_time_numbers(item, numbers) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_time_numbers(item, numbers) for item in value]
    if isinstance(value, str):
        return _TIME_REFERENCE.sub(lambda found: f"<time:{numbers[int(found[1])]}>", value)
    return value


def _as_in_json(found: re.Match[str]) -> float | str:
    """A moment inside JSON text: text if it stands in quotes."""
    return found["value"] if ISO_TIME.fullmatch(found["value"]) else float(found["value"])


def _escaped(text: str) -> str:
    """A text none of which reads as a reference."""
    return _LOOKS_LIKE_REFERENCE.sub("<lt>", text)
