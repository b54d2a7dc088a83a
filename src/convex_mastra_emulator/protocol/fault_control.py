"""Faults of a served emulator, from other processes: ``POST /_emulator/faults`` and ``POST /_emulator/faults/clear``.

The first arms a fault, takes what ``emulator.faults.fail`` takes as a JSON object, and answers with its ``id``; with
``at_message`` it takes what ``close_socket`` takes.  The second disarms all of them, or the one whose ``id`` is given.
Both need the admin key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from convex_mastra_emulator.errors import RequestRefused
from convex_mastra_emulator.faults import Fault, Faults, SocketFault
from convex_mastra_emulator.protocol.control import Operation

_OF_CALLS = ("path", "error", "times", "probability", "after", "delay", "code", "message")
_OF_SOCKETS = ("at_message", "code", "times")


class FaultControl:
    """The faults that were armed from outside.

    Attributes:
        operations: by path; each gives the answer.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._by_id: dict[int, Fault | SocketFault] = {}
        self._last_id = 0
        self.operations: Mapping[str, Operation] = {
            "/_emulator/faults": self.arm,
            "/_emulator/faults/clear": self.clear,
        }

    def arm(self, body: bytes) -> dict[str, Any]:
        """Arms a fault.

        Raises:
            RequestRefused: ``InvalidFault``, naming the field.
        """
        fields = _object(body)
        is_of_socket = "at_message" in fields
        known = _OF_SOCKETS if is_of_socket else _OF_CALLS
        for name in fields:
            if name not in known:
                raise _invalid(f"unknown field {name!r}; known are: {', '.join(known)}")
        if not is_of_socket and "path" not in fields:
            raise _invalid("the field 'path' is missing")
        try:
            fault = self._faults.close_socket(**fields) if is_of_socket else self._faults.fail(**fields)
        except (TypeError, ValueError, RequestRefused) as error:
            raise _invalid(str(error)) from None
        self._last_id += 1
        self._by_id[self._last_id] = fault
        return {"id": self._last_id}

    def clear(self, body: bytes) -> dict[str, Any]:
        """Disarms all faults, or one; tells how often those struck that were armed from outside.

        Raises:
            RequestRefused: ``InvalidFault``, for an id that is none.
        """
        fault_id = _object(body).get("id")
        if fault_id is None:
            counts = {str(number): fault.count for number, fault in self._by_id.items()}
            self._faults.clear()
            self._by_id.clear()
            return {"counts": counts}
        fault = self._by_id.pop(fault_id, None) if isinstance(fault_id, int) else None
        if fault is None:
            raise _invalid(f"there is no fault with the id {fault_id!r}")
        fault.disarm()
        return {"counts": {str(fault_id): fault.count}}


def _object(body: bytes) -> dict[str, Any]:
    """The fields of a body; an empty one has none."""
    try:
        fields = json.loads(body or b"{}")
    except ValueError as error:
        raise _invalid(f"the body is no JSON: {error}") from None
    if not isinstance(fields, dict):
        raise _invalid("the body must be a JSON object")
    return fields


def _invalid(text: str) -> RequestRefused:
    return RequestRefused(text, code="InvalidFault")
