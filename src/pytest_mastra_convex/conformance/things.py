"""What many cases begin with: documents in the table of free form, and what is read of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Unpack

from pytest_mastra_convex.probe import Probe, QueryOptions, insert

THINGS = "conformance_things"
"""The table of free form; its indexes are by_key [key], by_a_b [a, b] and by_nested [nested.value]."""


def store(probe: Probe, *documents: Mapping[str, Any]) -> list[str]:
    """Stores documents in one mutation, in this order; returns their ids."""
    return [step.value for step in probe.mutation(*(insert(THINGS, document) for document in documents))]


def store_keys(probe: Probe, *keys: Any) -> list[str]:
    """Stores one document for each key; returns their ids."""
    return store(probe, *({"key": key} for key in keys))


def keys_of(rows: Iterable[Mapping[str, Any]]) -> list[Any]:
    """The key of each document; None also for one without a key."""
    return [row.get("key") for row in rows]


def names_of(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The name of each document."""
    return [row["name"] for row in rows]


def pages(probe: Probe, size: int, table: str = THINGS, **options: Unpack[QueryOptions]) -> Iterator[list[Any]]:
    """The documents of each page, to the end; every page is a call of its own."""
    cursor, is_done = None, False
    while not is_done:
        page = probe.paginate(table, {"numItems": size, "cursor": cursor}, **options)
        yield page["page"]
        cursor, is_done = page["continueCursor"], page["isDone"]
