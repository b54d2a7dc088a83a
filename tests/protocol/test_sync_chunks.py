"""Large Transitions: npm from 1.28.0 on gets them in pieces, everybody else whole.

convex-backend crates/sync/src/worker.rs (convex-wire.md §3.3).
"""

import json
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, query
from tests.protocol.sync_client import PYPI, SyncClient, add, api_of

CHUNK_BYTES = 5_000_000


@pytest.fixture
def deployment(emulator: Emulator) -> Emulator:
    emulator.define("texts:make", query(lambda ctx, args: args["letter"] * int(args["count"])))
    return emulator


def outputs(
    deployment: Emulator, args: dict[str, Any], path: str = "/api/sync", client: str | None = None
) -> list[str]:
    """The texts of one update, as they go over the socket."""
    connected = SyncClient(api_of(deployment), path=path, client=client)
    connected.send_modify(add(0, "texts:make", args))
    return [text for text in connected.session.update() if isinstance(text, str)]


def test_large_transition_comes_in_pieces(deployment: Emulator) -> None:
    chunks = [
        json.loads(text) for text in outputs(deployment, {"letter": "x", "count": 10_000_000}, "/api/1.28.0/sync")
    ]

    assert [chunk["type"] for chunk in chunks] == ["TransitionChunk"] * 3
    assert [chunk["partNumber"] for chunk in chunks] == [0, 1, 2]
    assert {chunk["totalParts"] for chunk in chunks} == {3}
    assert len({chunk["transitionId"] for chunk in chunks}) == 1
    assert [len(chunk["chunk"]) for chunk in chunks[:2]] == [CHUNK_BYTES, CHUNK_BYTES]
    whole = json.loads("".join(chunk["chunk"] for chunk in chunks))
    assert whole["type"] == "Transition"
    assert whole["modifications"][0]["value"] == "x" * 10_000_000


# The pieces are of bytes, the client puts texts together: no character may lie in two of them.
def test_characters_of_several_bytes_are_not_cut(deployment: Emulator) -> None:
    chunks = [json.loads(text) for text in outputs(deployment, {"letter": "€", "count": 2_000_000}, "/api/1.48.0/sync")]

    assert [len(chunk["chunk"].encode()) <= CHUNK_BYTES for chunk in chunks] == [True, True]
    whole = json.loads("".join(chunk["chunk"] for chunk in chunks))
    assert whole["modifications"][0]["value"] == "€" * 2_000_000


def test_transition_that_fits_is_whole(deployment: Emulator) -> None:
    around = len(outputs(deployment, {"letter": "x", "count": 0}, "/api/1.48.0/sync")[0])

    [fits] = outputs(deployment, {"letter": "x", "count": CHUNK_BYTES - around}, "/api/1.48.0/sync")
    cut = outputs(deployment, {"letter": "x", "count": CHUNK_BYTES - around + 1}, "/api/1.48.0/sync")

    assert (len(fits), json.loads(fits)["type"]) == (CHUNK_BYTES, "Transition")
    assert [json.loads(text)["type"] for text in cut] == ["TransitionChunk", "TransitionChunk"]


@pytest.mark.parametrize(
    ("path", "client"),
    [("/api/sync", PYPI), ("/api/sync", None), ("/api/1.27.9/sync", None), ("/api/1.28.0-alpha.1/sync", None)],
    ids=["PyPI", "unknown", "older npm", "pre-release"],
)
def test_other_clients_get_it_whole(deployment: Emulator, path: str, client: str | None) -> None:
    [text] = outputs(deployment, {"letter": "x", "count": CHUNK_BYTES}, path, client)

    assert json.loads(text)["type"] == "Transition"
