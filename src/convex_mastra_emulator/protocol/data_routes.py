"""Routes for administrators: environment variables, imports and exports, as ``npx convex`` uses them.

Who calls is checked first, then the request is read, and only then it is looked whether the caller is an administrator.

convex-backend crates/local_backend/src/router.rs, environment_variables.rs, snapshot_import.rs, snapshot_export.rs
(convex-wire.md §5, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from convex_mastra_emulator.emulator import Emulator
from convex_mastra_emulator.errors import INTERNAL_ERROR_TEXT, DeploymentError, ErrorKind
from convex_mastra_emulator.protocol import data_requests
from convex_mastra_emulator.protocol.auth import require_admin
from convex_mastra_emulator.protocol.http_exchange import AdminRoute, HttpRequest, HttpResponse
from convex_mastra_emulator.protocol.messages import JsonBody, read_json_body
from convex_mastra_emulator.runtime.identity import Identity
from convex_mastra_emulator.values.json_text import write_json

UPLOAD_PATHS = frozenset({"/api/import", "/api/import/upload_part"})
"""Routes whose body is a file of any size."""

_DONE = HttpResponse(200)
_MONTH_SECONDS = 60 * 60 * 24 * 30
_INLINE_QUERY = "/api/run_test_function"
_NOT_EMULATED = {
    _INLINE_QUERY: ("POST",),
    "/api/list_snapshot": ("GET", "POST"),
    "/api/document_deltas": ("GET", "POST"),
    "/api/json_schemas": ("GET",),
    "/api/get_table_column_names": ("GET",),
    "/api/test_streaming_export_connection": ("GET",),
    "/api/v1/data/sync": ("POST",),
    "/api/streaming_import/import_airbyte_records": ("POST",),
    "/api/streaming_import/apply_fivetran_operations": ("POST",),
    "/api/streaming_import/fivetran_create_table": ("POST",),
    "/api/streaming_import/fivetran_truncate_table": ("POST",),
    "/api/streaming_import/get_schema": ("GET",),
    "/api/streaming_import/primary_key_indexes_ready": ("GET",),
    "/api/streaming_import/add_primary_key_indexes": ("PUT",),
    "/api/streaming_import/clear_tables": ("PUT",),
    "/api/streaming_import/replace_tables": ("POST",),
}


NOT_EMULATED = frozenset((method, path) for path, methods in _NOT_EMULATED.items() for method in methods)
"""What is answered with 501 and nothing else, and so not described."""


class DataRoutes:
    """The routes of one deployment.

    Args:
        emulator: the deployment.
        instance_name: how it is called in the names of files.

    Attributes:
        routes: by path and method; ``{}`` stands for the last part of a path.
    """

    def __init__(self, emulator: Emulator, instance_name: str) -> None:
        self._emulator = emulator
        self._instance_name = instance_name
        environment: Mapping[str, Mapping[str, AdminRoute]] = {
            f"{prefix}/{name}": {method: route}
            for prefix in ("/api", "/api/v1")
            for name, method, route in (
                ("update_environment_variables", "POST", self._update_variables),
                ("list_environment_variables", "GET", self._list_variables),
            )
        }
        self.routes: Mapping[str, Mapping[str, AdminRoute]] = {
            **environment,
            "/api/import": {"POST": self._import},
            "/api/import/start_upload": {"POST": self._start_upload},
            "/api/import/upload_part": {"POST": self._upload_part},
            "/api/import/finish_upload": {"POST": self._finish_upload},
            "/api/perform_import": {"POST": self._perform_import},
            "/api/cancel_import": {"POST": self._cancel_import},
            "/api/export/request/zip": {"POST": self._request_export},
            "/api/export/zip/{}": {"GET": self._get_export},
            "/api/export/set_expiration/{}": {"POST": self._set_expiration},
            "/api/export/cancel/{}": {"POST": self._cancel_export},
            **{path: dict.fromkeys(methods, _not_emulated) for path, methods in _NOT_EMULATED.items()},
        }

    def _body(self, request: HttpRequest) -> JsonBody:
        # Nothing in these bodies is left for somebody else to read.
        return read_json_body(request, self._emulator.limits.request_body_size_max, lambda _path: False)

    # Environment variables

    def _update_variables(self, request: HttpRequest, identity: Identity) -> HttpResponse:
        changes = data_requests.environment_changes(self._body(request))
        require_admin(identity)
        self._emulator.env.apply(changes)
        return _DONE

    def _list_variables(self, _request: HttpRequest, identity: Identity) -> HttpResponse:
        require_admin(identity)
        return _json({"environmentVariables": dict(self._emulator.env)})

    # Imports

    def _import(self, request: HttpRequest, identity: Identity) -> HttpResponse:
        make_request = data_requests.import_request(request.query)
        require_admin(identity)
        return _json({"numWritten": self._emulator.imports.import_now(make_request(request.body))})

    def _start_upload(self, _request: HttpRequest, identity: Identity) -> HttpResponse:
        require_admin(identity)
        return _json({"uploadToken": self._emulator.imports.uploads.start()})

    def _upload_part(self, request: HttpRequest, identity: Identity) -> HttpResponse:
        token, number = data_requests.part_request(request.query)
        require_admin(identity)
        return _json(self._emulator.imports.uploads.add_part(token, number, request.body))

    def _finish_upload(self, request: HttpRequest, identity: Identity) -> HttpResponse:
        token, part_tokens, make_request = data_requests.finished_upload(self._body(request))
        require_admin(identity)
        imports = self._emulator.imports
        return _json({"importId": imports.start(make_request(imports.uploads.finish(token, part_tokens)))})

    def _perform_import(self, request: HttpRequest, identity: Identity) -> HttpResponse:
        import_id = data_requests.import_id_of(self._body(request), "PerformImportArgs")
        require_admin(identity)
        self._emulator.imports.confirm(import_id)
        return _DONE

    def _cancel_import(self, request: HttpRequest, identity: Identity) -> HttpResponse:
        import_id = data_requests.import_id_of(self._body(request), "CancelImportArgs")
        require_admin(identity)
        self._emulator.imports.cancel(import_id)
        return _DONE

    # Exports

    def _request_export(self, request: HttpRequest, identity: Identity) -> HttpResponse:
        include_storage = data_requests.export_request(request.query)
        require_admin(identity)
        self._emulator.exports.request(include_storage=include_storage)
        return _DONE

    def _get_export(self, request: HttpRequest, identity: Identity) -> HttpResponse:
        require_admin(identity)
        data, start_ns = self._emulator.exports.download(data_requests.export_key(_last_part(request)))
        headers = (
            ("content-disposition", f"attachment; filename=snapshot_{self._instance_name}_{start_ns}.zip"),
            ("cache-control", f"private, max-age={_MONTH_SECONDS}"),
        )
        return HttpResponse(200, data, headers)

    def _set_expiration(self, request: HttpRequest, identity: Identity) -> HttpResponse:
        expiration_ns = data_requests.expiration_of(self._body(request))
        require_admin(identity)
        self._emulator.exports.set_expiration(_export_id(request), expiration_ns)
        return _DONE

    def _cancel_export(self, request: HttpRequest, identity: Identity) -> HttpResponse:
        require_admin(identity)
        self._emulator.exports.cancel(_export_id(request))
        return _DONE


def _json(value: Any) -> HttpResponse:
    return HttpResponse(200, write_json(value).encode(), (("content-type", "application/json"),))


def _last_part(request: HttpRequest) -> str:
    return unquote(request.path.rpartition("/")[2])


def _export_id(request: HttpRequest) -> str:
    export_id = _last_part(request)
    if not data_requests.is_id(export_id):
        # A deployment has no words for it.
        raise DeploymentError(INTERNAL_ERROR_TEXT, code="InternalServerError", kind=ErrorKind.INTERNAL)
    return export_id


def _not_emulated(request: HttpRequest, _identity: Identity) -> HttpResponse:
    """Says so; an empty 404, which clients take for a deployment that is not ready yet, would be tried again."""
    if request.path == _INLINE_QUERY:
        message = "`--inline-query` is not emulated: deploy the query, and run it by its name"
    else:
        message = (
            f"{request.path} is not emulated: streaming export and import are not; use `npx convex export` and "
            "`npx convex import`"
        )
    body = write_json({"code": "NotEmulated", "message": message}).encode()
    return HttpResponse(501, body, (("content-type", "application/json"),))
