"""``nativeVector:query|read|write`` for one of several users of a deployment.

The tables are the project's and shared; record ids get the prefix.  A search finds everybody's vectors: it asks for as
many as a deployment gives, and keeps the test's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convex_mastra_emulator import Deployment, FunctionError
from pytest_mastra_convex.isolation.made import Made
from pytest_mastra_convex.isolation.names import IsolationRefused, Prefix
from pytest_mastra_convex.isolation.paths import MastraPaths
from pytest_mastra_convex.isolation.rules import NATIVE_OPERATIONS

Request = dict[str, Any]

# mastra-adapter.md §11.
_FOUND_MAX = 256
_FOUND_DEFAULT = 10
_COUNTED_MAX = 10_000
# A row has up to 4,096 numbers of eight bytes, and a function answers 16 MiB (convex-engine.md §6).
_READ_AT_ONCE = 100


class IsolatedNativeVectors:
    """Answers the three native vector functions as if nobody else used the deployment.

    Args:
        inner: the shared deployment.
        paths: where it has the functions.
        prefix: begins the test's names.
        made: is told what is made.
    """

    def __init__(self, inner: Deployment, paths: MastraPaths, prefix: Prefix, made: Made) -> None:
        self._inner = inner
        self._paths = paths
        self._prefix = prefix
        self._made = made

    def write(self, send: Any, request: Request) -> Any:
        """Sends a write with the prefix."""
        changed = self._with_ids(request)
        config = request.get("config")
        if request.get("op") != "upsert" or not isinstance(config, Mapping) or not isinstance(changed.get("ids"), list):
            return send(changed)
        added = self._made.add_native(_key(config), dict(config), changed["ids"])
        try:
            return send(changed)
        except FunctionError:
            # The mutation is undone.  With this configuration a deletion might fail as the write did.
            self._made.forget_native(_key(config), added)
            raise

    def read(self, send: Any, request: Request) -> Any:
        """Sends a read with the prefix; rows without it are left out, and not counted."""
        if request.get("op") == "getByConvexIds":
            rows = send(request)
            return [row for row in rows if self._is_own(request["config"], row)]
        answer = send(self._with_ids(request))
        return self._counted(send, request) if request.get("op") == "describe" else answer

    def search(self, send: Any, request: Request) -> Any:
        """Searches among everybody's vectors and keeps the test's."""
        config, limit = request.get("config"), request.get("limit", float(_FOUND_DEFAULT))
        if not isinstance(config, Mapping) or not _is_limit(limit):
            return send(request)  # which is refused
        self._check(config)
        if isinstance(request.get("filter"), Mapping):
            request["filter"] = self._filter(config, request["filter"])
        try:
            found = send({**request, "limit": float(_FOUND_MAX)})
        except FunctionError:
            send(request)  # fails, too, and its text shows the arguments as they were given
            raise
        read = {"op": "getByConvexIds", "config": config, "ids": [row["id"] for row in found]}
        rows = self._inner.query(self._paths.native_read, read) if found else []
        own_ids = {row["_id"] for row in rows if self._is_own(config, row)}
        own = [row for row in found if row["id"] in own_ids]
        if len(own) < limit and len(own) < len(found) == _FOUND_MAX:
            raise IsolationRefused(
                f"nativeVector:query on {config.get('tableName')}: the {_FOUND_MAX} nearest vectors, which are all "
                f"that a deployment gives, hold only {len(own)} of the test's; filter the search, or empty the table"
            )
        return own[: int(limit)]

    def _with_ids(self, request: Request) -> Request:
        op, config = request.get("op"), request.get("config")
        if isinstance(op, str) and op not in NATIVE_OPERATIONS:
            raise IsolationRefused(f"nativeVector: the operation {op!r} is not known here and might touch other rows")
        if isinstance(config, Mapping):
            self._check(config)
        changed = self._prefix.added_to(request, ["id"])
        if isinstance(request.get("ids"), (list, tuple)):
            changed["ids"] = list(map(self._prefix.added, request["ids"]))
        return changed

    def _check(self, config: Mapping[str, Any]) -> None:
        """A filter field is copied out of the metadata: over the id, if it has its name."""
        fields = config.get("filterFields")
        if isinstance(fields, (list, tuple)) and _id_field(config) in fields:
            raise IsolationRefused(f"nativeVector: the field of ids, {_id_field(config)!r}, is a filter field, too")

    def _filter(self, config: Mapping[str, Any], given: Mapping[str, Any]) -> Any:
        if isinstance(given.get("$or"), (list, tuple)):
            clauses = [self._filter(config, item) if isinstance(item, Mapping) else item for item in given["$or"]]
            return {**given, "$or": clauses}
        return self._prefix.added_to(given, ["value"] if given.get("field") == _id_field(config) else [])

    def _is_own(self, config: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
        return self._prefix.begins(row.get(_id_field(config)))

    def _counted(self, send: Any, request: Request) -> dict[str, Any]:
        """What ``describe`` says of the test's rows; the deployment took the request already."""
        count = 0
        for (table, _, _), made in self._made.native.items():
            if table == request["config"]["tableName"]:
                ids = list(made.ids)
                for start in range(0, len(ids), _READ_AT_ONCE):
                    read = {"op": "listByIds", "config": made.config, "ids": ids[start : start + _READ_AT_ONCE]}
                    count += sum(row is not None for row in send(read))
        limit = max(1.0, min(float(request.get("countLimit", _COUNTED_MAX)), float(_COUNTED_MAX)))
        return {"count": min(float(count), limit), "countIsLimited": count > limit}


def _id_field(config: Mapping[str, Any]) -> Any:
    return config.get("idField", "id")


def _key(config: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(config.get("tableName")), str(_id_field(config)), str(config.get("idIndexName", "by_record_id"))


def _is_limit(limit: Any) -> bool:
    is_number = isinstance(limit, (int, float)) and not isinstance(limit, bool)
    return is_number and 1 <= limit <= _FOUND_MAX and limit % 1 == 0
