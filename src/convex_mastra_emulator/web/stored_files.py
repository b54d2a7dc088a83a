"""Uploads and downloads of stored files: ``/api/storage/upload`` and ``/api/storage/{uuid}``.

convex-backend crates/local_backend/src/storage.rs, crates/common/src/sha256.rs ``DigestHeader``
(convex-wire.md §6, checked 2026-11-21).
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from convex_mastra_emulator.database.documents import StoredDocument
from convex_mastra_emulator.errors import ErrorKind, InvalidValue, RequestRefused
from convex_mastra_emulator.runtime.executor import Executor
from convex_mastra_emulator.runtime.files import FileId, file_of, parse_sha256, parse_uuid
from convex_mastra_emulator.values.ids import decode_id
from convex_mastra_emulator.values.json_text import write_json
from convex_mastra_emulator.values.media_types import MediaTypeError, parse_media_type
from convex_mastra_emulator.web.byte_ranges import parse_ranges
from convex_mastra_emulator.web.messages import WebRequest, WebResponse

FILES_PATH = "/api/storage/"
UPLOAD_PATH = FILES_PATH + "upload"
# A file never changes; browsers may keep it for 30 days.
_CACHED = ("cache-control", "private, max-age=2592000")
_IN_RANGES = ("accept-ranges", "bytes")
_DIGEST = "sha-256="
_LENGTH = re.compile(r"\+?[0-9]+")
_LENGTH_MAX = 2**64 - 1
_RANGE_NOT_SATISFIABLE = 416


def check_upload(executor: Executor, request: WebRequest) -> None:
    """Lets an upload pass whose URL is good; its body need not be there yet.

    Raises:
        RequestRefused: ``BadQueryArgs``, ``StorageTokenInvalid`` or ``StorageTokenExpired``.
    """
    token = request.parameter("token")
    if token is None:
        raise RequestRefused("Failed to deserialize query string: missing field `token`", code="BadQueryArgs")
    executor.upload_tokens.check(token, executor.clock.now_ns() // 1_000_000_000)


def upload(executor: Executor, request: WebRequest) -> WebResponse:
    """Stores the body of a request.

    Raises:
        RequestRefused: for a bad URL, and for headers that cannot be read.
        DeploymentError: ``Sha256Mismatch``.
    """
    check_upload(executor, request)
    _check_length(request)
    content_type = _content_type(request)
    digest = _digest(request)
    with executor.files() as files:
        storage_id = files.store(request.body, content_type, digest)
    return WebResponse(200, write_json({"storageId": storage_id}).encode(), (("content-type", "application/json"),))


def _bad_header(name: str) -> RequestRefused:
    return RequestRefused(f"Bad header for {name}: invalid HTTP header", code="BadHeader")


def _check_length(request: WebRequest) -> None:
    lengths = set(request.headers.get_all("content-length"))
    if len(lengths) > 1 or any(not _LENGTH.fullmatch(text) or int(text) > _LENGTH_MAX for text in lengths):
        raise _bad_header("content-length")


def _content_type(request: WebRequest) -> str | None:
    header = request.header("content-type")
    if header is None:
        return None
    try:
        if header.isascii():
            return parse_media_type(header)
    except MediaTypeError:
        pass
    raise _bad_header("content-type")


def _digest(request: WebRequest) -> bytes | None:
    header = request.header("digest")
    if header is None:
        return None
    digest = parse_sha256(header.removeprefix(_DIGEST)) if header.startswith(_DIGEST) else None
    if digest is None:
        raise _bad_header("digest")
    return digest


def download(executor: Executor, request: WebRequest) -> WebResponse:
    """The file of a URL, or a part of it.

    Raises:
        RequestRefused: ``InvalidStoragePath`` or ``FileNotFound``.
    """
    name = unquote(request.path.removeprefix(FILES_PATH))
    uuid = parse_uuid(name)
    if uuid is None:
        raise RequestRefused(
            f'Invalid storage path: "{name}". Please use `storage.getUrl(storageId: Id<"_storage">)` to generate a '
            "valid URL to retrieve files. See https://docs.convex.dev/file-storage/serve-files for more details",
            code="InvalidStoragePath",
        )
    component = request.parameter("component")
    if component is not None:
        _check_component(component)
    ranges = parse_ranges(request.header("range"))
    if ranges is not None and len(ranges) != 1:
        # Not all of the file, and not the first range: S3 knows only one.
        return WebResponse(_RANGE_NOT_SATISFIABLE)
    document = None if component is not None else _find(executor, uuid)
    if document is None:
        raise RequestRefused(f"File {uuid} not found", code="FileNotFound", kind=ErrorKind.NOT_FOUND)
    body = file_of(document).body
    content_type = document.value["contentType"]
    typed = () if content_type is None else (("content-type", str(content_type)),)
    if ranges is None:
        digest = ("digest", f"{_DIGEST}{document.value['sha256']}")
        return WebResponse(200, body, (digest, *typed, _CACHED, _IN_RANGES))
    if not body:
        return WebResponse(200, b"", (*typed, _CACHED, _IN_RANGES))
    content_range = ("content-range", ranges[0].content_range(len(body)))
    return WebResponse(206, ranges[0].of(body), (*typed, content_range, _CACHED, _IN_RANGES))


def _check_component(text: str) -> None:
    """No file is in a component; what names none is refused as such."""
    try:
        decode_id(text)
    except InvalidValue as error:
        # Unverified: the deployment's error carries no code of its own.
        raise RequestRefused(error.message, code=error.code) from None


def _find(executor: Executor, uuid: str) -> StoredDocument | None:
    with executor.between_transactions():
        return executor.files_of(executor.begin()).find(FileId(uuid, is_uuid=True))
