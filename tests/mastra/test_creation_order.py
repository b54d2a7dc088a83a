"""Rows without an order of their own come in the order in which they were written."""

from __future__ import annotations

from convex_mastra_emulator import Emulator


# Mastra sorts in the client, stably: rows of equal times keep the order of the query, which ends with the creation
# time.  A clock that a test holds still must not make two rows of one time: ids would decide, and ids are random.
def test_rows_keep_their_order_while_the_clock_stands_still(emulator: Emulator) -> None:
    for number in range(300):
        record = {"id": f"{number}"}
        emulator.mutation("mastra/storage:handle", {"op": "insert", "tableName": "ordered_notes", "record": record})

    rows = emulator.mutation("mastra/storage:handle", {"op": "queryTable", "tableName": "ordered_notes"})["result"]

    assert [int(row["id"]) for row in rows] == list(range(300))
