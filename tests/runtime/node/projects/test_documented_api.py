"""What Convex' documentation tells of functions, used by the project in ``documented/convex``, and what comes of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from convex_mastra_emulator import (
    ANONYMOUS,
    ConvexError,
    ConvexInt64,
    Emulator,
    FunctionError,
    ManualClock,
    user_identity,
)
from convex_mastra_emulator.runtime.arguments import python_arguments
from convex_mastra_emulator.runtime.functions import FunctionKind
from convex_mastra_emulator.runtime.identity import ADMIN

FOLDER = Path(__file__).with_name("documented") / "convex"
ADA = user_identity({"subject": "ada", "issuer": "https://issuer.example", "name": "Ada"})


@pytest.fixture(scope="module")
def deployed(npm_packages: Path) -> Iterator[Emulator]:
    with Emulator(clock=ManualClock(), seed=1) as emulator:
        emulator.deploy(FOLDER)
        yield emulator


@pytest.fixture
def convex(deployed: Emulator) -> Iterator[Emulator]:
    with deployed.rollback():
        yield deployed


@pytest.fixture
def recipes(convex: Emulator) -> dict[str, str]:
    """The ids of some recipes by their titles."""
    given: list[dict[str, Any]] = [
        {"title": "Curry", "cuisine": "thai", "minutes": 30.0},
        {"title": "Soup", "cuisine": "french", "minutes": 60.0, "author": "ada"},
        {"title": "Onion soup", "cuisine": "french", "minutes": 45.0},
        {"title": "Bread", "cuisine": "french"},
    ]
    return {recipe["title"]: str(convex.mutation("recipes:add", recipe)) for recipe in given}


def advance(convex: Emulator, seconds: float) -> None:
    assert isinstance(convex.clock, ManualClock)
    convex.clock.advance(seconds)


# Reading


def test_documents_come_in_the_order_of_their_creation(convex: Emulator, recipes: dict[str, str]) -> None:
    assert convex.query("recipes:collected") == ["Curry", "Soup", "Onion soup", "Bread"]
    assert convex.query("recipes:newestFirst") == ["Bread", "Onion soup"]


@pytest.mark.parametrize(
    ("args", "titles"),
    [
        ({}, ["Soup", "Onion soup", "Bread"]),
        ({"from": 45.0}, ["Soup", "Onion soup"]),
        ({"from": 45.0, "below": 60.0}, ["Onion soup"]),
    ],
)
def test_an_index_gives_a_range(
    convex: Emulator, recipes: dict[str, str], args: dict[str, float], titles: list[str]
) -> None:
    assert convex.query("recipes:byIndex", {"cuisine": "french", **args}) == titles


def test_an_index_orders_by_its_fields(convex: Emulator, recipes: dict[str, str]) -> None:
    assert convex.query("recipes:ordered") == ["Soup", "Onion soup", "Bread", "Curry"]
    assert convex.query("recipes:withoutMinutes") == ["Bread"]
    assert convex.query("recipes:byNestedField", {"name": "ada"}) == ["Soup"]


def test_every_table_has_indexes_of_its_own(convex: Emulator, recipes: dict[str, str]) -> None:
    onion_soup = convex.run(lambda ctx: ctx.db.get(recipes["Onion soup"]))

    assert convex.query("recipes:since", {"time": onion_soup["_creationTime"]}) == ["Bread"]
    assert convex.query("recipes:byId", {"id": recipes["Soup"]}) == ["Soup"]


def test_a_staged_index_cannot_be_used_yet(convex: Emulator) -> None:
    with pytest.raises(
        FunctionError, match=r"Index recipes\.still_staged is currently staged and not available to query"
    ):
        convex.query("recipes:staged")


@pytest.mark.parametrize(
    ("which", "titles"),
    [
        ("eq", ["Curry"]),
        ("neq", ["Bread", "Onion soup", "Soup"]),
        ("lt", ["Bread"]),
        ("lte", ["Bread", "Curry"]),
        ("gt", ["Onion soup", "Soup"]),
        ("gte", ["Soup"]),
        ("and", ["Onion soup", "Soup"]),
        ("or", ["Curry", "Soup"]),
        ("not", ["Curry"]),
        ("unset", ["Bread"]),
    ],
)
def test_filters_choose(convex: Emulator, recipes: dict[str, str], which: str, titles: list[str]) -> None:
    assert convex.query("recipes:filtered", {"which": which}) == titles


@pytest.mark.parametrize("which", ["sum", "difference", "product", "quotient", "rest", "negative"])
def test_filters_calculate(convex: Emulator, which: str) -> None:
    for minutes in (29.0, 30.0, 31.0):
        convex.mutation("recipes:add", {"title": f"{minutes:g}", "cuisine": "x", "minutes": minutes})

    assert convex.query("recipes:filtered", {"which": which}) == ["30"]


def test_first_and_unique(convex: Emulator, recipes: dict[str, str]) -> None:
    assert convex.query("recipes:firstOf", {"cuisine": "french"}) == "Soup"
    assert convex.query("recipes:firstOf", {"cuisine": "none"}) is None
    assert convex.query("recipes:titled", {"title": "Bread"}) == "french"
    assert convex.query("recipes:titled", {"title": "none"}) is None


def test_unique_refuses_a_second_one(convex: Emulator, recipes: dict[str, str]) -> None:
    convex.mutation("recipes:add", {"title": "Bread", "cuisine": "thai"})

    with pytest.raises(FunctionError, match=r"unique\(\) query returned more than one result"):
        convex.query("recipes:titled", {"title": "Bread"})


def test_queries_are_iterated(convex: Emulator, recipes: dict[str, str]) -> None:
    assert convex.query("recipes:iterated", {"until": "Soup"}) == ["Curry", "Soup"]
    assert len(convex.query("recipes:iterated", {"until": "none"})) == 4


@pytest.mark.parametrize(
    ("args", "pages"),
    [
        ({}, [["Bread", "Onion soup", "Soup"], ["Curry"]]),
        ({"cuisine": "french"}, [["Bread", "Onion soup", "Soup"], []]),
    ],
)
def test_pages_follow_each_other(
    convex: Emulator, recipes: dict[str, str], args: dict[str, str], pages: list[list[str]]
) -> None:
    first = convex.query("recipes:page", {**args, "paginationOpts": {"numItems": 3.0, "cursor": None}})
    options = {"numItems": 3.0, "cursor": first["continueCursor"]}
    second = convex.query("recipes:page", {**args, "paginationOpts": options})

    assert [first["page"], second["page"]] == pages
    assert (first["isDone"], second["isDone"]) == (False, True)


def test_ids_are_normalized(convex: Emulator, recipes: dict[str, str]) -> None:
    soup = recipes["Soup"]

    assert convex.query("recipes:normalized", {"id": soup}) == [soup, None, None]


@pytest.mark.parametrize(
    ("args", "titles"),
    [
        ({"text": "soup"}, {"Soup", "Onion soup"}),
        ({"text": "soup", "cuisine": "thai"}, set()),
        ({"text": "oni", "cuisine": "french"}, {"Onion soup"}),
        ({"text": "curry", "paginationOpts": {"numItems": 5.0, "cursor": None}}, {"Curry"}),
    ],
)
def test_text_is_searched(convex: Emulator, recipes: dict[str, str], args: dict[str, Any], titles: set[str]) -> None:
    assert set(convex.query("recipes:search", args)) == titles


# Writing


def test_a_patch_sets_and_takes_away_fields(convex: Emulator, recipes: dict[str, str]) -> None:
    notes, fields = convex.mutation("recipes:change", {"id": recipes["Curry"], "minutes": 31.0})

    assert notes == "changed"
    assert fields == ["_creationTime", "_id", "author", "cuisine", "minutes", "title"]


def test_a_replacement_keeps_id_and_time(convex: Emulator, recipes: dict[str, str]) -> None:
    assert convex.mutation("recipes:rewrite", {"id": recipes["Curry"]}) == {"title": "New Curry", "isSameTime": True}


@pytest.mark.parametrize("with_table", [True, False])
def test_what_is_deleted_is_gone(convex: Emulator, recipes: dict[str, str], with_table: bool) -> None:
    args = {"id": recipes["Curry"], "withTable": with_table}

    assert convex.mutation("recipes:remove", args) is None
    assert convex.query("scheduling:events") == ["removed"]
    with pytest.raises(FunctionError, match="nonexistent document"):
        convex.mutation("recipes:remove", args)


def test_many_are_written_side_by_side(convex: Emulator) -> None:
    given = [{"title": f"r{n}", "cuisine": "x"} for n in range(50)]

    assert convex.mutation("recipes:bulk", {"recipes": given}) == 50.0
    assert convex.query("recipes:collected") == [recipe["title"] for recipe in given]


def test_a_table_may_be_a_union(convex: Emulator) -> None:
    assert convex.mutation("recipes:conclude", {"outcome": {"kind": "done", "points": 5.0}}) == "done"
    with pytest.raises(FunctionError, match='Failed to insert or update a document in table "outcomes"'):
        convex.mutation("recipes:conclude", {"outcome": {"kind": "failed", "points": 5.0}})


# Validators


def everything(convex: Emulator) -> dict[str, Any]:
    team = convex.mutation("validators:team")
    return {
        "id": team,
        "nothing": None,
        "big": ConvexInt64(2**62),
        "number": 1.5,
        "flag": True,
        "text": "grüße",
        "bytes": b"\x00\xff",
        "list": ["a", 1.0],
        "object": {},
        "record": {team: [True, False]},
        "literal": ConvexInt64(2),
        "nullable": None,
        "any": {"deep": [{"x": None}]},
    }


def test_values_of_every_type_come_back(convex: Emulator) -> None:
    args = everything(convex)

    assert convex.query("validators:echo", args) == args


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "no id"),
        ("nothing", 0.0),
        ("big", 1.0),
        ("number", ConvexInt64(1)),
        ("flag", "true"),
        ("text", None),
        ("bytes", "AA=="),
        ("list", [True]),
        ("object", {"inner": 5.0}),
        ("object", {"other": "x"}),
        ("record", {"no id": [True]}),
        ("literal", "b"),
        ("literal", 2.0),
        ("nullable", 5.0),
        ("optional", None),
        ("unknown", 1.0),
    ],
)
def test_values_of_another_type_are_refused(convex: Emulator, field: str, value: Any) -> None:
    with pytest.raises(FunctionError, match="ArgumentValidationError: "):
        convex.query("validators:echo", {**everything(convex), field: value})


DERIVED: dict[str, Any] = {
    "picked": {"a": "x"},
    "omitted": {"b": 1.0, "c": True},
    "partial": {},
    "more": {"a": "x", "b": 1.0, "c": False, "d": None},
}


def test_validators_are_made_of_others(convex: Emulator) -> None:
    assert convex.query("validators:derived", DERIVED) == 4.0
    for name, wrong in [("picked", {}), ("omitted", {"a": "x"}), ("partial", {"b": "x"}), ("more", {"a": "x"})]:
        with pytest.raises(FunctionError, match="ArgumentValidationError: "):
            convex.query("validators:derived", {**DERIVED, name: wrong})


def test_what_is_returned_is_validated(convex: Emulator) -> None:
    with pytest.raises(FunctionError, match="ReturnsValidationError: Value does not match validator"):
        convex.query("validators:wronglyReturned")
    assert convex.query("validators:nothingReturned") is None


def test_without_validators_anything_goes(convex: Emulator) -> None:
    args = {"a": [1.0, {"b": None}]}

    assert convex.query("validators:unvalidated", args) == args


# Calls


def test_queries_and_mutations_call_each_other(convex: Emulator) -> None:
    assert convex.query("calls:countBesides") == [0.0, 0.0]
    assert convex.mutation("calls:recordAndCount", {"what": "fine"}) == {"failed": None, "left": 2.0}


def test_a_failed_call_is_undone_alone(convex: Emulator) -> None:
    told = convex.mutation("calls:recordAndCount", {"what": "forbidden"})

    assert told == {"failed": {"code": 403.0, "what": "forbidden"}, "left": 1.0}


def test_actions_call_functions_of_every_kind(convex: Emulator) -> None:
    told = convex.action("calls:everyKind", {"what": "x"})

    assert told == {"events": 1.0, "doubled": 42.0, "ingredients": ["figs", "cheese"]}
    assert convex.action("calls:caughtInAction") == {"code": 403.0, "what": "forbidden"}


def test_internal_functions_are_for_functions_alone(convex: Emulator) -> None:
    assert convex.query("calls:count") == 0.0
    with pytest.raises(FunctionError, match="Could not find public function for 'calls:count'"):
        convex.query("calls:count", identity=ANONYMOUS)


def test_a_default_export_is_called_by_its_modules_path(convex: Emulator) -> None:
    assert convex.query("shop/orders/list") == convex.query("shop/orders/list:default") == ["figs", "cheese"]


@pytest.mark.parametrize(
    ("how", "data"),
    [
        ("text", "no"),
        ("object", {"code": 5.0, "deep": [ConvexInt64(1), None]}),
        ("subclass", {"reason": "full"}),
    ],
)
def test_errors_for_users_have_data(convex: Emulator, how: str, data: Any) -> None:
    with pytest.raises(ConvexError) as caught:
        convex.mutation("calls:reject", {"how": how})

    assert caught.value.data == data
    assert convex.query("scheduling:events") == []


def test_other_errors_have_a_text(convex: Emulator) -> None:
    with pytest.raises(FunctionError, match=r"Uncaught Error: plain\n    at .*calls\.ts:"):
        convex.mutation("calls:reject", {"how": "otherwise"})


def test_functions_are_told_about_themselves(convex: Emulator) -> None:
    about = convex.query("calls:about")

    assert about == {
        "name": "calls:about",
        "type": "query",
        "visibility": "public",
        "documentsRead": 0.0,
        "class": "s16",
    }


def test_functions_know_who_asks(convex: Emulator) -> None:
    asking = convex.query("calls:whoAsks", identity=ADA)

    assert (asking["subject"], asking["name"]) == ("ada", "Ada")
    assert asking["tokenIdentifier"] == "https://issuer.example|ada"
    assert convex.query("calls:whoAsks") is None
    assert convex.action("calls:whoActs", identity=ADA) == ["ada", "ada"]


def lines(convex: Emulator, path: str) -> tuple[str, ...]:
    return convex.call(path, python_arguments({}), FunctionKind.MUTATION, ADMIN).log_lines


def test_console_has_levels_and_timers(convex: Emulator) -> None:
    assert lines(convex, "calls:told") == (
        "[LOG] 'log' 1",
        "[INFO] 'info' {\n  a: [ 1, 'b' ]\n}",
        "[WARN] 'warn' null",
        "[ERROR] 'error' undefined",
        "[DEBUG] 'debug' [Error: inside]",
    )
    assert lines(convex, "calls:timed") == ("[INFO] work: 0ms 'halfway'", "[INFO] work: 0ms")


def test_the_environment_is_the_deployments(convex: Emulator) -> None:
    before = convex.query("calls:variable")
    convex.env["KITCHEN"] = "small"

    assert (before, convex.query("calls:variable")) == ("none", "small")


# Modules of other kinds


def test_node_modules_have_node(convex: Emulator) -> None:
    convex.env["KITCHEN"] = "small"

    signature, *rest = convex.action("node:signed", {"text": "figs"})

    assert rest == ["Zmlncw==", "object", "small"]
    assert convex.query("scheduling:events") == [signature]
    assert convex.action("node:zoned") == "14:00 +0200"


def test_jsx_is_rendered(convex: Emulator) -> None:
    html = convex.query("mail:render", {"name": "Ada & co", "dishes": ["figs", "<b>"]})

    assert html == '<ul title="Ada &amp; co"><li>figs</li><li>&lt;b&gt;</li></ul>'
    assert convex.query("plain:element") == ["b", {"name": "figs"}]


def test_javascript_is_taken_as_it_is(convex: Emulator) -> None:
    assert convex.query("old:hello", {"name": "Ada"}) == "Hello Ada"


# Scheduling


def test_functions_are_scheduled(convex: Emulator) -> None:
    convex.mutation("scheduling:later")
    seen = []
    for _ in range(4):
        seen.append(len(convex.query("scheduling:events")))
        advance(convex, 5.001)

    assert seen == [0, 2, 3, 4]
    assert convex.query("scheduling:events") == ["acted: now", "after", "at", "acted: at a date"]
    assert convex.query("scheduling:states") == [
        ["scheduling.js:happen", "success", "after"],
        ["scheduling.js:happen", "success", "at"],
        ["scheduling.js:act", "success", "at a date"],
        ["scheduling.js:act", "success", "now"],
    ]


def test_actions_schedule_and_mutations_that_fail_do_not(convex: Emulator) -> None:
    convex.action("scheduling:laterFromAction")
    with pytest.raises(FunctionError, match="undone"):
        convex.mutation("scheduling:laterAndFail")
    advance(convex, 2)

    assert convex.query("scheduling:events") == ["from an action"]


def test_what_is_scheduled_can_be_cancelled(convex: Emulator) -> None:
    first, *_ = convex.mutation("scheduling:later")

    convex.mutation("scheduling:cancel", {"id": first})
    advance(convex, 6)

    assert convex.query("scheduling:state", {"id": first}) == "canceled"
    assert "after" not in convex.query("scheduling:events")


def test_crons_run_when_they_are_due(npm_packages: Path) -> None:
    monday = datetime(2026, 6, 1, tzinfo=UTC)
    with Emulator(clock=ManualClock(monday.timestamp()), seed=1) as convex:
        convex.deploy(FOLDER)
        advance(convex, 36 * 3600 - 1)
        before = convex.query("scheduling:ticks")
        advance(convex, 2)
        ticks = convex.query("scheduling:ticks")

    assert isinstance(before, list)
    assert isinstance(ticks, list)
    # The first interval begins with the deploy.
    assert Counter(before) == {"cron": 6, "daily": 2, "hourly": 36, "interval": 36 * 40, "monthly": 1}
    assert "weekly, in an action" in ticks


# Files


def test_actions_store_and_read_files(convex: Emulator) -> None:
    plain = convex.action("files:store", {"text": "grüße"})
    typed = convex.action("files:store", {"text": "{}", "type": "application/json"})

    assert convex.action("files:read", {"id": plain}) == {"text": "grüße", "type": "", "size": 7.0}
    assert convex.action("files:read", {"id": typed}) == {"text": "{}", "type": "application/json", "size": 2.0}
    assert convex.query("files:all") == [7.0, 2.0]
    assert str(convex.query("files:url", {"id": plain})).startswith("http")


def test_files_that_are_removed_are_gone(convex: Emulator) -> None:
    file = convex.action("files:store", {"text": "x"})

    convex.mutation("files:remove", {"id": file})

    assert convex.action("files:read", {"id": file}) is None
    assert convex.query("files:url", {"id": file}) is None


def test_what_was_fetched_is_stored(convex: Emulator) -> None:
    convex.fetch.respond("https://pictures.example/*", body=b"\x89PNG", headers={"content-type": "image/png"})

    metadata = convex.action("files:storeFetched", {"url": "https://pictures.example/1"})

    assert (metadata["size"], metadata["contentType"], len(metadata["sha256"])) == (4.0, "image/png", 44)


def test_upload_addresses_are_made(convex: Emulator) -> None:
    assert "/api/storage/upload?token=" in str(convex.mutation("files:uploadUrl"))


# Vectors


@pytest.mark.parametrize(
    ("args", "found"),
    [
        ({}, [["figs", 1.0], ["dates", 0.949], ["salt", 0.0]]),
        ({"limit": 1.0}, [["figs", 1.0]]),
        ({"cuisines": ["greek"]}, [["dates", 0.949]]),
        ({"cuisines": ["greek", "thai"]}, [["dates", 0.949], ["salt", 0.0]]),
    ],
)
def test_vectors_are_searched(convex: Emulator, args: dict[str, Any], found: list[list[Any]]) -> None:
    for dish, cuisine, vector in [
        ("figs", "french", [1.0, 0.0, 0.0]),
        ("dates", "greek", [3.0, 1.0, 0.0]),
        ("salt", "thai", [0.0, 0.0, 1.0]),
    ]:
        convex.mutation("tastes:add", {"dish": dish, "cuisine": cuisine, "vector": vector})

    assert convex.action("tastes:similar", {"vector": [1.0, 0.0, 0.0], **args}) == found


# HTTP


def test_http_actions_run_functions(convex: Emulator) -> None:
    created = convex.http_request("POST", "/recipes", body='{"title": "Tart", "cuisine": "french"}')
    found = convex.http_request("GET", created.headers["location"])

    assert created.status == 201
    assert json.loads(created.body)["id"] in created.headers["location"]
    assert (found.status, found.body) == (200, b"Tart")
    assert convex.http_request("GET", f"{created.headers['location']}x").status == 404


def test_http_actions_store_files(convex: Emulator, recipes: dict[str, str]) -> None:
    response = convex.http_request(
        "POST", f"/pictures?recipe={recipes['Soup']}", body=b"\x89PNG", headers={"content-type": "image/png"}
    )

    assert (response.body, response.headers["content-type"]) == (b"\x89PNG", "image/png")
    assert convex.table_counts()["pictures"] == 1


def test_http_actions_know_who_asks(convex: Emulator) -> None:
    assert convex.http_request("GET", "/me", identity=ADA).body == b"Ada"
    assert convex.http_request("GET", "/me").body == b"nobody"
