"""The subscribed queries of one socket: failures, the journals of pages, what counts as a change.

convex-backend crates/sync/src/state.rs (convex-wire.md §3.3 and §3.5).
"""

import re
from typing import Any

import pytest
from convex import ConvexError

from convex_mastra_emulator import Emulator, query
from convex_mastra_emulator.errors import DeploymentError, ErrorKind, ThrownError
from convex_mastra_emulator.protocol.query_set import QuerySet
from convex_mastra_emulator.protocol.sync_messages import AddQuery
from convex_mastra_emulator.protocol.sync_outputs import Close
from convex_mastra_emulator.runtime.identity import ADMIN
from tests.protocol.sync_client import SyncClient, add, api_of, remove


def first(ctx: Any, args: Any) -> Any:
    ctx.console.log("looking")
    note = ctx.db.query("notes").first()
    if note is None:
        raise ThrownError("there is no note")
    if "refuse" in note:
        raise ConvexError("", note["refuse"])
    return note["n"]


def page(ctx: Any, args: Any) -> Any:
    found = ctx.db.query("notes").order("desc").paginate({"numItems": 2, "cursor": args.get("cursor")})
    return {"rows": [note["n"] for note in found["page"]], "next": found["continueCursor"], "isDone": found["isDone"]}


@pytest.fixture
def deployment(emulator: Emulator) -> Emulator:
    emulator.define("notes:first", query(first))
    emulator.define("notes:page", query(page))
    return emulator


@pytest.fixture
def client(deployment: Emulator) -> SyncClient:
    return SyncClient(api_of(deployment))


def write(emulator: Emulator, **note: Any) -> str:
    return str(emulator.run(lambda ctx: ctx.db.insert("notes", note)))


# Failures


def test_failed_query_tells_why(client: SyncClient) -> None:
    [failed] = client.modify(add(0, "notes:first"))

    text = failed.pop("errorMessage")
    assert re.match(r"\[Request ID: [0-9a-f]{16}\] Server Error\nUncaught Error: there is no note\n    at first ", text)
    assert failed == {"type": "QueryFailed", "queryId": 0, "logLines": ["[LOG] 'looking'"], "journal": None}


@pytest.mark.parametrize("data", ["text", {"code": 1.0}, None])
def test_data_of_a_convex_error_is_told(client: SyncClient, deployment: Emulator, data: Any) -> None:
    write(deployment, refuse=data)

    [failed] = client.modify(add(0, "notes:first"))

    assert failed["errorData"] == data


# A page that shows an error must recover when somebody mends the data.
def test_mending_the_data_runs_a_failed_query_again(client: SyncClient, deployment: Emulator) -> None:
    client.modify(add(0, "notes:first"))

    write(deployment, n=1)

    [update] = client.transition()["modifications"]
    assert (update["type"], update["value"]) == ("QueryUpdated", 1.0)


def test_result_that_turns_into_a_failure_is_told(client: SyncClient, deployment: Emulator) -> None:
    note = write(deployment, n=1)
    client.modify(add(0, "notes:first"))

    deployment.run(lambda ctx: ctx.db.delete(note))

    [failed] = client.transition()["modifications"]
    assert failed["type"] == "QueryFailed"


# Every run of a query has a request id of its own; that alone is no news.
def test_same_failure_is_not_told_again(client: SyncClient, deployment: Emulator) -> None:
    note = write(deployment, refuse="same text", version=1)
    client.modify(add(0, "notes:first"))

    deployment.run(lambda ctx: ctx.db.patch(note, {"version": 2}))

    assert client.transition()["modifications"] == []


def test_missing_query_is_a_failure(client: SyncClient) -> None:
    [failed] = client.modify(add(0, "notes:missing"))

    assert "Could not find public function for 'notes:missing'." in failed["errorMessage"]
    assert (failed["logLines"], failed["journal"]) == ([], None)


def test_failure_is_redacted() -> None:
    with Emulator(seed=1, redact_errors=True) as emulator:
        emulator.define("notes:first", query(first))
        write(emulator, refuse="for the client")

        [failed] = SyncClient(api_of(emulator)).modify(add(0, "notes:first"))

    assert re.fullmatch(r"\[Request ID: [0-9a-f]{16}\] Server Error", failed["errorMessage"])
    assert (failed["errorData"], failed["logLines"]) == ("for the client", [])


def test_log_lines_are_redacted() -> None:
    with Emulator(seed=1, redact_errors=True) as emulator:
        emulator.define("notes:first", query(first))
        write(emulator, n=1)

        [update] = SyncClient(api_of(emulator)).modify(add(0, "notes:first"))

    assert (update["value"], update["logLines"]) == (1.0, [])


def test_system_query_is_fatal_to_others_than_administrators(client: SyncClient) -> None:
    client.send_modify(add(0, "_system/cli/tables"))

    assert client.update() == [{"type": "FatalError", "error": "Operation query not permitted"}]
    assert client.closed == Close(1000)
    assert [report.outcome for report in client.session.reports] == ["refused: SystemIdentityRequired"]


def test_error_of_the_deployment_closes(
    client: SyncClient, deployment: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise DeploymentError("the deployment failed", code="TheCode", kind=ErrorKind.INTERNAL)

    client.send_modify(add(0, "notes:first"))
    monkeypatch.setattr(deployment, "call", fail)

    assert client.update() == []
    assert client.closed == Close(1011, "TheCode")


# Journals: a page keeps its end (convex-engine.md §5.3)


def test_page_grows_with_what_is_inserted_into_it(client: SyncClient, deployment: Emulator) -> None:
    for n in (1, 2, 3):
        write(deployment, n=n)
    [update] = client.modify(add(0, "notes:page"))
    assert (update["value"]["rows"], type(update["journal"])) == ([3.0, 2.0], str)

    write(deployment, n=4)

    [grown] = client.transition()["modifications"]
    assert grown["value"]["rows"] == [4.0, 3.0, 2.0]
    assert (grown["value"]["next"], grown["journal"]) == (update["value"]["next"], update["journal"])


# The second page begins where the first one ends: without journals rows between them would be shown twice or never.
def test_pages_of_a_list_stay_next_to_each_other(client: SyncClient, deployment: Emulator) -> None:
    for n in (1, 2, 3, 4, 5):
        write(deployment, n=n)
    [first_page] = client.modify(add(0, "notes:page"))
    [second_page] = client.modify(add(1, "notes:page", {"cursor": first_page["value"]["next"]}))
    assert second_page["value"]["rows"] == [3.0, 2.0]

    write(deployment, n=6)

    changes = client.transition()["modifications"]
    assert [(change["queryId"], change["value"]["rows"]) for change in changes] == [(0, [6.0, 5.0, 4.0])]


# npm sends the journals of its queries on a new socket.
def test_journal_of_the_client_keeps_the_page(client: SyncClient, deployment: Emulator) -> None:
    for n in (1, 2, 3):
        write(deployment, n=n)
    [update] = client.modify(add(0, "notes:page"))
    write(deployment, n=4)

    returned = SyncClient(api_of(deployment), client=None, path="/api/1.48.0/sync")
    [again] = returned.modify(add(0, "notes:page", journal=update["journal"]))
    [fresh] = returned.modify(add(1, "notes:page", {"other": 1}, journal=None))

    assert again["value"]["rows"] == [4.0, 3.0, 2.0]
    assert fresh["value"]["rows"] == [4.0, 3.0]


def test_query_without_a_page_has_no_journal(client: SyncClient, deployment: Emulator) -> None:
    write(deployment, n=1)

    [update] = client.modify(add(0, "notes:first"))

    assert update["journal"] is None


# Threads


# A commit of another thread may make a query stale just while the client removes it.
def test_query_may_become_stale_while_it_is_removed(deployment: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    write(deployment, n=1)
    queries = QuerySet(deployment, lambda: None, lambda *_: None)
    queries.apply([AddQuery(query_id=0, path="notes:first", args=[{}], journal=None, component_path="")])
    queries.modifications(ADMIN)
    unwatch = deployment.unwatch

    def commit_then_unwatch(subscription: Any) -> None:
        write(deployment, n=2)
        unwatch(subscription)

    monkeypatch.setattr(deployment, "unwatch", commit_then_unwatch)
    queries.run_all_again()

    assert [update["value"] for update in queries.modifications(ADMIN)] == []


def test_removed_query_is_told_even_if_it_was_never_run(client: SyncClient) -> None:
    client.send_modify(add(0, "notes:first"))

    assert client.modify(remove(0)) == [{"type": "QueryRemoved", "queryId": 0}]
