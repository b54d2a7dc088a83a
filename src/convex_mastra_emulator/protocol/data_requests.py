"""What requests for imports, exports and environment variables ask for, read with the deployment's refusals.

convex-backend crates/local_backend/src/snapshot_import.rs, snapshot_export.rs, environment_variables.rs; the texts of
parsing are serde's and axum's (convex-wire.md §1.2 and §1.7, checked 2026-11-21).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from convex_mastra_emulator.data.export_jobs import ExportKey
from convex_mastra_emulator.data.files import TableFormat
from convex_mastra_emulator.data.import_states import ImportRequest
from convex_mastra_emulator.data.table_numbers import ImportMode
from convex_mastra_emulator.errors import InvalidValue, RequestRefused
from convex_mastra_emulator.protocol.messages import BodyReader, JsonBody, unknown_variant
from convex_mastra_emulator.runtime.environment import Change
from convex_mastra_emulator.values.ids import decode_id
from convex_mastra_emulator.values.names import identifier_problem

_FORMATS = ("csv", "jsonLines", "jsonArray", "zip")
_TABLE_FORMATS: Mapping[str, TableFormat] = {"csv": "csv", "jsonLines": "jsonLines", "jsonArray": "jsonArray"}
_WHAT_NEEDS_A_TABLE = {"csv": "CSV", "jsonArray": "JSON", "jsonLines": "JSONL"}
_MODES: Mapping[str, ImportMode] = {
    "append": "append",
    "replace": "replace",
    "replaceAll": "replace-all",
    "requireEmpty": "require-empty",
}
_PART_NUMBER_MAX = 2**16 - 1
_TIME_MAX = 2**63 - 1
_DIGITS = re.compile(r"\+?[0-9]+")
_DIGITS_MAX = 4_000  # the interpreter reads no number of more than 4,300

FinishedUpload = tuple[str, list[str], Callable[[bytes], ImportRequest]]
"""The upload's token, those of its parts, and what makes an import of the file."""


# Query strings


def bad_query(text: str) -> RequestRefused:
    """The refusal of a query string."""
    return RequestRefused(f"Failed to deserialize query string: {text}", code="BadQueryArgs")


def _parameters(query: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        parameters.setdefault(name, value)
    return parameters


def _required(parameters: Mapping[str, str], name: str) -> str:
    if name not in parameters:
        raise bad_query(f"missing field `{name}`")
    return parameters[name]


def _choice(name: str, text: str, choices: Sequence[str]) -> str:
    if text not in choices:
        raise bad_query(f"{name}: {unknown_variant(text, choices)}")
    return text


def whole_number(name: str, text: str, number_max: int) -> int:
    """The number of a parameter, from 0 on.

    Raises:
        RequestRefused: ``BadQueryArgs`` with the name of the parameter.
    """
    if not _DIGITS.fullmatch(text):
        reason = "cannot parse integer from empty string" if text == "" else "invalid digit found in string"
        raise bad_query(f"{name}: {reason}")
    # A longer text is a larger number; Python would refuse to read it.
    if len(text) > _DIGITS_MAX or int(text) > number_max:
        raise bad_query(f"{name}: number too large to fit in target type")
    return int(text)


def part_request(query: str) -> tuple[str, int]:
    """The upload's token and the number of the part.

    Raises:
        RequestRefused: ``BadQueryArgs`` with the name of the parameter.
    """
    parameters = _parameters(query)
    token, text = _required(parameters, "uploadToken"), _required(parameters, "partNumber")
    return token, whole_number("partNumber", text, _PART_NUMBER_MAX)


def import_request(query: str) -> Callable[[bytes], ImportRequest]:
    """What makes an import of a request's body: the query string says what it is.

    What is returned raises RequestRefused for a name or a component that cannot be.

    Raises:
        RequestRefused: ``BadQueryArgs``.
    """
    parameters = _parameters(query)
    format = _choice("format", _required(parameters, "format"), _FORMATS)
    mode = _choice("mode", parameters.get("mode", "requireEmpty"), tuple(_MODES))
    table, component = parameters.get("tableName"), parameters.get("componentPath")
    return lambda data: _import(table, component, format, mode)(data)


def export_request(query: str) -> bool:
    """Whether stored files are to be exported, too.

    Raises:
        RequestRefused: ``BadQueryArgs``, or a component that cannot be.
    """
    parameters = _parameters(query)
    text = parameters.get("includeStorage", "false")
    if text not in ("true", "false"):
        raise bad_query("includeStorage: provided string was not `true` or `false`")
    _refuse_component(parameters.get("component"))
    return text == "true"


# Bodies


def environment_changes(body: JsonBody) -> list[Change]:
    """The changes of environment variables.

    Raises:
        RequestRefused: ``BadJsonBody`` with the name of the field.
    """
    changes = BodyReader(body).fields("struct UpdateEnvVarsRequest").required("changes").items()
    return [_environment_change(change.fields("struct UpdateEnvVarRequest")) for change in changes]


def _environment_change(change: BodyReader) -> Change:
    return change.required("name").text(), change.optional_text("value")


def finished_upload(body: JsonBody) -> FinishedUpload:
    """What an upload that is complete is for.

    Raises:
        RequestRefused: ``BadJsonBody``, or a name or component that cannot be.
    """
    fields = BodyReader(body).fields("struct ImportFinishUploadArgs")
    described = fields.required("import").fields("struct ImportQueryArgs")
    table, component = described.optional_text("tableName"), described.optional_text("componentPath")
    format = described.required("format").choice(_FORMATS)
    mode = described.at(("mode",)).choice(tuple(_MODES)) if "mode" in described.value else "requireEmpty"
    token = fields.required("uploadToken").text()
    part_tokens = [part.text() for part in fields.required("partTokens").items()]
    return token, part_tokens, _import(table, component, format, mode)


def import_id_of(body: JsonBody, struct: str) -> str:
    """The import a request is about.

    Raises:
        RequestRefused: ``BadJsonBody`` or ``InvalidImport``.
    """
    import_id = BodyReader(body).fields(f"struct {struct}").required("importId").text()
    if not is_id(import_id):
        raise RequestRefused(f"invalid import id {import_id}", code="InvalidImport")
    return import_id


def expiration_of(body: JsonBody) -> int:
    """When an export expires, in nanoseconds since the Unix epoch.

    Raises:
        RequestRefused: ``BadJsonBody``.
    """
    reader = BodyReader(body).fields("struct SetExportExpirationRequest").required("expirationTsNs")
    # The body's reader makes every number a float, which would lose the last digits.
    number: Any = json.loads(body.text)["expirationTsNs"]
    return reader.whole(number, "u64", 2**64 - 1)


# Names and ids


def _import(table: str | None, component_path: str | None, format: str, mode: str) -> Callable[[bytes], ImportRequest]:
    problem = None if table is None else identifier_problem(table)
    if problem is not None:
        raise RequestRefused(f"invalid table name {table}: {problem}", code="ImportInvalidName")
    if format == "zip" and table is not None:
        raise RequestRefused("ZIP import cannot have table name", code="InvalidName")
    if format != "zip" and table is None:
        raise RequestRefused(f"{_WHAT_NEEDS_A_TABLE[format]} import requires table name", code="InvalidName")
    _refuse_component(component_path)
    return lambda data: ImportRequest(data, table, _TABLE_FORMATS.get(format), _MODES[mode])


def _refuse_component(component: str | None) -> None:
    if component:
        raise RequestRefused(
            f"components are not emulated, and so there is no {component!r}: leave --component out", code="NotEmulated"
        )


def is_id(text: str) -> bool:
    """Whether a text is the id of a document."""
    try:
        decode_id(text)
    except InvalidValue:
        return False
    return True


def export_key(text: str) -> ExportKey:
    """Which export a URL names: by its id or by its time.

    Raises:
        RequestRefused: ``BadSnapshotId``.
    """
    if is_id(text):
        return text
    if not _DIGITS.fullmatch(text) or int(text) > _TIME_MAX:
        raise RequestRefused("Snapshot Id did not parse to an ID.", code="BadSnapshotId")
    return int(text)
