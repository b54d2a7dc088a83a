"""Requests that functions of all kinds make, and those nobody answers here.

convex-backend crates/isolate/src/environment/udf/async_syscall.rs, crates/local_backend/src/lib.rs
``DeploymentMetadata``; npm convex src/server/meta.ts (checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from convex_mastra_emulator.errors import InvalidArgument, NotEmulated

Json = Any
Answer = Callable[[Json], Json]

_NOT_EMULATED = {
    "1.0/auditLog": "log.audit",
    "1.0/createServiceToken": "tokens of Convex' services",
    "1.0/getRequestMetadata": "ctx.meta.getRequestMetadata",
    "1.0/getServiceUrl": "addresses of Convex' services",
    "1.0/signJwt": "signing of tokens",
}


def deployment_metadata(_: Json) -> Json:
    """``ctx.meta.getDeploymentMetadata()``: a deployment on this machine."""
    return {"name": "local-convex-mastra-emulator", "region": None, "class": "s16"}


def answer_of(answers: Mapping[str, Answer], operation: str) -> Answer:
    """What answers a request.

    Raises:
        NotEmulated: for what a deployment would answer.
        InvalidArgument: for what nobody knows.
    """
    answer = answers.get(operation)
    if answer is not None:
        return answer
    if operation in _NOT_EMULATED:
        raise NotEmulated(f"{_NOT_EMULATED[operation]}: not emulated")
    raise InvalidArgument(f"Unknown async operation {operation}")
