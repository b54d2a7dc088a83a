"""Requests to `mastra/cache:handle` while time passes."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.differential.pair import START_MS, Advance, Call, Row, Step, Store
from tests.differential.storage_strategies import Fields, in_turn, mostly, sequences
from tests.differential.value_strategies import BYTES, INT64_ONE, NOT_A_NUMBER, junk, values

PATH = "mastra/cache:handle"
HEADS, ITEMS = "mastra_cache", "mastra_cache_list_items"
MANY = 56

_keys = st.sampled_from(("p:a", "p:b", "q:a", "long"))
_prefixes = mostly(st.sampled_from(("p:", "q:")), st.sampled_from(("", "p", None)))
# Around the present: an entry is expired when its time has come, not only when it has passed.
_times = mostly(
    st.sampled_from((None, START_MS + 1.0, START_MS + 10.0, START_MS + 1000.0)),
    st.sampled_from((START_MS + 0.0, START_MS - 1.0, 0.0, "soon", NOT_A_NUMBER)),
)
_bounds = mostly(
    st.sampled_from((0.0, 1.0, 2.0, -1.0, -2.0, -9.0, 30.0)), st.sampled_from((None, 0.5, "1", "-1", True))
)
_cached: st.SearchStrategy[Any] = values | st.sampled_from((INT64_ONE, BYTES, {"10": 1.0, "9": BYTES, "a": None}))

_ARGUMENTS: dict[str, Fields] = {
    "get": {"key": _keys},
    "set": {"key": _keys, "keyPrefix": _prefixes, "value": _cached, "expiresAt": _times},
    "listPush": {"key": _keys, "keyPrefix": _prefixes, "value": _cached, "expiresAt": _times},
    "listLength": {"key": _keys},
    "listFromTo": {"key": _keys, "from": _bounds, "to": _bounds},
    "delete": {"key": _keys},
    "clear": {"keyPrefix": _prefixes},
    "increment": {"key": _keys, "keyPrefix": _prefixes, "expiresAt": _times},
}
_WEIGHTS = {"listPush": 4, "set": 3, "increment": 3, "listFromTo": 3, "get": 3}


@st.composite
def _requests(draw: st.DrawFn) -> Step:
    op = draw(st.sampled_from([op for op in _ARGUMENTS for _ in range(_WEIGHTS.get(op, 1))]))
    args: Row = {"op": op, **{name: draw(strategy) for name, strategy in _ARGUMENTS[op].items()}}
    spoil = draw(st.integers(0, 29))
    if spoil == 29:
        args.pop(draw(st.sampled_from(sorted(_ARGUMENTS[op]))))
    elif spoil == 28:
        args[draw(st.sampled_from(sorted(_ARGUMENTS[op])))] = draw(junk)
    elif spoil == 27:
        args["extra"] = draw(junk)
    return Call(PATH, args)


def _list_of(key: str, prefix: str, count: int, expires: float | None) -> list[Step]:
    """A list longer than a batch, put there past the function that makes it item by item."""
    head = {"key": key, "keyPrefix": prefix, "kind": "list", "counter": float(count), "expiresAt": expires}
    items = [{"key": key, "keyPrefix": prefix, "index": float(index), "value": f"{index}"} for index in range(count)]
    return [Store(HEADS, [head]), Store(ITEMS, items)]


def _values_of(prefix: str, count: int) -> Step:
    row = {"keyPrefix": prefix, "kind": "value", "expiresAt": None}
    return Store(HEADS, [{**row, "key": f"{prefix}{number}"} for number in range(count)])


_unknown = st.sampled_from(("push", "", None, 1.0)).map(lambda op: Call(PATH, {"op": op, "key": "p:a"}))
_passing_time = st.sampled_from((1, 9, 10, 990)).map(Advance)


@st.composite
def cache_sequences(draw: st.DrawFn) -> list[Step]:
    """Keys of every kind, lists and prefixes longer than a batch among them."""
    step = in_turn(_requests(), _passing_time, _passing_time, _unknown)
    first: list[Step] = []
    if draw(st.integers(0, 3)) == 3:
        first += _list_of("long", "p:", draw(st.integers(24, MANY)), draw(st.sampled_from((None, START_MS + 10.0))))
    if draw(st.integers(0, 7)) == 7:
        first.append(_values_of("q:", draw(st.integers(24, MANY))))
    return draw(sequences(step, *first))
