"""One route of the HTTP API, as the OpenAPI document tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Schema = Mapping[str, Any]

TEXT: Schema = {"type": "string"}
ANY: Schema = {}
NULL_OR_TEXT: Schema = {"type": ["string", "null"]}


def reference(name: str) -> Schema:
    """A schema of ``components``."""
    return {"$ref": f"#/components/schemas/{name}"}


def record(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """An object of these fields; others are ignored."""
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteDescription:
    """What a client has to know of one method of one route.

    Attributes:
        method: ``GET`` or the like.
        path: with ``{names}`` where a part of it is free.
        summary: one sentence.
        tag: the group it is shown in.
        access: ``open``: nobody is asked who they are; ``public``: anybody may, and may say who they are;
            ``admin``: the admin key only.
        parameters: schemas of the query string by name; those of ``required`` must be there.
        required: the parameters that must be there.
        body: the schema of a JSON body, or of the bytes of ``body_type``; None if there is none.
        body_type: the body's type.
        answer: the schema of the answer; None if it has no body.
        answer_type: the answer's type.
        status: of an answer when all is well.
        refusals: the statuses of refusals, each with an ``Error``, beside those that ``access`` brings.
    """

    method: str
    path: str
    summary: str
    tag: str
    access: str = "public"
    parameters: Mapping[str, Schema] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    body: Schema | None = None
    body_type: str = "application/json"
    answer: Schema | None = None
    answer_type: str = "application/json"
    status: int = 200
    refusals: tuple[int, ...] = (400,)
