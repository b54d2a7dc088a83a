"""`interleave`: every order of two clients' steps, each from the same start."""

import threading
from collections.abc import Iterator
from itertools import permutations
from math import comb
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_mastra_emulator import Deployment, Emulator, FunctionError, action, interleave, mutation, query
from convex_mastra_emulator.interleaving import TooManyOrders
from convex_mastra_emulator.stores import ConvexServerCache


def left(ctx: Any, args: Any) -> float:
    return ctx.db.query("shop").first()["left"]  # type: ignore[no-any-return]


def set_left(ctx: Any, args: Any) -> None:
    ctx.db.patch(ctx.db.query("shop").first()["_id"], {"left": args["left"]})


def take_one(ctx: Any, args: Any) -> None:
    set_left(ctx, {"left": left(ctx, {}) - 1})


def buy_in_action(ctx: Any, args: Any) -> None:
    ctx.run_mutation("shop:set", {"left": ctx.run_query("shop:left") - 1})


def fail(ctx: Any, args: Any) -> None:
    raise ValueError("no more")


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        emulator.define("shop:left", query(left))
        emulator.define("shop:set", mutation(set_left))
        emulator.define("shop:takeOne", mutation(take_one))
        emulator.define("shop:buy", action(buy_in_action))
        emulator.define("shop:fail", mutation(fail))
        emulator.run(lambda ctx: ctx.db.insert("shop", {"left": 2.0}))
        yield emulator


def buy_in_two_calls(convex: Deployment) -> None:
    remaining = convex.query("shop:left")
    convex.mutation("shop:set", {"left": remaining - 1})


def buy_in_one_call(convex: Deployment) -> None:
    convex.mutation("shop:takeOne")


# The reason to have it: what one client read was overwritten by the other one.
def test_a_lost_update_is_found(emulator: Emulator) -> None:
    results = {
        run.order: emulator.query("shop:left") for run in interleave(buy_in_two_calls, buy_in_two_calls, on=emulator)
    }

    assert results == {"AABB": 0.0, "ABAB": 1.0, "ABBA": 1.0, "BAAB": 1.0, "BABA": 1.0, "BBAA": 0.0}


def test_one_mutation_loses_nothing(emulator: Emulator) -> None:
    for run in interleave(buy_in_one_call, buy_in_one_call, on=emulator):
        assert emulator.query("shop:left") == 0, run


# A deployment lets others in between the transactions of an action, too.
def test_transactions_of_actions_are_steps(emulator: Emulator) -> None:
    def buy(convex: Deployment) -> None:
        convex.action("shop:buy")

    lefts = {run.order: emulator.query("shop:left") for run in interleave(buy, buy, on=emulator)}

    assert len(lefts) == comb(6, 3)
    assert lefts["AAABBB"] == 0.0
    assert lefts["AABBAB"] == 1.0


def test_afterwards_everything_is_as_before(emulator: Emulator) -> None:
    for _ in interleave(buy_in_one_call, buy_in_one_call, on=emulator):
        pass

    assert emulator.query("shop:left") == 2.0


def test_a_loop_that_is_left_leaves_nothing(emulator: Emulator) -> None:
    runs = interleave(buy_in_one_call, buy_in_one_call, on=emulator)
    next(runs)

    runs.close()  # type: ignore[attr-defined]

    assert emulator.query("shop:left") == 2.0
    assert not [thread for thread in threading.enumerate() if thread.name == "convex-emulator-client"]


def test_a_schedule_is_the_one_order(emulator: Emulator) -> None:
    [run] = interleave(buy_in_two_calls, buy_in_two_calls, on=emulator, schedule="ABBA")

    assert run.order == "ABBA"


def test_what_a_schedule_leaves_open_runs_at_its_end(emulator: Emulator) -> None:
    [run] = interleave(buy_in_two_calls, buy_in_two_calls, on=emulator, schedule="B")

    assert run.order == "BAAB"


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        ("AC", "schedule must be made of A and B, got 'C' in 'AC'"),
        ("AAA", "schedule lets A go at step 3, when it has ended"),
        ("ABABA", "schedule lets A go at step 5, when all have ended"),
    ],
)
def test_a_schedule_that_cannot_be_kept_is_refused(emulator: Emulator, schedule: str, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        list(interleave(buy_in_two_calls, buy_in_two_calls, on=emulator, schedule=schedule))


def test_one_client_has_no_order(emulator: Emulator) -> None:
    with pytest.raises(ValueError, match="clients must be two or more, got 1"):
        interleave(buy_in_one_call, on=emulator)


def test_three_clients(emulator: Emulator) -> None:
    orders = {run.order for run in interleave(buy_in_one_call, buy_in_one_call, buy_in_one_call, on=emulator)}

    assert orders == {"".join(order) for order in permutations("ABC")}


def test_results_are_told(emulator: Emulator) -> None:
    [run] = interleave(lambda convex: convex.query("shop:left"), buy_in_one_call, on=emulator, schedule="BA")

    assert run.results == (1.0, None)
    assert run.errors == (None, None)


# A test that fails prints the run: it must say what happened.
def test_a_run_can_be_read(emulator: Emulator) -> None:
    [run] = interleave(buy_in_two_calls, buy_in_one_call, on=emulator, schedule="ABA")

    assert str(run) == (
        "in the order ABA:\n"
        "  A: query shop:left {} -> 2.0\n"
        "  B: mutation shop:takeOne {} -> None\n"
        "  A: mutation shop:set {'left': 1.0} -> None"
    )


def test_the_error_of_a_client_ends_the_loop_and_names_the_order(emulator: Emulator) -> None:
    with pytest.raises(FunctionError) as caught:
        list(interleave(buy_in_one_call, lambda convex: convex.mutation("shop:fail"), on=emulator))

    assert caught.value.__notes__[0].startswith("raised by client B, in the order AB:")
    assert emulator.query("shop:left") == 2.0


def test_a_client_may_fail(emulator: Emulator) -> None:
    runs = interleave(buy_in_one_call, lambda convex: convex.mutation("shop:fail"), on=emulator, may_fail=True)

    assert [(run.errors[0], type(run.errors[1])) for run in runs] == [(None, FunctionError)] * 2


def test_too_many_orders_are_an_error(emulator: Emulator) -> None:
    with pytest.raises(TooManyOrders, match="more than 5 orders: give one with schedule="):
        list(interleave(buy_in_two_calls, buy_in_two_calls, on=emulator, orders_max=5))


def test_as_many_orders_as_there_are_suffice(emulator: Emulator) -> None:
    assert len(list(interleave(buy_in_two_calls, buy_in_two_calls, on=emulator, orders_max=6))) == 6


# Stores call the deployment: what they do is put in every order as well.
def test_stores_are_clients(emulator: Emulator) -> None:
    def count(convex: Deployment) -> int:
        return ConvexServerCache(convex).increment("n")

    counts = [run.results for run in interleave(count, count, on=emulator)]

    assert counts == [(1, 2), (2, 1)]


# As many orders as there are ways to merge the steps, none twice, each keeping every client's own order.
@settings(max_examples=25)
@given(counts=st.lists(st.integers(0, 4), min_size=2, max_size=2))
def test_every_order_comes_once(counts: list[int]) -> None:
    def client(count: int) -> Any:
        return lambda convex: [convex.query("t:nothing") for _ in range(count)]

    with Emulator() as emulator:
        emulator.define("t:nothing", query(lambda ctx, args: None))

        orders = [run.order for run in interleave(*map(client, counts), on=emulator)]

    assert len(orders) == len(set(orders)) == comb(sum(counts), counts[0])
    assert all(order.count("A") == counts[0] and order.count("B") == counts[1] for order in orders)
