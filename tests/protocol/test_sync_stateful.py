"""What clients see after any order of writes, subscriptions, log-ins and broken sockets is what a fresh query gives.

Two clients act at random on one deployment; each keeps a view as real clients do, from Transitions alone.
"""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from convex_mastra_emulator import Emulator, mutation, query
from convex_mastra_emulator.runtime.identity import ANONYMOUS, Identity
from convex_mastra_emulator.schema import define_schema, define_table, v
from tests.protocol.sync_client import ADMIN_KEY, SyncClient, add, api_of, remove

SCHEMA = define_schema({"rows": define_table(v.any()).index("by_n", ["n"])})
NUMBERS = st.integers(min_value=0, max_value=3)
CLIENTS = st.sampled_from([0, 1])


def in_range(ctx: Any, args: Any) -> Any:
    rows = ctx.db.query("rows").with_index("by_n", lambda q: q.gte("n", args["low"]).lte("n", args["high"])).collect()
    if any(row["n"] == 3 for row in rows):
        raise RuntimeError("three is refused")
    return {"rows": [[row["n"], row["version"]] for row in rows], "is_user": ctx.auth.get_user_identity() is not None}


def toggle(ctx: Any, args: Any) -> None:
    row = ctx.db.query("rows").with_index("by_n", lambda q: q.eq("n", args["n"])).first()
    if row is None:
        ctx.db.insert("rows", {"n": args["n"], "version": 0})
    elif row["version"] == 0:
        ctx.db.patch(row["_id"], {"version": 1})
    else:
        ctx.db.delete(row["_id"])


class View:
    """What one client shows: the result, or the failure, of each query it has subscribed to."""

    def __init__(self, client: SyncClient) -> None:
        self.client = client
        self.queries: dict[int, dict[str, Any]] = {}
        self.shown: dict[int, Any] = {}
        self.next_query = 0
        self.identities = 0
        self.identity: Identity = ANONYMOUS

    def drain(self) -> None:
        while self.client.session.needs_update:
            for change in self.client.transition()["modifications"]:
                if change["type"] == "QueryRemoved":
                    self.shown.pop(change["queryId"])
                else:
                    self.shown[change["queryId"]] = change.get("value", "failed")


class Deployment(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.emulator = Emulator(SCHEMA, seed=1)
        self.emulator.define("rows:inRange", query(in_range))
        self.emulator.define("rows:toggle", mutation(toggle))
        self.api = api_of(self.emulator)
        self.views = [View(SyncClient(self.api)), View(SyncClient(self.api))]
        self.requests = 0

    @rule(client=CLIENTS, low=NUMBERS, high=NUMBERS)
    def subscribe(self, client: int, low: int, high: int) -> None:
        view = self.views[client]
        args = {"low": float(low), "high": float(high)}
        view.queries[view.next_query] = args
        view.client.send_modify(add(view.next_query, "rows:inRange", args))
        view.next_query += 1

    @rule(client=CLIENTS, choice=NUMBERS)
    def unsubscribe(self, client: int, choice: int) -> None:
        view = self.views[client]
        shown = sorted(view.queries.keys() & view.shown.keys())
        if shown:
            query_id = shown[choice % len(shown)]
            del view.queries[query_id]
            view.client.send_modify(remove(query_id))

    @rule(client=CLIENTS, n=NUMBERS)
    def mutate(self, client: int, n: int) -> None:
        self.requests += 1
        assert self.views[client].client.mutate(self.requests, "rows:toggle", {"n": float(n)})["success"]

    @rule(n=NUMBERS)
    def write_in_process(self, n: int) -> None:
        self.emulator.mutation("rows:toggle", {"n": n})

    @rule(client=CLIENTS, n=NUMBERS)
    def write_and_roll_back(self, client: int, n: int) -> None:
        with self.emulator.rollback():
            self.emulator.mutation("rows:toggle", {"n": n})
            self.views[client].drain()

    @rule(client=CLIENTS, is_user=st.booleans())
    def log_in_or_out(self, client: int, is_user: bool) -> None:
        view = self.views[client]
        user = {"tokenIdentifier": "ada"}
        identity = {"tokenType": "Admin", "value": ADMIN_KEY, "impersonating": user} if is_user else {}
        view.client.send(
            **{"type": "Authenticate", "baseVersion": view.identities, "tokenType": "None"} | identity,
        )
        view.identities += 1
        view.identity = Identity(is_admin=True, user=user) if is_user else ANONYMOUS

    @rule(client=CLIENTS)
    def break_the_socket(self, client: int) -> None:
        old = self.views[client]
        old.client.session.close()
        new = self.views[client] = View(SyncClient(self.api))
        new.queries, new.next_query = old.queries, old.next_query
        new.client.send_modify(*(add(query_id, "rows:inRange", args) for query_id, args in old.queries.items()))

    @rule(client=CLIENTS)
    def show(self, client: int) -> None:
        view = self.views[client]
        view.drain()
        assert view.shown == {query_id: self._fresh(view, args) for query_id, args in view.queries.items()}

    def _fresh(self, view: View, args: dict[str, Any]) -> Any:
        try:
            return self.emulator.query("rows:inRange", args, identity=view.identity)
        except Exception:
            return "failed"

    @invariant()
    def whatever_is_not_woken_is_right(self) -> None:
        for view in self.views:
            if not view.client.session.needs_update:
                assert view.shown == {query_id: self._fresh(view, args) for query_id, args in view.queries.items()}

    def teardown(self) -> None:
        for view in self.views:
            view.drain()
            assert view.shown.keys() == view.queries.keys()


TestDeployment = pytest.mark.xdist_group("sync stateful")(Deployment.TestCase)
TestDeployment.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
