"""Requests to `mastra/storage:handle` for observational memory: generations, buffered chunks, their activation."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from tests.differential.pair import Call, Row, Step
from tests.differential.storage_strategies import (
    PATH,
    ids,
    mostly,
    records,
    requests,
    rows_of,
    sequences,
    times,
    typed_steps,
)
from tests.differential.value_strategies import (
    NOT_A_NUMBER,
    is_plain_json,
    json_texts,
    reserved_names,
    texts,
    values,
)

_tokens = st.sampled_from((0.0, 1.0, 10.0, 500.0, 999.0, 1000.0, 1500.0, 4000.0, 10_000.0))
# With 30,000 pending tokens, a threshold of 20,000 and a ratio of 0 the target is 10,000, and an activation may
# overshoot up to 29,000: the sums of these lie below, at, between and above.
_small = st.sampled_from((5000.0, 9999.0, 1000.0, 1.0))
_large = st.sampled_from((19_000.0, 20_000.0, 24_000.0, 10_000.0, 28_999.0, 29_000.0, 29_001.0, 5000.0))
_weights = st.tuples(_small, _large, _large)
_activations = st.sampled_from(((0.0, 20_000.0, 30_000.0), (0.0, 20_000.0, 30_000.0), (0.8, 100_000.0, 30_000.0)))
_chunks = st.fixed_dictionaries(
    {"observations": st.sampled_from(("one", "two", "", "line\nline")), "tokenCount": _tokens},
    optional={
        "messageTokens": mostly(_large, _tokens | st.sampled_from((None, -5.0))),
        "messageIds": st.lists(st.sampled_from(("m1", "m2")), max_size=2) | st.none(),
        "cycleId": st.sampled_from(("c1", "", None)),
        "lastObservedAt": times | st.none(),
        "suggestedContinuation": st.sampled_from(("go on", None, "")),
        "currentTask": st.sampled_from(("task", None)),
        "10": values,
    },
)
_weighted = st.builds(
    lambda chunk, weights: [{**chunk, "messageTokens": weight} for weight in weights], _chunks, _weights
)
_odd_chunks = st.sampled_from((None, "text", {}, 5.0, {"tokenCount": 1.0}, {"observations": "x"}))


def _activation(record_id: Any, numbers_given: tuple[float, float, float], chunks: list[Row]) -> Step:
    ratio, threshold, pending = numbers_given
    given = {"activationRatio": ratio, "messageTokensThreshold": threshold, "currentPendingTokens": pending}
    args = {"op": "omSwapBuffered", "tableName": "mastra_observational_memory", "id": record_id, "now": "2026-01-04"}
    return Call(PATH, {**args, **given, "bufferedChunks": chunks})


@st.composite
def observational_memory_sequences(draw: st.DrawFn) -> list[Step]:
    """Observational memory."""
    table = "mastra_observational_memory"
    key = st.sampled_from(("thread:t1", "resource:r1", "thread:t2"))
    chunk = mostly(_chunks, _odd_chunks)
    updated = {"updatedAt": times}
    chunk_texts = st.lists(_chunks.filter(is_plain_json), min_size=1, max_size=5).map(json.dumps)
    record = st.builds(
        lambda row, chunks: {**row, "bufferedObservationChunks": chunks},
        records(table),
        mostly(chunk_texts, json_texts | st.none()),
    )
    current = st.builds(lambda row, record_id: {**row, "id": record_id}, records(table), ids)
    swaps = requests(
        table,
        {
            "omSwapBuffered": {
                "id": ids,
                "activationRatio": st.sampled_from((0.0, 0.2, 0.8, 1.0)),
                "messageTokensThreshold": _tokens,
                "currentPendingTokens": _tokens,
                "forceMaxActivation": st.sampled_from((True, False, None)),
                "lastObservedAt": times | st.none(),
                "bufferedChunks": st.none() | st.lists(chunk, max_size=5),
                "now": times,
            }
        },
    )
    usual = typed_steps(
        table,
        insert={"record": record},
        omGetLatest={"lookupKey": key},
        omGetHistory={
            "lookupKey": key,
            "limit": st.sampled_from((1.0, 2.0, 0.0, -1.0, 10.0, None, "2")),
            "from": times | st.none(),
            "to": times,
            "offset": st.sampled_from((0.0, 1.0, -1.0, None, 1.5)),
        },
        omUpdateActive={
            "id": ids,
            "observations": texts,
            "tokenCount": _tokens | st.sampled_from((-1.0, NOT_A_NUMBER, None, "5")),
            "lastObservedAt": times | st.none(),
            "observedMessageIds": st.none() | st.lists(texts, max_size=2),
            **updated,
        },
        omAppendBufferedChunk={"id": ids, "chunk": chunk, "lastBufferedAtTime": times | st.none(), **updated},
        omUpdateBufferedReflection={
            "id": ids,
            "reflection": texts,
            "tokenCount": _tokens | st.none(),
            "inputTokenCount": _tokens,
            "reflectedObservationLineCount": st.sampled_from((0.0, 1.0, 2.0, -1.0, 1.5)),
            **updated,
        },
        omSwapBufferedReflection={"currentRecord": current, "newId": ids, "tokenCount": _tokens, "now": times},
        omUpdateConfig={"id": ids, "config": json_texts | reserved_names, **updated},
    )
    step = st.one_of(usual, usual, swaps, st.builds(_activation, ids, _activations, _weighted))
    rows: list[Row] = [
        {"lookupKey": "thread:t1", "generationCount": 1.0, "bufferedObservationChunks": draw(chunk_texts)},
        {
            "lookupKey": "thread:t1",
            "generationCount": 0.0,
            "bufferedReflection": "reflection",
            "activeObservations": "1\n2",
        },
        {"lookupKey": "resource:r1", "config": '{"a":{"b":1}}', "bufferedObservationChunks": draw(chunk_texts)},
    ]
    return draw(sequences(step, rows_of(table, *rows)))
