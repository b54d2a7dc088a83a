"""The domain ``background_tasks``: calls of tools that go on while their agent does something else.

Arguments, results, errors and suspend payloads are JSON text on the deployment.  Tasks that older versions wrote,
in the other spelling of the column names, are read as well.
npm @mastra/convex 1.5.2 ``BackgroundTasksConvex`` (mastra-adapter.md §7, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypedDict, Unpack, cast

from convex_mastra_emulator.stores.json_text import from_json_text, to_json_text, whole
from convex_mastra_emulator.stores.storage_client import UNSET, Record, StorageClient, Unset, equal, given
from convex_mastra_emulator.stores.times import from_iso, to_epoch_ms, to_iso, to_milliseconds

TABLE_BACKGROUND_TASKS = "mastra_background_tasks"

TaskStatus = Literal["pending", "running", "suspended", "completed", "failed", "cancelled", "timed_out"]
TaskDateColumn = Literal["created_at", "started_at", "suspended_at", "completed_at"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundTask:
    """One call of a tool.

    Attributes:
        id: its own id.
        status: how far it is.
        tool_name: the tool.
        tool_call_id: the call that the model made.
        args: what the tool is given.
        agent_id: whose call it is.
        run_id: the agent's run.
        thread_id: the conversation.
        resource_id: whose conversation.
        result: what the tool gave.
        error: ``{"message": …, "stack": …}``.
        suspend_payload: why it waits.
        retry_count: how often it was tried again.
        max_retries: how often it may be tried again.
        timeout_ms: how long it may take.
        created_at: when it was made.
        started_at: when it began.
        suspended_at: when it began to wait.
        completed_at: when it ended.
    """

    id: str
    status: TaskStatus
    tool_name: str
    tool_call_id: str
    args: Any
    agent_id: str
    run_id: str
    thread_id: str | None = None
    resource_id: str | None = None
    result: Any = None
    error: Any = None
    suspend_payload: Any = None
    retry_count: int
    max_retries: int
    timeout_ms: float
    created_at: datetime
    started_at: datetime | None = None
    suspended_at: datetime | None = None
    completed_at: datetime | None = None


class TaskFilter(TypedDict, total=False):
    """Which tasks; None and the empty text filter nothing.

    Attributes:
        status: one status or several; an empty list matches no task.
        from_date: tasks whose date is this or later.
        to_date: tasks whose date is before this.
        date_filter_by: the date that is compared, ``created_at`` unless given; a task without it never matches.
    """

    status: TaskStatus | Sequence[TaskStatus] | None
    agent_id: str | None
    thread_id: str | None
    resource_id: str | None
    tool_name: str | None
    tool_call_id: str | None
    run_id: str | None
    from_date: datetime | None
    to_date: datetime | None
    date_filter_by: TaskDateColumn | None


class TaskQuery(TaskFilter, total=False):
    """Which tasks, in which order, and which page of them.

    Attributes:
        order_by: the date to order by, ``created_at`` unless given; tasks without it come first.
        order_direction: ``asc`` unless given.
        page: counted from 0; counts only with ``per_page``.
        per_page: how many a page holds; all unless given.
    """

    order_by: TaskDateColumn | None
    order_direction: Literal["asc", "desc"] | None
    page: int | None
    per_page: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskListResult:
    """A page of tasks; ``total`` counts those of all pages."""

    tasks: list[BackgroundTask]
    total: int


# In the order in which 1.5.2 sends them.
_ID_COLUMNS = ("agent_id", "thread_id", "resource_id", "tool_name", "tool_call_id", "run_id")
_DATES = ("created_at", "started_at", "suspended_at", "completed_at")


class ConvexBackgroundTasks:
    """Background tasks on a deployment."""

    def __init__(self, client: StorageClient) -> None:
        self._client = client

    def dangerously_clear_all(self) -> None:
        """Deletes all tasks."""
        self._client.clear_table(TABLE_BACKGROUND_TASKS)

    def create_task(self, task: BackgroundTask) -> None:
        """Writes a task, over the one with its id if there is one.

        Raises:
            StorageError: for what the table's schema refuses.
        """
        self._client.insert(TABLE_BACKGROUND_TASKS, _record(task))

    def update_task(
        self,
        task_id: str,
        *,
        status: TaskStatus | Unset = UNSET,
        result: Any = UNSET,
        error: Any = UNSET,
        suspend_payload: Any = UNSET,
        retry_count: int | Unset = UNSET,
        max_retries: int | Unset = UNSET,
        timeout_ms: float | Unset = UNSET,
        started_at: datetime | Unset | None = UNSET,
        suspended_at: datetime | Unset | None = UNSET,
        completed_at: datetime | Unset | None = UNSET,
    ) -> None:
        """Changes what is given, None clears it; sends nothing if nothing is.  A missing task is no error.

        Raises:
            StorageError: for what the table's schema refuses.
        """
        changes = given(
            status=status,
            result=_optional_text(result),
            error=_optional_text(error),
            suspend_payload=_optional_text(suspend_payload),
            retry_count=retry_count,
            max_retries=max_retries,
            timeout_ms=timeout_ms,
            startedAt=started_at,
            suspendedAt=suspended_at,
            completedAt=completed_at,
        )
        if changes:
            self._client.patch(TABLE_BACKGROUND_TASKS, task_id, changes)

    def get_task(self, task_id: str) -> BackgroundTask | None:
        """The task, or None if there is none."""
        row = self._client.load(TABLE_BACKGROUND_TASKS, id=task_id)
        return _task(row) if row else None

    def list_tasks(self, **query: Unpack[TaskQuery]) -> TaskListResult:
        """The tasks that meet all conditions, oldest first unless said otherwise.

        Args:
            **query: conditions, order and page (:class:`TaskQuery`).

        Raises:
            TypeError: for any other argument.
            ValueError: for a date that tasks do not have.
        """
        _check_names("list_tasks", query, TaskQuery)
        order_by = _date(query.get("order_by"))
        filters = _equality_filters(query)
        rows = self._client.query_table(TABLE_BACKGROUND_TASKS, filters or None)
        # The request carries only what an index can answer, and the rows of old versions come in another spelling.
        tasks = [task for task in map(_task, rows) if _matches(task, query)]
        tasks.sort(key=lambda task: _time_of(task, order_by), reverse=query.get("order_direction") == "desc")
        return TaskListResult(tasks=_page(tasks, query.get("page"), query.get("per_page")), total=len(tasks))

    def delete_task(self, task_id: str) -> None:
        """Deletes a task; a missing one is no error."""
        self._client.delete_many(TABLE_BACKGROUND_TASKS, [task_id])

    def delete_tasks(self, **query: Unpack[TaskQuery]) -> None:
        """Deletes the tasks that :meth:`list_tasks` gives for the same arguments; without a condition, none.

        Args:
            **query: conditions, order and page (:class:`TaskQuery`).

        Raises:
            TypeError: for any other argument.
            ValueError: for a date that tasks do not have.
        """
        _check_names("delete_tasks", query, TaskQuery)
        conditions = ("status", *_ID_COLUMNS, "from_date", "to_date")
        if any(query.get(name) for name in conditions):
            tasks = self.list_tasks(**query).tasks
            self._client.delete_many(TABLE_BACKGROUND_TASKS, [task.id for task in tasks])

    def get_running_count(self) -> int:
        """How many tasks are running."""
        return self.list_tasks(status="running").total

    def get_running_count_by_agent(self, agent_id: str) -> int:
        """How many tasks of an agent are running."""
        return self.list_tasks(status="running", agent_id=agent_id).total


# Conditions


def _check_names(method: str, query: TaskQuery, known: Any) -> None:
    unknown = sorted(query.keys() - known.__annotations__.keys())
    if unknown:
        names = ", ".join(sorted(known.__annotations__))
        raise TypeError(f"{method}() takes no {', '.join(unknown)}; known are: {names}")


def _date(name: str | None) -> str:
    if name is not None and name not in _DATES:
        raise ValueError(f"tasks have the dates {', '.join(_DATES)}, got {name!r}")
    return name or "created_at"


def _equality_filters(query: TaskQuery) -> list[dict[str, Any]]:
    status = query.get("status")
    filters = []
    if isinstance(status, str):
        filters.append(equal("status", status))
    elif status is not None and len(status) == 1:
        filters.append(equal("status", status[0]))
    values = {name: query.get(name) for name in _ID_COLUMNS}
    return filters + [equal(name, value) for name, value in values.items() if value]


def _matches(task: BackgroundTask, query: TaskQuery) -> bool:
    status = query.get("status")
    if status and isinstance(status, str) and task.status != status:
        return False
    if status is not None and not isinstance(status, str) and task.status not in status:
        return False
    values = {name: query.get(name) for name in _ID_COLUMNS}
    if any(value and getattr(task, name) != value for name, value in values.items()):
        return False
    return _is_within(task, query)


def _is_within(task: BackgroundTask, query: TaskQuery) -> bool:
    date: datetime | None = getattr(task, _date(query.get("date_filter_by")))
    first, end = query.get("from_date"), query.get("to_date")
    if first is not None and (date is None or date < to_milliseconds(first)):
        return False
    return end is None or (date is not None and date < to_milliseconds(end))


def _time_of(task: BackgroundTask, name: str) -> int:
    date: datetime | None = getattr(task, name)
    return 0 if date is None else to_epoch_ms(date)


def _page(tasks: list[BackgroundTask], page: int | None, per_page: int | None) -> list[BackgroundTask]:
    if per_page is None:
        return tasks
    start = 0 if page is None else page * per_page
    return tasks[start : start + per_page]


# Rows


def _record(task: BackgroundTask) -> Record:
    return {
        "id": task.id,
        "status": task.status,
        "tool_call_id": task.tool_call_id,
        "tool_name": task.tool_name,
        "agent_id": task.agent_id,
        "run_id": task.run_id,
        "thread_id": task.thread_id,
        "resource_id": task.resource_id,
        "args": to_json_text({} if task.args is None else task.args),
        "result": _optional_text(task.result),
        "error": _optional_text(task.error),
        "suspend_payload": _optional_text(task.suspend_payload),
        "retry_count": task.retry_count,
        "max_retries": task.max_retries,
        "timeout_ms": task.timeout_ms,
        "createdAt": to_iso(task.created_at),
        "startedAt": task.started_at,
        "suspendedAt": task.suspended_at,
        "completedAt": task.completed_at,
    }


def _optional_text(value: Any) -> Any:
    return value if value is None or value is UNSET else to_json_text(value)


def _task(row: Record) -> BackgroundTask:
    args = _parsed(row.get("args"))
    return BackgroundTask(
        id=row["id"],
        status=cast(TaskStatus, row["status"]),
        tool_name=_either(row, "tool_name", "toolName"),
        tool_call_id=_either(row, "tool_call_id", "toolCallId"),
        args={} if args is None else args,
        agent_id=_either(row, "agent_id", "agentId"),
        run_id=_either(row, "run_id", "runId"),
        thread_id=_either(row, "thread_id", "threadId"),
        resource_id=_either(row, "resource_id", "resourceId"),
        result=_parsed(row.get("result")),
        error=_parsed(row.get("error")),
        suspend_payload=_parsed(_either(row, "suspend_payload", "suspendPayload")),
        retry_count=whole(_either(row, "retry_count", "retryCount")),
        max_retries=whole(_either(row, "max_retries", "maxRetries")),
        timeout_ms=whole(_either(row, "timeout_ms", "timeoutMs")),
        created_at=from_iso(row["createdAt"]),
        started_at=_moment(row.get("startedAt")),
        suspended_at=_moment(row.get("suspendedAt")),
        completed_at=_moment(row.get("completedAt")),
    )


def _either(row: Record, column: str, legacy_column: str) -> Any:
    return row[column] if column in row else row.get(legacy_column)


def _parsed(value: Any) -> Any:
    """What a column of JSON text says; what is no JSON stands for itself, as in rows of old versions."""
    if not isinstance(value, str):
        return value
    try:
        return from_json_text(value)
    except ValueError:
        return value


def _moment(text: Any) -> datetime | None:
    return from_iso(text) if text else None
