"""Two users of one deployment who never see each other, and leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from convex_mastra_emulator import Deployment, Emulator, FunctionError, ManualClock, query
from pytest_mastra_convex.isolation import IsolatedDeployment, IsolationRefused, MastraPaths
from pytest_mastra_convex.isolation.rules import NAME_COLUMNS
from tests.differential.storage_strategies import plain_record
from tests.plugin.shared_deployment import OTHER, OWN, all_rows, put_foreign_rows, shared_schema

STORAGE, CACHE = "mastra/storage:handle", "mastra/cache:handle"
READ, WRITE, SEARCH = "mastra/nativeVector:read", "mastra/nativeVector:write", "mastra/nativeVector:query"
DOCS = {"tableName": "docs_vectors", "vectorIndexName": "by_embedding"}


@pytest.fixture
def shared(clock: ManualClock) -> Iterator[Emulator]:
    """A deployment in which other people have rows."""
    with Emulator(shared_schema(), seed=1, clock=clock) as emulator:
        put_foreign_rows(emulator)
        yield emulator


@pytest.fixture
def own(shared: Emulator) -> IsolatedDeployment:
    return IsolatedDeployment(shared, OWN)


@pytest.fixture
def other(shared: Emulator) -> IsolatedDeployment:
    return IsolatedDeployment(shared, OTHER)


def storage(deployment: Deployment, op: str, table: str, **arguments: Any) -> Any:
    return deployment.mutation(STORAGE, {"op": op, "tableName": table, **arguments})


def ids_in(deployment: Deployment, table: str, **arguments: Any) -> list[str]:
    return [row["id"] for row in storage(deployment, "queryTable", table, **arguments)["result"]]


def insert(deployment: Deployment, table: str, *ids: str) -> None:
    rows = [{**plain_record(table), "id": record_id} for record_id in ids]
    storage(deployment, "batchInsert", table, records=rows)


@pytest.mark.parametrize("table", sorted(NAME_COLUMNS))
def test_a_typed_table_shows_the_users_own_rows(own: IsolatedDeployment, other: IsolatedDeployment, table: str) -> None:
    insert(other, table, "a", "x")
    insert(own, table, "a")

    assert ids_in(own, table) == ["a"]
    assert ids_in(other, table) == ["a", "x"]


# The row of another user would be the first one of twice the limit.
def test_a_limit_counts_own_rows(own: IsolatedDeployment) -> None:
    insert(own, "mastra_threads", "m", "n", "o")

    assert ids_in(own, "mastra_threads", limit=2) == ["m", "n"]


def test_a_row_is_loaded_by_fields_that_others_have_too(own: IsolatedDeployment) -> None:
    insert(own, "mastra_channel_config", "mine")

    found = storage(own, "load", "mastra_channel_config", keys={"platform": "a"})

    assert found["result"]["id"] == "mine"


# A handler would delete everybody's rows, 25 a call.
@pytest.mark.parametrize("op", ["clearTable", "dropTable"])
def test_clearing_a_table_takes_own_rows_only(shared: Emulator, own: IsolatedDeployment, op: str) -> None:
    before = all_rows(shared)
    insert(own, "mastra_messages", *(f"m{number}" for number in range(27)))

    answers = [storage(own, op, "mastra_messages") for _ in range(2)]

    assert answers == [{"ok": True, "hasMore": True}, {"ok": True, "hasMore": False}]
    assert all_rows(shared) == before


def test_due_schedules_are_the_users_own(own: IsolatedDeployment, other: IsolatedDeployment) -> None:
    for user, count in ((other, 3), (own, 1)):
        for number in range(count):
            record = {**plain_record("mastra_schedules"), "id": f"s{number}", "status": "active"}
            storage(user, "createSchedule", "mastra_schedules", record=record)

    due = storage(own, "listDueSchedules", "mastra_schedules", now=10, limit=1)

    assert [row["id"] for row in due["result"]] == ["s0"]


def test_a_fallback_table_is_cleared_for_its_user(shared: Emulator, own: IsolatedDeployment) -> None:
    before = all_rows(shared)
    storage(own, "insert", "notes", record={"id": "a", "mine": True})

    rows = storage(own, "queryTable", "notes")["result"]
    storage(own, "clearTable", "notes")

    assert rows == [{"id": "a", "mine": True}]
    assert all_rows(shared) == before


def test_an_error_names_what_the_user_named(own: IsolatedDeployment) -> None:
    record = {**plain_record("mastra_schedules"), "id": "s"}
    storage(own, "createSchedule", "mastra_schedules", record=record)

    with pytest.raises(FunctionError, match='Schedule with id "s" already exists') as refused:
        storage(own, "createSchedule", "mastra_schedules", record=record)

    assert OWN not in str(refused.value) + refused.value.message


# Snapshots come back as JSON in a text.
def test_the_prefix_is_taken_out_of_json_in_texts(own: IsolatedDeployment) -> None:
    record = {**plain_record("mastra_workflow_snapshot"), "id": "w-r", "workflow_name": "w", "run_id": "r"}
    storage(own, "insert", "mastra_workflow_snapshot", record={**record, "snapshot": None})

    merge = {"workflowName": "w", "runId": "r", "opts": "{}"}
    merged = storage(own, "mergeWorkflowState", "mastra_workflow_snapshot", **merge)

    assert '"runId":"r"' in merged["result"]


def test_a_search_finds_own_vectors_though_others_are_nearer(own: IsolatedDeployment) -> None:
    vectors = [[1.0, 0.1, 0.0], [1.0, 0.2, 0.0]]
    own.mutation(WRITE, {"op": "upsert", "config": DOCS, "ids": ["m", "n"], "vectors": vectors})

    found = own.action(SEARCH, {"config": DOCS, "vector": [1.0, 0.0, 0.0], "limit": 1.0})
    rows = own.query(READ, {"op": "getByConvexIds", "config": DOCS, "ids": [row["id"] for row in found]})

    assert [row["id"] for row in rows] == ["m"]


# More than a deployment gives for one search: what lies behind them cannot be found.
def test_a_search_that_others_fill_is_refused(shared: Emulator, own: IsolatedDeployment) -> None:
    ids = [f"f{number}" for number in range(256)]
    shared.mutation(WRITE, {"op": "upsert", "config": DOCS, "ids": ids, "vectors": [[1.0, 0.0, 0.0]] * 256})
    own.mutation(WRITE, {"op": "upsert", "config": DOCS, "ids": ["m"], "vectors": [[-1.0, 0.0, 0.0]]})

    with pytest.raises(IsolationRefused, match="the 256 nearest vectors"):
        own.action(SEARCH, {"config": DOCS, "vector": [1.0, 0.0, 0.0]})


def test_native_vectors_are_counted_for_their_user(own: IsolatedDeployment) -> None:
    own.mutation(WRITE, {"op": "upsert", "config": DOCS, "ids": ["m"], "vectors": [[1.0, 0.0, 0.0]]})

    assert own.query(READ, {"op": "describe", "config": DOCS}) == {"count": 1.0, "countIsLimited": False}


def test_the_cache_is_cleared_for_its_user_also_without_a_key_prefix(shared: Emulator, own: IsolatedDeployment) -> None:
    before = all_rows(shared)
    own.mutation(CACHE, {"op": "set", "key": "k", "keyPrefix": "", "value": 1, "expiresAt": None})

    cleared = own.mutation(CACHE, {"op": "clear", "keyPrefix": ""})

    assert cleared == {"ok": True, "hasMore": False}
    assert all_rows(shared) == before


@pytest.mark.parametrize(
    ("path", "request_sent"),
    [
        (STORAGE, {"op": "sweep", "tableName": "mastra_threads"}),
        (STORAGE, {"op": "sweep", "tableName": "notes"}),
        (CACHE, {"op": "sweep", "key": "k"}),
        (WRITE, {"op": "sweep", "config": DOCS}),
    ],
)
def test_an_unknown_operation_is_refused_by_name(
    shared: Emulator, own: IsolatedDeployment, path: str, request_sent: dict[str, Any]
) -> None:
    calls = len(list(shared.journal))

    with pytest.raises(IsolationRefused, match="'sweep' is not known"):
        own.mutation(path, request_sent)

    assert len(list(shared.journal)) == calls


# A row without an id, of an older version, would be found by a patch without one.
@pytest.mark.parametrize("arguments", [{"record": {}}, {"id": 1.0, "record": {}}, {"id": None, "record": {}}])
def test_an_id_that_is_no_text_is_refused(own: IsolatedDeployment, arguments: dict[str, Any]) -> None:
    with pytest.raises(IsolationRefused, match="id must be a text"):
        storage(own, "patch", "mastra_workflow_snapshot", **arguments)


# Python's tuples travel as lists do.
def test_records_and_ids_in_tuples_are_the_users_own(shared: Emulator, own: IsolatedDeployment) -> None:
    before = all_rows(shared)
    rows = tuple({**plain_record("mastra_threads"), "id": record_id} for record_id in ("a", "m"))

    storage(own, "batchInsert", "mastra_threads", records=rows)
    stored = ids_in(own, "mastra_threads", filters=({"field": "resourceId", "value": "a"},))
    storage(own, "deleteMany", "mastra_threads", ids=("a", "m"))

    assert stored == ["a", "m"]
    assert all_rows(shared) == before


# JavaScript would read the letters of a text as ids, and delete others' rows.
def test_ids_that_are_no_list_are_refused(own: IsolatedDeployment) -> None:
    with pytest.raises(IsolationRefused, match="ids must be a list"):
        storage(own, "deleteMany", "mastra_threads", ids="ab")


# Two rows of one id are found, and deleted, by no handler.
def test_a_second_row_of_an_id_is_refused(own: IsolatedDeployment) -> None:
    insert(own, "mastra_schedules", "s", "t")

    with pytest.raises(IsolationRefused, match="a second row of the id 's'"):
        storage(own, "updateSchedule", "mastra_schedules", id="t", patch={"id": "s"})


# Others' rows among the 8,192 that an answer holds at most: the user's may lie behind them.
def test_a_table_that_others_fill_is_refused(shared: Emulator, own: IsolatedDeployment) -> None:
    row = {**plain_record("mastra_resources")}
    for start in range(0, 10_000, 2500):
        rows = [{**row, "id": f"f{number}"} for number in range(start, start + 2500)]
        shared.run(lambda ctx, some=rows: [ctx.db.insert("mastra_resources", item) for item in some])  # type: ignore[misc]

    with pytest.raises(IsolationRefused, match="no more than 8,192 rows"):
        storage(own, "queryTable", "mastra_resources")


def test_other_functions_get_what_they_are_given(shared: Emulator, own: IsolatedDeployment) -> None:
    @query(args=None)
    def echo(ctx: Any, args: dict[str, Any]) -> Any:
        return args

    shared.define("mine:echo", echo)

    assert own.query("mine:echo", {"id": f"{OWN}a"}) == {"id": f"{OWN}a"}


# All these name one function on a deployment.
@pytest.mark.parametrize("path", ["mastra/storage.js:handle", "mastra//storage:handle", "mastra/./storage:handle"])
def test_a_function_is_known_by_every_form_of_its_path(own: IsolatedDeployment, path: str) -> None:
    answer = own.mutation(path, {"op": "queryTable", "tableName": "mastra_threads"})

    assert answer["result"] == []


def test_functions_may_have_other_paths(shared: Emulator) -> None:
    from convex_mastra_emulator.mastra import MASTRA_FUNCTIONS

    shared.define("agents/store:handle", MASTRA_FUNCTIONS[STORAGE])
    own = IsolatedDeployment(shared, OWN, paths=MastraPaths(storage="agents/store:handle"))

    answer = own.mutation("agents/store:handle", {"op": "queryTable", "tableName": "mastra_threads"})

    assert answer["result"] == []


@pytest.mark.parametrize("prefix", ["", "abc", "a b-c", "-abcd", "ab:cd"])
def test_a_prefix_that_could_occur_by_itself_is_refused(shared: Emulator, prefix: str) -> None:
    with pytest.raises(ValueError, match="a prefix has 4 or more"):
        IsolatedDeployment(shared, prefix)


def make_one_of_everything(deployment: Deployment) -> None:
    for table in NAME_COLUMNS:
        insert(deployment, table, *(f"m{number}" for number in range(30)))
    for table in ("notes", "mastra_vector_docs"):
        rows = [{"id": f"m{number}", "embedding": [1.0]} for number in range(60)]
        storage(deployment, "batchInsert", table, records=rows)
    storage(deployment, "insert", "notes", record={"id": 5.0})
    storage(deployment, "updateResource", "mastra_resources", resourceId="r", createdAt="c", updatedAt="u")
    for number in range(30):
        push = {"op": "listPush", "key": "list", "keyPrefix": "p:", "value": number, "expiresAt": None}
        deployment.mutation(CACHE, push)
    vectors = [[1.0, 0.0, float(number)] for number in range(60)]
    ids = [f"m{number}" for number in range(60)]
    deployment.mutation(WRITE, {"op": "upsert", "config": DOCS, "ids": ids, "vectors": vectors})


def test_cleaning_up_takes_everything_of_the_user_and_nothing_else(
    shared: Emulator, own: IsolatedDeployment, other: IsolatedDeployment
) -> None:
    make_one_of_everything(other)
    before = all_rows(shared)
    make_one_of_everything(own)

    own.clean_up()

    assert all_rows(shared) == before


# A real deployment is paid by the call: one per typed table, and a few for each table of the user's own.
def test_cleaning_up_takes_few_calls(shared: Emulator, own: IsolatedDeployment) -> None:
    make_one_of_everything(own)
    shared.journal.clear()

    own.clean_up()

    assert len(list(shared.journal)) <= len(NAME_COLUMNS) + 2 * 2 + 3 + 1


# A write whose answer got lost may have been done all the same.
def test_what_a_failed_call_made_is_cleaned_up(shared: Emulator) -> None:
    class LosesAnswers:
        query, action = shared.query, shared.action

        def mutation(self, path: str, args: Any = None) -> Any:
            shared.mutation(path, args)
            raise ConnectionError("the answer got lost")

    before = all_rows(shared)
    own = IsolatedDeployment(LosesAnswers(), OWN)
    with pytest.raises(ConnectionError):
        insert(own, "mastra_threads", "a")

    own.clean_up(through=shared)

    assert all_rows(shared) == before


# One table that cannot be emptied keeps nothing else from going, and is tried again.
def test_a_failed_clean_up_goes_on_and_can_be_repeated(shared: Emulator, own: IsolatedDeployment) -> None:
    class Refuses:
        query, action = shared.query, shared.action

        def mutation(self, path: str, args: Any = None) -> Any:
            if args.get("tableName") == "mastra_threads":
                raise FunctionError("no", message="no")
            return shared.mutation(path, args)

    before = all_rows(shared)
    for table in ("mastra_threads", "mastra_messages"):
        insert(own, table, "a")

    with pytest.raises(ExceptionGroup, match=f"rows with the prefix {OWN} are left"):
        own.clean_up(through=Refuses())
    left = all_rows(shared)
    own.clean_up()

    assert left["mastra_messages"] == before["mastra_messages"]
    assert all_rows(shared) == before


# One call for all ids would exceed what a deployment lets a function read.
def test_many_rows_are_cleaned_up_in_portions(clock: ManualClock) -> None:
    from convex_mastra_emulator.limits import DEFAULT_LIMITS

    limits = DEFAULT_LIMITS.lowered({"documents_read_max": 40})
    with Emulator(shared_schema(), clock=clock, limits=limits) as shared:
        own = IsolatedDeployment(shared, OWN)
        for number in range(100):
            insert(own, "mastra_threads", f"m{number}")

        own.clean_up()

        assert all_rows(shared)["mastra_threads"] == []
