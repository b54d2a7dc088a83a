"""What reads bytes of strangers, each as a function of bytes that raises only if something is wrong.

`test_readers.py` gives them what Hypothesis makes up, `coverage_guided.py` what atheris does.
"""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

from convex_mastra_emulator import Emulator, action, mutation, query
from convex_mastra_emulator.data.csv_rows import csv_rows
from convex_mastra_emulator.data.import_zip import tables_of_export, zip_entries
from convex_mastra_emulator.data.json_lines import exported_lines, json_array, json_lines
from convex_mastra_emulator.data.rows import RowFile
from convex_mastra_emulator.data.table_import import TableImport, import_tables
from convex_mastra_emulator.database.pagination import CursorCodec
from convex_mastra_emulator.errors import DeploymentError, EmulatorError, InvalidQuery, InvalidValue
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.protocol.api import DeploymentApi
from convex_mastra_emulator.protocol.auth import Authenticator, read_authorization
from convex_mastra_emulator.protocol.client_version import parse_client_version
from convex_mastra_emulator.protocol.http_exchange import HttpRequest
from convex_mastra_emulator.protocol.messages import (
    batch_request,
    call_request,
    read_json_body,
    timestamp_of,
    timestamp_text,
)
from convex_mastra_emulator.protocol.sync_messages import UnreadableMessage, read_message
from convex_mastra_emulator.protocol.sync_outputs import Close, RunAction
from convex_mastra_emulator.runtime.paths import parse_path
from convex_mastra_emulator.runtime.tokens import AuthProvider, provider_of_tests, verify_token
from convex_mastra_emulator.values.codec import decode, decode_measured, encode
from convex_mastra_emulator.values.ids import decode_id, decode_legacy_id, encode_id
from convex_mastra_emulator.values.json_text import JsonTextError, parse_export_json, parse_json, write_json

LIMITS = Limits()
KEY = "fuzz|key"
SECRET = "fuzz" * 16
CURSORS = CursorCodec(b"key")
STATUSES = {200, 400, 401, 403, 404, 405, 500, 503}


def text_of(data: bytes) -> str:
    """Text as a header or a frame may hold it."""
    return data.decode("utf-8", "replace")


TOKEN_CODES = ("InvalidAuthHeader", "NoAuthProvider", "Unauthenticated")


@contextmanager
def refused_as(*codes: str) -> Iterator[None]:
    """Lets refusals with these codes pass, unless they tell a key."""
    try:
        yield
    except DeploymentError as error:
        if error.code not in codes or KEY in error.message or SECRET in error.message:
            raise


def json_text(data: bytes) -> None:
    for parse in (parse_json, parse_export_json):
        try:
            value = parse(text_of(data))
        except JsonTextError:
            continue
        if parse is parse_json:
            assert parse(write_json(value)) == value


def values(data: bytes) -> None:
    try:
        value = decode_measured(parse_json(text_of(data)), LIMITS).value
    except (JsonTextError, InvalidValue):
        return
    text = write_json(encode(value))
    assert write_json(encode(decode(parse_json(text), LIMITS))) == text


def bodies(data: bytes) -> None:
    request = HttpRequest(method="POST", path="/", headers={"content-type": "application/json"}, body=data)
    for read in (call_request, batch_request, lambda body: timestamp_of(timestamp_text(body))):
        with refused_as("BadJsonBody", "InternalServerError"):
            read(read_json_body(request, 1 << 20))


def cursors(data: bytes) -> None:
    try:
        position = CURSORS.read(text_of(data))
    except InvalidQuery:
        return
    assert CURSORS.read(CURSORS.write(position.key, position.fingerprint)) == position


def ids(data: bytes) -> None:
    text = text_of(data)
    decode_legacy_id(text)
    try:
        number, internal = decode_id(text)
    except InvalidValue:
        return
    assert encode_id(number, internal) == text


def paths(data: bytes) -> None:
    with refused_as("BadConvexFunctionIdentifier"):
        path = parse_path(text_of(data))
        assert parse_path(path.canonical) == path
        assert ".." not in path.module.split("/")


def client_versions(data: bytes) -> None:
    with refused_as("InvalidClientVersion"):
        client = parse_client_version(text_of(data))
        assert client.default_format in ("json", "convex_encoded_json")
        assert client.unsupported_message != ""
        assert all("\n" not in value or "\n" in text_of(data) for _, value in client.deprecation_headers)


def authorizations(data: bytes) -> None:
    header = data.decode("latin-1")
    authenticator = Authenticator(KEY, lambda token: verify_token(token, [provider_of_tests(SECRET)], 1.7e9))
    for given in ((header, None), (None, header)):
        codes = ("HeaderParseFailure", "InvalidHeaderFailure", "InvalidAdminKey", "BadAdminKey", *TOKEN_CODES)
        with refused_as(*codes):
            identity = authenticator.identify(read_authorization(*given))
            assert not identity.is_admin or KEY.partition("|")[2] in header


def tokens(data: bytes) -> None:
    provider = AuthProvider(issuer="https://id.test", jwks={"keys": []})
    for trusted in (provider, provider_of_tests(SECRET)):
        with refused_as(*TOKEN_CODES):
            verify_token(text_of(data), [trusted], 1.7e9)


def sync_messages(data: bytes) -> None:
    with suppress(UnreadableMessage):
        read_message(text_of(data))


@cache
def deployment() -> DeploymentApi:
    emulator = Emulator(seed=1)
    emulator.define("notes:add", mutation(lambda ctx, args: ctx.db.insert("notes", {"args": args})))
    emulator.define("notes:page", query(lambda ctx, args: ctx.db.query("notes").take(2)))
    emulator.define("notes:echo", action(lambda ctx, args: args))
    return DeploymentApi(emulator, admin_key=KEY, instance_name="fuzz")


def sessions(data: bytes) -> None:
    """A whole socket: each line is a message; after the end nothing is sent."""
    open_session = deployment().sync_endpoint("/api/sync", None)
    assert open_session is not None
    session = open_session(lambda: None)
    for line in text_of(data).split("\n"):
        outputs = session.receive(line)
        if session.needs_update and not any(isinstance(output, Close) for output in outputs):
            outputs += session.update()
        for output in list(outputs):
            outputs += output.run() if isinstance(output, RunAction) else []
        texts = [output for output in outputs if isinstance(output, str)]
        assert all("Traceback" not in text and "type" in json.loads(text) for text in texts)
        if any(isinstance(output, Close) for output in outputs):
            break
    session.close()


def requests(data: bytes) -> None:
    """An HTTP request of five lines: method, path, query string, headers as JSON, body."""
    method, path, query_text, headers, body = (data.split(b"\n", 4) + 5 * [b""])[:5]
    try:
        given = json.loads(headers)
    except (ValueError, RecursionError):
        given = {}
    named = given.items() if isinstance(given, dict) else ()
    # What a parser of HTTP lets through is latin-1.
    sent = {str(name).lower(): str(value).encode("latin-1", "replace").decode("latin-1") for name, value in named}
    request = HttpRequest(
        method=method.decode("latin-1"),
        path=path.decode("ascii", "replace"),
        query=query_text.decode("ascii", "replace"),
        headers={"content-type": "application/json", **sent},
        body=body,
    )
    response, reports = deployment().http.handle(request)
    assert response.status in STATUSES
    assert b"Traceback" not in response.body
    assert all(report.line("1 ms").isprintable() for report in reports)
    if dict(response.headers).get("content-type") == "application/json":
        json.loads(response.body)


def _import(make: Callable[[], RowFile | TableImport]) -> None:
    """Everything is imported, or nothing."""
    emulator = Emulator(seed=1)
    with suppress(EmulatorError):
        read = make()
        tables = read if isinstance(read, TableImport) else TableImport({"notes": [read]})
        result = import_tables(emulator._executor, tables, mode="append")
        assert sum(result.added.values()) == sum(emulator.table_counts().values())
        return
    assert emulator.table_counts() == {}


def import_lines(data: bytes) -> None:
    for read in (json_lines, exported_lines):
        _import(lambda read=read: read("file", data))  # type: ignore[misc]
    _import(lambda: json_array("file", data, LIMITS))


def import_csv(data: bytes) -> None:
    _import(lambda: csv_rows("file", data, frozenset({"a"})))


def import_zip(data: bytes) -> None:
    """The bytes as a ZIP; what its files are called must not matter, as nothing of it goes to the disk."""
    _import(lambda: tables_of_export(zip_entries(data)))


def zip_of(entries: list[tuple[str, bytes]]) -> bytes:
    """A ZIP with these files, whatever their names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        json_text,
        values,
        bodies,
        cursors,
        ids,
        paths,
        client_versions,
        authorizations,
        tokens,
        sync_messages,
        sessions,
        requests,
        import_lines,
        import_csv,
        import_zip,
    )
}

SESSION = "e12e4ba6-2371-4018-a6c8-6cf56a737da3"
_MESSAGES: list[Any] = [
    {"type": "Connect", "sessionId": SESSION, "connectionCount": 0, "lastCloseReason": "x", "clientTs": 1},
    {"type": "Authenticate", "baseVersion": 0, "tokenType": "Admin", "value": KEY},
    {
        "type": "ModifyQuerySet",
        "baseVersion": 0,
        "newVersion": 1,
        "modifications": [{"type": "Add", "queryId": 0, "udfPath": "notes:page", "args": [{}], "journal": None}],
    },
    {"type": "Mutation", "requestId": 0, "udfPath": "notes:add", "args": [{"a": {"$integer": "AQAAAAAAAAA="}}]},
    {"type": "Action", "requestId": 1, "udfPath": "notes:echo", "args": [{}]},
    {
        "type": "ModifyQuerySet",
        "baseVersion": 1,
        "newVersion": 2,
        "modifications": [{"type": "Remove", "queryId": 0}],
    },
    {"type": "Authenticate", "baseVersion": 1, "tokenType": "None"},
    {"type": "Event", "eventType": "x", "event": {}},
]
_TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhIiwiZXhwIjo5OTk5OTk5OTk5fQ.AAAA"
_CALL = b'{"path":"notes:add","args":{"a":[1,null,{"$bytes":"AAAA"}]},"format":"json","ts":"AAAAAAAAAAA="}'
_ROWS = b'{"_id":"x","a":1,"b":{"$integer":"AQAAAAAAAAA="}}\n{"a":"\\u00e9","_creationTime":1.5}\n'

EXAMPLES: dict[str, list[bytes]] = {
    "json_text": [_CALL, b'[-0.0,1e308,1E-5,"\\ud83d\\ude00\\n",true,false,null,{}]', b"[[[[]]]]"],
    "values": [b'{"a":{"$integer":"AQAAAAAAAAA="},"b":{"$float":"AAAAAAAA8H8="},"c":{"$bytes":""},"d":[-0.0,null]}'],
    "bodies": [_CALL, b'{"queries":[{"path":"a:b","args":[{}]},{"path":"c","args":{},"format":"json"}]}'],
    "cursors": [CURSORS.write(b"key", bytes(32)).encode(), CURSORS.write(None, bytes(32)).encode(), b"00ff"],
    "ids": [encode_id(10_001, bytes(range(16))).encode(), b"10pXY2kBXUStcAZ7u3Jz", b"AAECAwQFBgcICQoLDA0ODw"],
    "paths": [b"a/b.js:c", b"messages", b"../a:b", b"_system/cli/tables:default"],
    "client_versions": [b"npm-1.48.0", b"python-convex-0.5.0-alpha.1+x", b"npm-cli-0.19.1"],
    "authorizations": [b"Convex fuzz|key", b"convex prod:fuzz|key:eyJ0b2tlbklkZW50aWZpZXIiOiJhIn0=", _TOKEN.encode()],
    "tokens": [_TOKEN.encode(), b"a.e30.b"],
    "sync_messages": [json.dumps(message).encode() for message in _MESSAGES],
    "sessions": [b"\n".join(json.dumps(message).encode() for message in _MESSAGES)],
    "requests": [
        b"POST\n/api/mutation\n\n{}\n" + _CALL,
        b"POST\n/api/run/notes/page\nadminKey=fuzz%7Ckey\n{}\n" + _CALL,
        b"GET\n/api/query\npath=notes%3Apage&args=%7B%7D&format=json\n{}\n",
        b'POST\n/api/query_at_ts\n\n{"Authorization":"Convex fuzz|key","Origin":"http://a"}\n' + _CALL,
        b'POST\n/api/query_batch\n\n{"Convex-Client":"npm-0.1.0"}\n{"queries":[' + _CALL + b"]}",
        b'OPTIONS\n/api/query\n\n{"Origin":"http://a","Access-Control-Request-Headers":"x"}\n',
    ],
    "import_lines": [_ROWS, b"[" + _ROWS.strip().replace(b"\n", b",\n") + b"]"],
    "import_csv": [b'a,b,c\n1,"x ""y""",\n-1.5e3,,NaN\r\n"multi\nline",b,c', b"\xef\xbb\xbfa\n\xff"],
    "import_zip": [
        zip_of(
            [("_tables/documents.jsonl", b'{"name":"notes","id":10001}\n'), ("notes/documents.jsonl", b'{"a":1}\n')]
        ),
        zip_of([("../../x/documents.jsonl", _ROWS), ("x/generated_schema.jsonl", b'"uniform"\n')]),
    ],
}
