"""Routes of ``npx convex deploy``, ``dev`` and ``codegen``.

They look at the key in the body, and not at that of the header.

convex-backend crates/local_backend/src/deploy_config.rs, deploy_config2.rs, canonical_urls.rs
(convex-wire.md §4.2, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from convex_mastra_emulator.emulator import Emulator
from convex_mastra_emulator.errors import DeploymentError, EmulatorError, ErrorKind, RequestRefused
from convex_mastra_emulator.protocol import push_answers, push_requests
from convex_mastra_emulator.protocol.auth import Authenticator, Credentials, require_admin
from convex_mastra_emulator.protocol.content_encoding import decompressed
from convex_mastra_emulator.protocol.http_exchange import AdminRoute, HttpRequest, HttpResponse, OwnRoute
from convex_mastra_emulator.protocol.messages import JsonBody, read_json_body
from convex_mastra_emulator.runtime.identity import Identity
from convex_mastra_emulator.values.json_text import write_json

PUSH_SIZE_MAX = 200_000_000
"""Bytes of a push, once it is no longer compressed (crates/common/src/knobs.rs ``MAX_PUSH_BYTES``)."""
PUSH_PATHS = frozenset(
    f"/api/deploy2/{name}"
    for name in (
        "start_push",
        "evaluate_push",
        "evaluate_schema",
        "wait_for_schema",
        "finish_push",
        "report_push_completed",
    )
)
"""Routes whose bodies may be compressed, and larger than others."""

Answer = Callable[[JsonBody], Any]
T = TypeVar("T")


class PushRoutes:
    """The routes of one deployment.

    Args:
        emulator: the deployment.
        authenticator: checks keys.
        instance_name: what refusals of a key name.

    Attributes:
        routes: by path and method; those that look at the key of the body.
        admin_routes: the others.
    """

    def __init__(self, emulator: Emulator, authenticator: Authenticator, instance_name: str) -> None:
        self._emulator = emulator
        self._authenticator = authenticator
        self._instance_name = instance_name
        deploy2: Mapping[str, OwnRoute] = {
            "start_push": self._route("StartPushRequest", self._start),
            "evaluate_push": self._route("StartPushRequest", self._evaluate_push),
            "evaluate_schema": self._route("StartPushRequest", self._evaluate_schema),
            "wait_for_schema": self._route("WaitForSchemaRequest", self._wait_for_schema),
            "finish_push": self._route("FinishPushRequest", self._finish),
            "report_push_completed": self._route("ReportPushCompletedRequest", lambda body: None),
        }
        self.admin_routes: Mapping[str, Mapping[str, AdminRoute]] = {
            "/api/v1/get_canonical_urls": {"GET": self._canonical_urls}
        }
        self.routes: Mapping[str, Mapping[str, OwnRoute]] = {
            "/api/get_config_hashes": {"POST": self._route("GetConfigRequest", self._config_hashes)},
            **{f"/api/deploy2/{name}": {"POST": route} for name, route in deploy2.items()},
        }

    def _route(self, what: str, answer: Answer) -> OwnRoute:
        def route(request: HttpRequest) -> HttpResponse:
            body = self._body(request)
            self._require_key(push_requests.admin_key_of(body, what))
            return HttpResponse(200, write_json(answer(body)).encode(), (("content-type", "application/json"),))

        return route

    @staticmethod
    def _body(request: HttpRequest) -> JsonBody:
        if request.path in PUSH_PATHS:
            request = decompressed(request, PUSH_SIZE_MAX)
        # Nothing in these bodies is left for somebody else to read.
        return read_json_body(request, PUSH_SIZE_MAX, lambda _path: False)

    def _require_key(self, key: str) -> None:
        try:
            self._authenticator.identify(Credentials(admin_key=key))
        except RequestRefused:
            # crates/keybroker/src/broker.rs ``bad_admin_key_error``
            raise RequestRefused(
                f"The provided deploy key was invalid for deployment '{self._instance_name}'. Double check that the "
                "environment this key was generated for matches the desired deployment.",
                code="BadDeployKey",
                kind=ErrorKind.FORBIDDEN,
            ) from None

    # Routes

    def _config_hashes(self, _body: JsonBody) -> Any:
        pushes = self._emulator.pushes
        return push_answers.config_hashes(pushes.modules(), pushes.server_version, pushes.node_version)

    def _canonical_urls(self, _request: HttpRequest, identity: Identity) -> HttpResponse:
        require_admin(identity)
        origins = self._emulator.origins
        urls = {"convexCloudUrl": origins.cloud_url, "convexSiteUrl": origins.site_url}
        return HttpResponse(200, write_json(urls).encode(), (("content-type", "application/json"),))

    def _start(self, body: JsonBody) -> Any:
        app = push_requests.start_push(body)
        push = _pushing(lambda: self._emulator.pushes.start(app))
        return push_answers.started(push)

    def _evaluate_push(self, body: JsonBody) -> Any:
        app = push_requests.start_push(body)
        evaluation = _pushing(lambda: self._emulator.pushes.evaluate(app))
        return {"schemaChange": push_answers.schema_change(None, evaluation.indexes)}

    def _evaluate_schema(self, body: JsonBody) -> Any:
        app = push_requests.start_push(body)
        return push_answers.schema_evaluation(_pushing(lambda: self._emulator.pushes.evaluate(app)))

    def _wait_for_schema(self, body: JsonBody) -> Any:
        return push_answers.schema_status(self._emulator.pushes.schema_status(push_requests.schema_id_of(body)))

    def _finish(self, body: JsonBody) -> Any:
        asked = push_requests.finish_push(body)
        if asked.is_dry:
            return push_answers.NOTHING_FINISHED
        diff = _pushing(lambda: self._emulator.pushes.finish(asked.push_id))
        return push_answers.finished(diff)


def _pushing(push: Callable[[], T]) -> T:
    """Runs a step of a push; what refuses it says that it was one."""
    try:
        return push()
    except DeploymentError as error:
        error.message = f"Hit an error while pushing:\n{error.message}"
        raise
    except EmulatorError as error:
        raise RequestRefused(f"Hit an error while pushing:\n{error}", code="NotEmulated") from error
