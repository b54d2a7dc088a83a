"""What npm ``convex-helpers`` brings for a project's own functions, used by the project in ``helpers/convex``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from convex_mastra_emulator import (
    ANONYMOUS,
    ConvexError,
    ConvexInt64,
    Emulator,
    FetchResponse,
    FunctionError,
    ManualClock,
    user_identity,
)
from convex_mastra_emulator.runtime.identity import Identity

FOLDER = Path(__file__).with_name("helpers") / "convex"
AUSTEN = [1811.0, 1813.0, 1814.0, 1815.0]
SHELLEY = [1818.0, 1826.0]


@pytest.fixture
def deployed(npm_packages: Path, convex: Emulator) -> Emulator:
    convex.deploy(FOLDER)
    return convex


@pytest.fixture
def authors(deployed: Emulator) -> dict[str, str]:
    """The ids of two authors, who have books."""
    return fill(deployed, {"Austen": AUSTEN, "Shelley": SHELLEY})


def fill(convex: Emulator, authors: dict[str, list[float]]) -> dict[str, str]:
    ids = convex.mutation("library:fill", {"authors": authors})
    assert isinstance(ids, dict)
    return ids


def advance(convex: Emulator, seconds: float) -> None:
    assert isinstance(convex.clock, ManualClock)
    convex.clock.advance(seconds)


# customFunctions


def test_a_custom_query_takes_arguments_and_changes_the_context(deployed: Emulator, authors: dict[str, str]) -> None:
    told = deployed.query("customized:tell", {"author": authors["Austen"], "title": "Emma"})

    assert told == "Austen wrote Emma"


# Functions made by a builder have the validators of both, and what is to be done after them.
def test_a_custom_query_validates_what_its_builder_takes(deployed: Emulator) -> None:
    with pytest.raises(FunctionError, match="Object is missing the required field `author`"):
        deployed.query("customized:tell", {"title": "Emma"})


def test_a_custom_mutation_has_what_was_added_to_its_context(deployed: Emulator) -> None:
    assert deployed.mutation("customized:audited") == ["audited"]


def test_a_custom_action_checks_before_it_runs(deployed: Emulator) -> None:
    deployed.env["API_KEY"] = "k"

    assert deployed.action("customized:keyed", {"key": "k", "n": 1.0}) == {"n": 1.0}
    with pytest.raises(FunctionError, match="Uncaught Error: wrong key"):
        deployed.action("customized:keyed", {"key": "x", "n": 1.0})


# relationships


def test_relationships_go_through_indexes(deployed: Emulator, authors: dict[str, str]) -> None:
    deployed.mutation("relationships:addGenres", {"names": ["novel", "gothic"]})

    assert deployed.query("relationships:ofAuthor", {"name": "Shelley"}) == [
        {"title": f"Shelley {year}", "genres": ["novel", "gothic"]} for year in (1818, 1826)
    ]


def test_what_is_not_there_is_null_or_thrown(deployed: Emulator, authors: dict[str, str]) -> None:
    deployed.mutation("relationships:remove", {"id": authors["Austen"]})
    both = {"ids": [authors["Austen"], authors["Shelley"]]}

    assert deployed.query("relationships:one", {"name": "Austen"}) is None
    assert deployed.query("relationships:names", both) == [None, "Shelley"]
    assert deployed.query("relationships:get", {"id": authors["Shelley"]}) == "Shelley"
    for path, args in [("oneOrThrow", {"name": "Austen"}), ("namesOrThrow", both), ("get", {"id": authors["Austen"]})]:
        with pytest.raises(FunctionError, match="Uncaught Error: "):
            deployed.query(f"relationships:{path}", args)


# pagination, filter


def test_pages_begin_at_a_key(deployed: Emulator, authors: dict[str, str]) -> None:
    pages: list[Any] = [deployed.query("pages:byYear")]
    while pages[-1]["hasMore"]:
        pages.append(deployed.query("pages:byYear", {"after": pages[-1]["last"]}))

    assert [year for page in pages for year in page["years"]] == AUSTEN + SHELLEY
    assert len(pages) > 2


def test_a_query_may_take_many_pages(deployed: Emulator, authors: dict[str, str]) -> None:
    assert deployed.query("pages:everyPage") == [[1826.0, 1818.0], [1815.0, 1814.0], [1813.0, 1811.0], []]


# It is applied to a page: as many rows are read as were asked for, and fewer come.
def test_pages_are_filtered_by_a_function(deployed: Emulator, authors: dict[str, str]) -> None:
    page = deployed.query("pages:oddYears", {"paginationOpts": {"numItems": 5.0, "cursor": None}})

    assert [book["year"] for book in page["page"]] == [1811.0, 1813.0, 1815.0]
    assert page["isDone"] is False
    assert deployed.query("pages:firstOddYear") == 1811.0


# streams


def test_streams_are_merged_page_by_page(deployed: Emulator) -> None:
    authors = fill(deployed, {"A": [1.0, 4.0, 5.0], "B": [2.0, 3.0, 6.0], "C": [0.0]})
    ids = [authors["A"], authors["B"]]
    years: list[float] = []
    cursor, is_done = None, False
    while not is_done:
        page = deployed.query("streams:merged", {"authors": ids, "paginationOpts": {"numItems": 4.0, "cursor": cursor}})
        years += page["page"]
        cursor, is_done = page["continueCursor"], page["isDone"]

    assert years == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert deployed.query("streams:mergedDescending", {"authors": ids}) == [6.0, 5.0, 4.0]


def test_streams_are_filtered_joined_and_made_distinct(deployed: Emulator) -> None:
    fill(deployed, {"B": [2.0, 3.0], "A": [4.0, 3.0]})

    assert deployed.query("streams:even") == [[2.0, 4.0], 2.0]
    assert deployed.query("streams:booksOfAll") == ["A: 3", "A: 4", "B: 2", "B: 3"]
    assert deployed.query("streams:distinctYears") == [2.0, 3.0, 4.0]


def test_a_stream_reads_no_more_than_is_taken(deployed: Emulator) -> None:
    fill(deployed, {"A": [float(year) for year in range(50)]})

    seen = deployed.query("streams:readOneByOne", {"stop": 4.0})

    assert seen == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert deployed.usage.documents_read == 5


# triggers


# Writes that begin side by side are made one after the other, by a lock that one of them waits for.
def test_triggers_see_every_write(deployed: Emulator, authors: dict[str, str]) -> None:
    args = {"authorId": authors["Austen"], "titles": ["a", "b", "c"]}

    assert deployed.mutation("triggers:add", args) == 3.0
    assert deployed.mutation("triggers:add", args) == 6.0


def test_a_trigger_that_throws_undoes_the_mutation(deployed: Emulator, authors: dict[str, str]) -> None:
    before = deployed.table_counts()

    with pytest.raises(FunctionError, match="Uncaught Error: no such book"):
        deployed.mutation("triggers:add", {"authorId": authors["Austen"], "titles": ["fine", "Forbidden"]})

    assert deployed.table_counts() == before
    assert deployed.mutation("triggers:add", {"authorId": authors["Austen"], "titles": ["a"]}) == 1.0


def test_a_write_stays_if_its_triggers_error_is_caught(deployed: Emulator, authors: dict[str, str]) -> None:
    before = deployed.table_counts()["books"]

    assert deployed.mutation("triggers:addCatching", {"authorId": authors["Austen"]}) == "no such book"
    assert deployed.table_counts()["books"] == before + 1


def test_triggers_cascade(deployed: Emulator, authors: dict[str, str]) -> None:
    deployed.mutation("triggers:removeAuthor", {"authorId": authors["Austen"]})

    assert deployed.table_counts()["books"] == len(SHELLEY)


# rowLevelSecurity


def user(name: str) -> Identity:
    return user_identity({"subject": name, "issuer": "https://issuer.example"})


def test_rows_are_seen_by_those_who_may(deployed: Emulator) -> None:
    secret = deployed.mutation("security:add", {"text": "secret", "isPublic": False}, identity=user("ada"))
    deployed.mutation("security:add", {"text": "news", "isPublic": True}, identity=user("ada"))

    assert deployed.query("security:list", identity=user("ada")) == ["secret", "news"]
    assert deployed.query("security:list", identity=ANONYMOUS) == ["news"]
    assert deployed.query("security:get", {"id": secret}, identity=user("bob")) is None
    # Tables without a rule are denied there.
    assert deployed.query("security:denied", identity=user("ada")) == 0.0


def test_rows_are_written_by_those_who_may(deployed: Emulator) -> None:
    note = deployed.mutation("security:add", {"text": "mine", "isPublic": True}, identity=user("ada"))

    for path, args in [
        ("security:add", {"owner": "ada", "text": "forged", "isPublic": True}),
        ("security:edit", {"id": note, "text": "spoilt"}),
    ]:
        with pytest.raises(FunctionError, match="Uncaught Error: "):
            deployed.mutation(path, args, identity=user("bob"))
    deployed.mutation("security:edit", {"id": note, "text": "better"}, identity=user("ada"))

    assert deployed.query("security:list", identity=ANONYMOUS) == ["better"]


# migrations


def test_migrations_run_one_after_the_other_in_batches(deployed: Emulator) -> None:
    fill(deployed, {f"author {n}": [float(n)] * (n % 3) for n in range(11)})

    deployed.mutation("migrations:all")
    advance(deployed, 10)

    migrated = deployed.run(lambda ctx: [(a["name"], a["bookCount"]) for a in ctx.db.query("authors").collect()])
    assert sorted(migrated, key=lambda author: int(author[0].split()[1])) == [
        (f"AUTHOR {n}", float(n % 3)) for n in range(11)
    ]
    assert sorted(deployed.query("migrations:status"), key=lambda status: str(status["name"])) == [
        {"name": "migrations:countBooks", "processed": 11.0, "isDone": True},
        {"name": "migrations:shout", "processed": 11.0, "isDone": True},
    ]


# A dry run is a mutation that throws what it would have done.
def test_a_dry_run_leaves_everything_as_it_was(deployed: Emulator, authors: dict[str, str]) -> None:
    with pytest.raises(FunctionError, match="Uncaught Error: "):
        deployed.mutation("migrations:shout", {"dryRun": True})

    assert deployed.query("relationships:one", {"name": "Austen"}) is not None
    assert deployed.query("migrations:status") == []


# rateLimit


def test_rate_limits_refuse_and_let_pass_again(deployed: Emulator) -> None:
    seen = [deployed.mutation("limits:borrow", {"key": "ada"})["ok"] for _ in range(3)]
    checked = [deployed.query("limits:check", {"key": key}) for key in ("ada", "bob")]
    advance(deployed, 10)

    assert (seen, checked) == ([True, True, False], [False, True])
    assert deployed.mutation("limits:borrow", {"key": "ada"})["ok"] is True


def test_rate_limits_throw_and_are_reset(deployed: Emulator) -> None:
    for _ in range(2):
        deployed.mutation("limits:borrow", {"key": "ada", "throws": True})

    with pytest.raises(ConvexError) as caught:
        deployed.mutation("limits:borrow", {"key": "ada", "throws": True})
    deployed.mutation("limits:reset", {"key": "ada"})

    assert isinstance(caught.value.data, dict)
    assert caught.value.data["kind"] == "RateLimited"
    assert deployed.query("limits:check", {"key": "ada"}) is True


# sessions


def test_sessions_are_kept_apart(deployed: Emulator) -> None:
    deployed.mutation("sessions:visit", {"sessionId": "s1", "page": "/"})
    deployed.mutation("sessions:visit", {"sessionId": "s2", "page": "/other"})

    assert deployed.query("sessions:pages", {"sessionId": "s1"}) == ["/"]
    assert deployed.action("sessions:visitAndList", {"sessionId": "s1", "page": "/next"}) == ["/", "/next"]


# crud, validators

READER: dict[str, Any] = {"email": "ada@example.com", "state": "active", "balance": None}


def test_documents_are_created_read_updated_and_destroyed(deployed: Emulator) -> None:
    reader = deployed.mutation("readers:create", READER)
    deployed.mutation("readers:update", {"id": reader["_id"], "patch": {"balance": ConvexInt64(5)}})
    changed = deployed.query("readers:read", {"id": reader["_id"]})
    page = deployed.query("readers:paginate", {"paginationOpts": {"numItems": 5.0, "cursor": None}})
    destroyed = deployed.mutation("readers:destroy", {"id": reader["_id"]})

    assert reader.items() >= READER.items()
    assert changed == destroyed == page["page"][0] == {**reader, "balance": ConvexInt64(5)}
    assert deployed.query("readers:read", {"id": reader["_id"]}) is None


def test_created_documents_are_what_the_schema_says(deployed: Emulator) -> None:
    with pytest.raises(FunctionError, match="ArgumentValidationError: Value does not match validator"):
        deployed.mutation("readers:create", {**READER, "state": "gone"})


def test_validators_of_documents_are_checked(deployed: Emulator) -> None:
    reader = deployed.mutation("validated:add", READER)

    changed = deployed.mutation("validated:change", {"id": reader["_id"], "patch": {"state": "blocked"}})

    assert changed == {**reader, "state": "blocked"}
    with pytest.raises(FunctionError, match="ReturnsValidationError: Object contains extra field `balance`"):
        deployed.query("validated:wronglyReturned")


@pytest.mark.parametrize(("state", "is_valid"), [("active", True), ("gone", False)])
def test_values_are_validated_inside_a_function(deployed: Emulator, state: str, is_valid: bool) -> None:
    reader = deployed.mutation("validated:add", READER)["_id"]
    value = {"state": state, "email": "x@example.com"}

    told = deployed.query("validated:check", {"value": value, "id": reader})

    assert (told["isValid"], told["isReader"], told["issues"] == 0) == (is_valid, True, is_valid)
    if is_valid:
        assert (told["thrown"], told["parsed"]) == (True, value)
    else:
        assert told["thrown"].startswith("ValidationError: Validator error for state: Expected")


# zod

ZOD: dict[str, Any] = {"email": "ada@example.com", "big": ConvexInt64(5), "text": 7.0}


def test_zod_parses_arguments(deployed: Emulator) -> None:
    shape = {"kind": "circle", "radius": 2.0}

    parsed = deployed.query("zodded:all", {**ZOD, "shape": shape})

    assert parsed == {**ZOD, "shape": shape, "count": 3.0, "text": "7"}


def test_zods_issues_are_the_errors_data(deployed: Emulator) -> None:
    with pytest.raises(ConvexError) as caught:
        deployed.query("zodded:all", {**ZOD, "email": "no address", "shape": {"kind": "square", "side": 1.0}})

    assert isinstance(caught.value.data, dict)
    [issue] = caught.value.data["ZodError"]
    assert (issue["path"], issue["format"]) == (["email"], "email")


def test_what_zod_cannot_say_to_convex_is_refused_by_convex(deployed: Emulator) -> None:
    with pytest.raises(FunctionError, match="ArgumentValidationError: Value does not match validator"):
        deployed.query("zodded:all", {**ZOD, "shape": {"kind": "line"}})


def test_zod_checks_what_is_returned(deployed: Emulator) -> None:
    added = deployed.mutation("zodded:add", {"author": {"name": "  Woolf "}})

    assert added["by"] == "zod"
    [author] = deployed.run(lambda ctx: ctx.db.query("authors").collect())
    assert (author["_id"], author["name"]) == (added["id"], "Woolf")
    with pytest.raises(FunctionError, match=r"Uncaught ZodError: (.|\n)*too_big"):
        deployed.query("zodded:wronglyReturned")


def test_validators_are_converted(deployed: Emulator) -> None:
    converted, refused, accepted = deployed.query("zodded:converted")

    assert {name: field["optional"] for name, field in converted["value"].items()} == {"a": True, "b": False}
    assert (refused, accepted) == (False, True)


# retries


def test_an_action_is_retried_until_it_succeeds(deployed: Emulator) -> None:
    answers = iter([500, 503, 200])
    deployed.fetch.respond("https://flaky.example/", lambda _: FetchResponse.of(status=next(answers)))

    deployed.mutation("retries:start")
    advance(deployed, 60)

    assert next(answers, None) is None
    jobs = deployed.run(lambda ctx: ctx.db.system.query("_scheduled_functions").collect())
    states = [job["state"]["kind"] for job in jobs if job["name"] == "retries.js:flaky"]
    assert states == ["failed", "failed", "success"]


# HTTP: hono and cors


def test_hono_routes_have_the_context_as_their_environment(deployed: Emulator, authors: dict[str, str]) -> None:
    found = deployed.http_request("GET", "/hono/authors/Austen?by=name")
    unknown = deployed.http_request("GET", "/hono/authors/Nobody")

    assert json.loads(found.body) == {"name": "Austen", "by": "name"}
    assert found.headers["x-through"] == "middleware"
    assert (unknown.status, json.loads(unknown.body)) == (404, {"error": "unknown"})


def test_hono_reads_bodies_and_runs_mutations(deployed: Emulator) -> None:
    response = deployed.http_request("POST", "/fill", body='{"authors": {"Eliot": [1871]}}')

    assert json.loads(response.body) == ["Eliot"]
    assert deployed.table_counts()["books"] == 1


# The router that http.ts exports is asked, not the list of its routes: only hono knows what `:name` stands for.
def test_hono_routes_by_patterns(deployed: Emulator, authors: dict[str, str]) -> None:
    assert json.loads(deployed.http_request("GET", "/books/Austen/1814").body) == ["Austen", "1814"]


def test_hono_answers_what_it_does_not_know_and_what_fails(deployed: Emulator) -> None:
    missing, failed = deployed.http_request("GET", "/nothing"), deployed.http_request("GET", "/fail")

    assert (missing.status, missing.body) == (404, b"hono knows no such page")
    assert (failed.status, failed.body) == (500, b"Internal Server Error")


def test_convex_routes_come_before_honos(deployed: Emulator) -> None:
    assert deployed.http_request("GET", "/plain").body == b"plain"


ORIGIN = {"origin": "https://app.example"}


def test_cors_answers_before_the_request_and_with_it(deployed: Emulator) -> None:
    asked = deployed.http_request("OPTIONS", "/cors", headers=ORIGIN)
    posted = deployed.http_request("POST", "/cors", headers=ORIGIN, body="hello")

    assert (asked.status, asked.headers["access-control-allow-methods"]) == (204, "GET, POST")
    assert asked.headers["access-control-allow-headers"] == "Content-Type, X-Key"
    assert (posted.body, posted.headers["access-control-allow-origin"]) == (b"hello", "https://app.example")


def test_cors_names_no_strangers_origin(deployed: Emulator) -> None:
    response = deployed.http_request("GET", "/cors", headers={"origin": "https://evil.example"})

    assert "access-control-allow-origin" not in response.headers
