"""The queries `npx convex` reads with: who may call them, what they show, and when live ones run again.

Rules: convex-backend npm-packages/system-udfs/convex/_system/cli/*.ts (convex-wire.md §5.1).
"""

from typing import Any

import pytest

from convex_mastra_emulator import (
    Emulator,
    HttpActionResponse,
    HttpRouter,
    action,
    http_action,
    internal_mutation,
    query,
)
from convex_mastra_emulator.errors import FunctionError, RequestRefused
from convex_mastra_emulator.protocol.system import system_functions
from convex_mastra_emulator.runtime.identity import acting_as
from convex_mastra_emulator.schema import define_schema, define_table, v
from tests.protocol.admin_client import AdminClient
from tests.protocol.sync_client import add, remove

ADA = {"issuer": "https://id.example", "subject": "ada"}
SCHEMA = define_schema({"zebras": define_table({"n": v.float64()}), "apes": define_table(v.any())})
PAGE = {"paginationOpts": {"cursor": None, "numItems": 10_000}}


@pytest.fixture
def admin() -> AdminClient:
    return AdminClient(Emulator(SCHEMA, seed=1))


def fill(emulator: Emulator, table: str, count: int) -> None:
    emulator.run(lambda ctx: [ctx.db.insert(table, {"n": float(n)}) for n in range(count)])


def table_data(admin: AdminClient, table: str, order: str = "desc", **options: Any) -> Any:
    options = {"cursor": None, "numItems": 100, **options}
    return admin.query("_system/cli/tableData", {"table": table, "order": order, "paginationOpts": options})


# Apart from the user's functions


def test_no_list_shows_them(admin: AdminClient) -> None:
    assert [path for path in admin.emulator.function_paths() if path.startswith("_system")] == []
    assert [path for path in admin.emulator.functions if path.startswith("_system")] == []


def test_they_cannot_be_replaced(admin: AdminClient) -> None:
    with pytest.raises(RequestRefused, match=r"You cannot push functions under the '_system/' directory\."):
        admin.emulator.define("_system/cli/tables", query(lambda ctx, args: "mine"))


def test_a_restored_snapshot_keeps_them(emulator: Emulator) -> None:
    snapshot = emulator.snapshot()
    admin = AdminClient(emulator)

    emulator.restore(snapshot)

    assert admin.query("_system/cli/convexUrl:cloudUrl") == "http://127.0.0.1:3210"


def test_an_emulator_that_is_not_served_has_none(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match="Could not find public function for '_system/cli/tables'"):
        emulator.query("_system/cli/tables", PAGE)


@pytest.mark.parametrize("path", sorted(system_functions(Emulator())))
def test_users_and_administrators_who_act_as_one_are_refused(admin: AdminClient, path: str) -> None:
    user = admin.emulator.verify_token(admin.emulator.issue_token(subject="ada"))

    for identity in (user, acting_as(ADA)):
        with pytest.raises(RequestRefused, match="Operation query not permitted"):
            admin.emulator.query(path, identity=identity)


@pytest.mark.parametrize(
    ("path", "args"),
    [
        ("_system/cli/tables", {}),
        ("_system/cli/tableData", {"table": "apes", "order": "up", **PAGE}),
        ("_system/cli/tableSize", {}),
        ("_system/cli/queryImport", {"importId": "no id"}),
        ("_system/cli/convexUrl:cloudUrl", {"extra": 1}),
    ],
)
def test_arguments_are_checked(admin: AdminClient, path: str, args: dict[str, Any]) -> None:
    with pytest.raises(FunctionError, match="ArgumentValidationError"):
        admin.query(path, args)


# Tables


# By number: those of the schema in its order, then those that functions have made; empty ones, too.
def test_tables_are_listed_by_number(admin: AdminClient) -> None:
    fill(admin.emulator, "later", 1)

    assert admin.query("_system/cli/tables", PAGE) == {
        "page": [{"name": "zebras"}, {"name": "apes"}, {"name": "later"}],
        "isDone": True,
        "continueCursor": "end",
    }


def test_a_live_list_of_tables_follows_new_ones(admin: AdminClient) -> None:
    client = admin.live()
    client.modify(add(0, "_system/cli/tables:default", PAGE))
    fill(admin.emulator, "apes", 1)
    assert client.wakings == 0

    fill(admin.emulator, "later", 1)

    [update] = client.transition()["modifications"]
    assert [table["name"] for table in update["value"]["page"]] == ["zebras", "apes", "later"]


def test_a_list_nobody_watches_any_more_wakes_nobody(admin: AdminClient) -> None:
    client = admin.live()
    client.modify(add(0, "_system/cli/tables:default", PAGE))
    client.modify(remove(0))

    fill(admin.emulator, "later", 1)

    assert client.wakings == 0


def test_documents_come_in_either_order_and_in_pages(admin: AdminClient) -> None:
    fill(admin.emulator, "apes", 3)

    first = table_data(admin, "apes", numItems=2)
    second = table_data(admin, "apes", cursor=first["continueCursor"])

    assert [row["n"] for row in first["page"]] == [2.0, 1.0]
    assert ([row["n"] for row in second["page"]], second["isDone"]) == ([0.0], True)
    assert [row["n"] for row in table_data(admin, "apes", "asc")["page"]] == [0.0, 1.0, 2.0]


# The limit on arrays holds for what these queries return, too: `npx convex data --limit 8191` asks for one row more.
def test_a_page_has_no_more_rows_than_an_array_may_have(admin: AdminClient) -> None:
    fill(admin.emulator, "apes", 8_193)

    assert len(table_data(admin, "apes", numItems=8_192)["page"]) == 8_192
    with pytest.raises(FunctionError, match=r"Array length is too long \(8193 > maximum length 8192\)"):
        table_data(admin, "apes", numItems=8_193)


@pytest.mark.parametrize("table", ["nowhere", "_storage", "_nowhere"])
def test_a_table_that_is_not_there_has_no_documents(admin: AdminClient, table: str) -> None:
    assert table_data(admin, table)["page"] == []


def test_scheduled_functions_can_be_read(admin: AdminClient) -> None:
    admin.emulator.define("later:run", internal_mutation(lambda ctx, args: None))
    admin.emulator.run(lambda ctx: ctx.scheduler.run_after(60_000, "later:run", {}))

    [job] = table_data(admin, "_scheduled_functions")["page"]

    assert job["name"] == "later.js:run"


def test_sizes_are_numbers_of_documents(admin: AdminClient) -> None:
    fill(admin.emulator, "apes", 3)

    sizes = {name: admin.query("_system/cli/tableSize", {"tableName": name}) for name in ("apes", "zebras", "nowhere")}

    assert sizes == {"apes": 3.0, "zebras": 0.0, "nowhere": 0.0}


# What `npx convex dev` waits on after a push that failed because of a table's documents.
def test_a_table_that_changes_is_told_of_with_another_number(admin: AdminClient) -> None:
    fill(admin.emulator, "apes", 1)
    client = admin.live()
    [before] = client.modify(add(0, "_system/cli/queryTable:default", {"tableName": "apes"}))
    fill(admin.emulator, "zebras", 1)
    assert client.wakings == 0

    fill(admin.emulator, "apes", 1)

    [after] = client.transition()["modifications"]
    assert before["value"] != after["value"]
    assert 0 <= after["value"] < 1


# The deployment


def test_the_url_is_that_of_the_server(admin: AdminClient) -> None:
    assert admin.query("_system/cli/convexUrl:cloudUrl") == "http://127.0.0.1:3210"

    admin.emulator.env.built_in["CONVEX_CLOUD_URL"] = "http://127.0.0.1:1"

    assert admin.query("_system/cli/convexUrl:cloudUrl") == "http://127.0.0.1:1"


# What `npx convex run` lists when there is no such function, and `npx convex function-spec` prints.
def test_functions_are_described(admin: AdminClient) -> None:
    emulator = admin.emulator
    emulator.define("a:read", query(lambda ctx, args: None, args={"n": v.optional(v.int64())}, returns=v.null()))
    emulator.define("a:act", action(lambda ctx, args: None))
    emulator.define("a", internal_mutation(lambda ctx, args: None, args={"kind": v.literal("x")}))

    described = admin.query("_system/cli/modules:apiSpec")

    number = {"fieldType": {"type": "bigint"}, "optional": True}
    literal = {"fieldType": {"type": "literal", "value": "x"}, "optional": False}
    assert [function for function in described if function["identifier"].startswith("a.js")] == [
        {
            "identifier": "a.js:act",
            "functionType": "Action",
            "visibility": {"kind": "public"},
            "args": {"type": "any"},
            "returns": {"type": "any"},
        },
        {
            "identifier": "a.js:default",
            "functionType": "Mutation",
            "visibility": {"kind": "internal"},
            "args": {"type": "object", "value": {"kind": literal}},
            "returns": {"type": "any"},
        },
        {
            "identifier": "a.js:read",
            "functionType": "Query",
            "visibility": {"kind": "public"},
            "args": {"type": "object", "value": {"n": number}},
            "returns": {"type": "null"},
        },
    ]


# Mastra's native vectors declare a field `$or`, which no value can have.
def test_mastras_functions_are_described(admin: AdminClient) -> None:
    described = {function["identifier"] for function in admin.query("_system/cli/modules:apiSpec")}

    assert {"mastra/storage.js:handle", "mastra/cache.js:handle"} <= described


# A deployment lists module by module, and has the routes with the module that holds them.
def test_routes_of_http_actions_are_listed_where_their_module_is(admin: AdminClient) -> None:
    for path in ("a:read", "z:read"):
        admin.emulator.define(path, query(lambda ctx, args: None))
    router = HttpRouter()
    action = http_action(lambda ctx, request: HttpActionResponse(None))
    router.route(path_prefix="/files/", method="POST", handler=action)
    router.route(path="/tea", method="GET", handler=action)
    admin.emulator.define_http(router)

    described = admin.query("_system/cli/modules:apiSpec")

    shown = [spec.get("identifier", spec.get("path")) for spec in described]
    assert [name for name in shown if not name.startswith("mastra/")] == ["a.js:read", "/tea", "/files/*", "z.js:read"]
    assert {"functionType": "HttpAction", "method": "POST", "path": "/files/*"} in described
