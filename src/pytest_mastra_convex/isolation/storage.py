"""``storage:handle`` for one of several users of a deployment.

Vector and fallback tables are told apart by a name of the test's own, so that everything in them is the test's.
Typed tables are shared: every name in them gets the prefix, and rows whose id lacks it are other people's.
What has to look through a whole table reads it and sorts out the test's rows here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from convex_mastra_emulator.values.javascript import strictly_equal, truthy
from convex_mastra_emulator.values.types import undefined
from pytest_mastra_convex.isolation.made import Made
from pytest_mastra_convex.isolation.names import IsolationRefused, Prefix
from pytest_mastra_convex.isolation.rules import NAME_COLUMNS, STORAGE_RULES, Answer, Rule

Request = dict[str, Any]
Send = Callable[[Request], Any]

_VECTORS = "mastra_vector_"
_WORKFLOWS = "mastra_workflow_snapshot"
# An answer is a value, whose lists have no more elements (convex-engine.md §1); handlers would read 10,000 rows.
_ROWS_MAX = 8192
# mastra-adapter.md §2: rows that go per call, and §8: due schedules without a limit.
_CLEARED_AT_ONCE = 25
_DUE_SCHEDULES_DEFAULT = 100


class IsolatedStorage:
    """Answers requests to ``storage:handle`` as if nobody else used the deployment.

    Args:
        prefix: begins the test's names.
        made: is told what is made.
    """

    def __init__(self, prefix: Prefix, made: Made) -> None:
        self._prefix = prefix
        self._made = made
        self._answers: dict[Answer, Callable[[Send, Request], Any]] = {
            "as it is": lambda send, request: send(request),
            "own rows": self._query_table,
            "own due schedules": self._due_schedules,
            "first own match": self._load,
            "own rows deleted": self._clear,
        }

    def answer(self, send: Send, request: Request) -> Any:
        """Sends a request with the prefix and gives what comes back, of which the prefix is still part.

        Raises:
            IsolationRefused: for an operation nobody knows, and for a name that is no text.
        """
        table, op = request.get("tableName"), request.get("op")
        if not isinstance(table, str):
            return send(request)  # the handler refuses it before it does anything
        rule = STORAGE_RULES.get(op) if isinstance(op, str) else None
        if rule is None:
            raise IsolationRefused(f"storage:handle: the operation {op!r} is not known here and might touch other rows")
        if table not in NAME_COLUMNS:
            return send(self._on_own_table(table, rule, request))
        return self._answers[rule.answer](send, self._on_typed_table(send, table, rule, request))

    # Requests

    def _on_own_table(self, table: str, rule: Rule, request: Request) -> Request:
        """The request for a vector or fallback table, of which the test has its own."""
        is_vectors = table.startswith(_VECTORS)
        own = _VECTORS + self._prefix.text + table.removeprefix(_VECTORS) if is_vectors else self._prefix.text + table
        if rule.creates:
            self._made.add_own_table(own, _ids_of([request.get("record"), *_items(request.get("records"))]))
        changed = {**request, "tableName": own}
        if is_vectors and "filters" in changed:
            changed["filters"] = self._filters(changed["filters"], frozenset({"indexName"}))
        return changed

    def _on_typed_table(self, send: Send, table: str, rule: Rule, request: Request) -> Request:
        """The request with the prefix before all names; what it makes is remembered."""
        changed = dict(request)
        for name in rule.names:
            changed[name] = self._name(request, name, request.get(name))
        for name in rule.name_lists:
            if changed.get(name) is not None:
                changed[name] = self._name_list(request, name)
        changed = self._prefix.added_to(changed, rule.new_names)
        made = [changed.get(name) for name in rule.makes]
        for name in rule.records:
            if isinstance(changed.get(name), Mapping):
                changed[name] = self._record(table, rule, changed[name])
                made.append(changed[name].get("id"))
        for name in rule.record_lists:
            if isinstance(changed.get(name), (list, tuple)):
                records = [self._record(table, rule, item) for item in changed[name]]
                self._check_batch(request, records)
                changed[name] = records
                made += _ids_of(records)
        self._check_new(send, table, changed, _at(changed, rule.repeats))
        own = list(filter(self._prefix.begins, made))
        if own:
            self._made.add_rows(table, own)
        return changed

    def _check_new(self, send: Send, table: str, request: Request, record_id: Any) -> None:
        """Two rows of one id would stay on the deployment for ever: no handler deletes them."""
        if record_id == request.get("id") or record_id not in self._made.rows.get(table, ()):
            return
        answer = send({"op": "load", "tableName": table, "keys": {"id": record_id}})
        if answer.get("result") is not None:
            shown = self._prefix.removed(record_id)
            raise IsolationRefused(
                f"storage:handle {request['op']}: a second row of the id {shown!r} could not be deleted again"
            )

    def _name(self, request: Request, argument: str, name: Any) -> str:
        """A name with the prefix; what is no text could find rows that have no such column, or one of an old kind."""
        if not isinstance(name, str):
            raise IsolationRefused(f"storage:handle {request['op']}: {argument} must be a text here, got {name!r}")
        return self._prefix.text + name

    def _name_list(self, request: Request, argument: str) -> list[str]:
        names = request[argument]
        if not isinstance(names, (list, tuple)):
            raise IsolationRefused(f"storage:handle {request['op']}: {argument} must be a list here, got {names!r}")
        return [self._name(request, argument, name) for name in names]

    def _record(self, table: str, rule: Rule, record: Any) -> Any:
        if not isinstance(record, Mapping):
            return record
        changed = self._prefix.added_to(record, NAME_COLUMNS[table])
        if rule.creates and record.get("id") == "":
            changed["id"] = ""  # which the handler refuses
        return changed

    def _check_batch(self, request: Request, records: list[Any]) -> None:
        """The handler takes the number 1 and the text "1" for one record of a batch, which a prefix would part."""
        for record_id in _ids_of(records):
            if truthy(record_id) and not isinstance(record_id, str):
                raise IsolationRefused(f"storage:handle {request['op']}: ids must be texts here, got {record_id!r}")

    def _filters(self, filters: Any, columns: frozenset[str]) -> Any:
        def changed(item: Any) -> Any:
            field = item.get("field") if isinstance(item, Mapping) else None
            is_name = isinstance(field, str) and field in columns
            return self._prefix.added_to(item, ["value"]) if is_name else item

        return list(map(changed, filters)) if isinstance(filters, (list, tuple)) else filters

    # Answers

    def _query_table(self, send: Send, request: Request) -> Any:
        """The test's rows of a query; a limit would count others' rows, so it is applied here."""
        if "filters" in request:
            request["filters"] = self._filters(request["filters"], NAME_COLUMNS[request["tableName"]])
        if isinstance(request.get("indexHint"), Mapping):
            request["indexHint"] = self._prefix.added_to(request["indexHint"], ["workflowName", "runId"])
        wanted = _rows_wanted(request)
        answer = send(request if wanted is None else {**request, "limit": float(_ROWS_MAX)})
        if _refusal(answer):
            return answer
        own = self._own(answer["result"], request, wanted)
        if wanted == math.inf and len(own) == _ROWS_MAX:
            return send(request)  # all are the test's, and too many for an answer
        return {**answer, "result": own if wanted is None or wanted == math.inf else own[: int(wanted)]}

    def _due_schedules(self, send: Send, request: Request) -> Any:
        limit = request.get("limit")
        is_number = isinstance(limit, (int, float)) and not isinstance(limit, bool) and math.isfinite(limit)
        wanted = max(0, math.floor(limit)) if is_number else _DUE_SCHEDULES_DEFAULT  # type: ignore[arg-type]
        answer = send({**request, "limit": float(_ROWS_MAX)})
        if _refusal(answer):
            return answer
        return {**answer, "result": self._own(answer["result"], request, wanted)[:wanted]}

    def _load(self, send: Send, request: Request) -> Any:
        keys, table = request.get("keys"), request["tableName"]
        if keys is None:
            return send(request)  # the handler fails
        if not isinstance(keys, Mapping):
            raise IsolationRefused(f"storage:handle load: keys must be an object here, got {keys!r}")
        if truthy(keys.get("id")):
            return send({**request, "keys": {**keys, "id": self._name(request, "keys.id", keys["id"])}})
        wanted = self._prefix.added_to(keys, NAME_COLUMNS[table])
        if table == _WORKFLOWS and all(isinstance(keys.get(name), str) for name in ("workflow_name", "run_id")):
            return send({**request, "keys": {**wanted, "id": None}})
        return self._first_match(send, table, wanted)

    def _first_match(self, send: Send, table: str, wanted: dict[str, Any]) -> Any:
        """The oldest of the test's rows that has all those fields."""
        names = NAME_COLUMNS[table] - {"id"}
        filters = [{"field": name, "value": wanted[name]} for name in wanted if name in names]
        answer = self._own_rows(send, table, [item for item in filters if isinstance(item["value"], str)])
        if _refusal(answer):
            return answer
        matching = [row for row in answer["result"] if _has(row, wanted)]
        return {"ok": True, "result": matching[0] if matching else None}

    def _clear(self, send: Send, request: Request) -> Any:
        """Deletes some of the test's rows, as many as the handler would of everybody's."""
        table = request["tableName"]
        answer = self._own_rows(send, table, [])
        if _refusal(answer):
            return answer
        ids = [row["id"] for row in answer["result"]]
        if ids:
            deleted = send({"op": "deleteMany", "tableName": table, "ids": ids[:_CLEARED_AT_ONCE]})
            if _refusal(deleted):
                return deleted
        return {"ok": True, "hasMore": len(ids) > _CLEARED_AT_ONCE}

    def _own_rows(self, send: Send, table: str, filters: list[Request]) -> Any:
        """The test's rows in the order in which they were created, or the refusal."""
        request = {"op": "queryTable", "tableName": table, "filters": filters, "limit": float(_ROWS_MAX)}
        answer = send(request)
        if _refusal(answer):
            return answer
        # Rows of an older version of Mastra, which lie in the fallback table, come without their system fields.
        rows = sorted(self._own(answer["result"], request, None), key=lambda row: row.get("_creationTime", 0.0))
        return {**answer, "result": rows}

    def _own(self, rows: list[Any], request: Request, wanted: float | None) -> list[Any]:
        own = [row for row in rows if isinstance(row, Mapping) and self._prefix.begins(row.get("id"))]
        is_short = wanted is None or len(own) < wanted
        if len(rows) >= _ROWS_MAX and len(own) < len(rows) and is_short:
            raise IsolationRefused(
                f"storage:handle {request['op']} on {request['tableName']}: a deployment answers no more than "
                f"{_ROWS_MAX:,} rows, other people's are among them, and so the test's may be missing; filter by a "
                "thread, a run or another id, or empty the table"
            )
        return own


def _refusal(answer: Any) -> bool:
    return (
        not isinstance(answer, Mapping)
        or answer.get("ok") is not True
        or not isinstance(answer.get("result", []), list)
    )


def _items(records: Any) -> list[Any]:
    return list(records) if isinstance(records, (list, tuple)) else []


def _at(request: Request, place: tuple[str, ...]) -> str | None:
    """The text at a place of the request, if there is one."""
    found: Any = request if place else None
    for name in place:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) else None


def _ids_of(records: Iterable[Any]) -> list[Any]:
    return [record.get("id") for record in records if isinstance(record, Mapping)]


def _has(row: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(strictly_equal(row.get(name, undefined), _number(value)) for name, value in wanted.items())


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _rows_wanted(request: Request) -> float | None:
    """How many rows a query asks for; infinity without a limit, None with one that the handler refuses.

    Raises:
        IsolationRefused: for what is no number: JavaScript would make one of it, and count others' rows.
    """
    limit = request.get("limit")
    if not truthy(limit):
        return math.inf
    if not isinstance(limit, (int, float)) or isinstance(limit, bool):
        raise IsolationRefused(f"storage:handle {request['op']}: limit must be a number here, got {limit!r}")
    if limit == math.inf:
        return limit
    # The handler reads twice as many, and can read whole numbers of rows only.
    return int(limit) if limit > 0 and (2 * limit) % 1 == 0 else None
