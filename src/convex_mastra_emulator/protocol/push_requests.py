"""What the bodies of a push say.

convex-backend crates/application/src/deploy_config.rs ``StartPushRequest``,
crates/local_backend/src/deploy_config2.rs (convex-wire.md §4.2 and §4.4, checked 2026-11-21).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from convex_mastra_emulator.errors import InvalidArgument, RequestRefused
from convex_mastra_emulator.protocol.messages import BodyReader, JsonBody
from convex_mastra_emulator.pushes import ModuleHash, PushedApp
from convex_mastra_emulator.runtime.node.pushed_modules import PushedModule
from convex_mastra_emulator.runtime.paths import parse_module_path

NODE_VERSIONS = ("20", "22", "24")
_MESSAGE_SIZE_MAX = 1024  # crates/model/src/deployment_audit_log/types.rs ``PushMessage``
_SHA256_DIGITS = 64
_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")


def _fields(body: JsonBody, what: str) -> BodyReader:
    return BodyReader(body).fields(f"struct {what}")


def admin_key_of(body: JsonBody, what: str) -> str:
    """The key that push routes look at; that of the header does not count there.

    Raises:
        RequestRefused: ``BadJsonBody``.
    """
    return _fields(body, what).required("adminKey").text()


def start_push(body: JsonBody) -> PushedApp:
    """What a push brings.

    Raises:
        RequestRefused: ``BadJsonBody`` for a body of another form; ``InvalidConfig`` for what no deployment takes;
            ``NotEmulated`` for components.
    """
    fields = _fields(body, "StartPushRequest")
    fields.required("functions").text()
    app = fields.required("appDefinition").fields("struct AppDefinitionConfigJson")
    components = fields.required("componentDefinitions").items()
    dependencies = app.required("dependencies").items()
    packages = [package.fields("struct NodeDependencyJson") for package in fields.required("nodeDependencies").items()]
    node_version = fields.optional_text("nodeVersion")
    if node_version is not None:
        _check_node_version(node_version)
    pushed = PushedApp(
        schema=None if app.value.get("schema") is None else _module(app.at(("schema",))),
        changed=[_module(module) for module in app.required("changedModules").items()],
        unchanged=[_hash(module) for module in _optional_items(app, "unchangedModuleHashes")],
        external_packages={package.required("name").text(): package.required("version").text() for package in packages},
        server_version=app.required("udfServerVersion").text(),
        node_version=node_version,
    )
    if components or dependencies:
        names = ", ".join(reader.text() for reader in dependencies)
        raise RequestRefused(
            f"Components are not emulated: take {names or 'them'} out of convex.config.ts to deploy to the emulator",
            code="NotEmulated",
        )
    return pushed


def _optional_items(reader: BodyReader, name: str) -> list[BodyReader]:
    return reader.at((name,)).items() if name in reader.value else []


def _check_node_version(version: str) -> None:
    if version == "18":
        raise _invalid_config(
            "Node 18 is no longer supported. Upgrade to a newer Node version "
            "(https://docs.convex.dev/production/project-configuration#configuring-the-nodejs-version)."
        )
    if version not in NODE_VERSIONS:
        raise _invalid_config(f"Invalid node version: {version}")


def _invalid_config(text: str) -> RequestRefused:
    return RequestRefused(text, code="InvalidConfig")


def _module(reader: BodyReader) -> PushedModule:
    module = reader.fields("struct ModuleJson")
    path = module.required("path").text()
    return PushedModule(
        _module_path(path),
        module.required("source").text(),
        module.optional_text("sourceMap"),
        _environment(module.optional_text("environment"), path),
    )


def _hash(reader: BodyReader) -> ModuleHash:
    module = reader.fields("struct ModuleHashJson")
    path = module.required("path").text()
    sha256 = module.required("sha256").text()
    if not _HEXADECIMAL.issuperset(sha256) or len(sha256) % 2:
        raise _invalid_config("Invalid hex in sha256")
    if len(sha256) != _SHA256_DIGITS:
        raise _invalid_config("sha256 not 32 bytes")
    return ModuleHash(
        path=_module_path(path),
        environment=_environment(module.optional_text("environment"), path),
        sha256=sha256.lower(),
    )


def _module_path(path: str) -> str:
    try:
        return parse_module_path(path)
    except InvalidArgument as problem:
        raise _invalid_config(f"{path} is not a valid path to a Convex module. {problem}") from None


def _environment(name: str | None, path: str) -> Literal["isolate", "node"]:
    if name is None:  # before environments were told, they stood in the path
        return "node" if path.startswith("actions/") else "isolate"
    if name == "node":
        return "node"
    if name == "isolate":
        return "isolate"
    raise _invalid_config(f"Invalid environment {name}")


def schema_id_of(body: JsonBody) -> str | None:
    """The schema ``wait_for_schema`` waits for; None without one.

    Raises:
        RequestRefused: ``BadJsonBody``.
    """
    change = _fields(body, "WaitForSchemaRequest").required("schemaChange").fields("struct SerializedSchemaChange")
    return change.required("schemaIds").fields("a map").optional_text("")


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishPush:
    """Which push ``finish_push`` ends, and whether nothing is to come of it."""

    push_id: str
    is_dry: bool


def finish_push(body: JsonBody) -> FinishPush:
    """The push that is to take effect.

    Raises:
        RequestRefused: ``BadJsonBody``, ``PushMessageTooLong``.
    """
    fields = _fields(body, "FinishPushRequest")
    begun = fields.required("startPush").fields("struct SerializedStartPushResponse")
    packages = begun.required("componentDefinitionPackages").fields("a map")
    push_id = packages.required("").fields("a map").required("storageKey").text()
    dry_run = fields.required("dryRun")
    message = fields.optional_text("message")
    if message is not None and len(message.encode()) > _MESSAGE_SIZE_MAX:
        raise RequestRefused(f"Push messages can be at most {_MESSAGE_SIZE_MAX} bytes long", code="PushMessageTooLong")
    return FinishPush(push_id=push_id, is_dry=dry_run.value is True)
