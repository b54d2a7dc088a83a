"""Whatever documents there are: an export into a new emulator gives the same tables, ids, times, order and indexes."""

import io
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from convex_mastra_emulator import Emulator, action
from convex_mastra_emulator.schema import define_schema, define_table, v
from convex_mastra_emulator.values.order import sort_key
from pytest_mastra_convex.strategies import documents

SCHEMA = define_schema(
    {
        "things": define_table(v.any()).index("by_a", ["a"]),
        "vectors": define_table(v.any()).vector_index("by_v", vector_field="v", dimensions=2),
        "empty": define_table(v.any()),
    }
)
TABLES = ("things", "vectors", "later", "last")


def everything(emulator: Emulator) -> dict[str, Any]:
    """Every table in the order of each of its indexes; values by their sort keys, which NaN has too."""

    tables = emulator.table_counts()

    def read(ctx: Any) -> dict[str, Any]:
        found = {}
        for table in tables:
            indexes = ["by_id", "by_creation_time", *(["by_a"] if table == "things" else [])]
            for index in indexes:
                rows = ctx.db.query(table).with_index(index).collect()
                found[f"{table}.{index}"] = [sort_key(row) for row in rows]
        return found

    result: dict[str, Any] = emulator.run(read)
    return result


@given(
    rows=st.lists(st.tuples(st.sampled_from(TABLES), documents(define_table(v.any()))), max_size=8),
    first_letters=st.lists(st.sampled_from("ab"), max_size=3),
)
def test_an_export_brings_everything_back(rows: list[tuple[str, dict[str, Any]]], first_letters: list[str]) -> None:
    source, target = Emulator(SCHEMA), Emulator(SCHEMA)
    source.run(lambda ctx: [ctx.db.insert(table, document) for table, document in rows])
    source.run(lambda ctx: [ctx.db.insert("things", {"a": letter}) for letter in first_letters])
    file, again = io.BytesIO(), io.BytesIO()
    source.export_zip(file)
    file.seek(0)

    target.import_zip(file)
    target.export_zip(again)

    assert everything(target) == everything(source)
    assert target.table_counts() == source.table_counts()
    assert again.getvalue() == file.getvalue()


def test_vectors_are_found_after_an_import() -> None:
    source, target = Emulator(SCHEMA), Emulator(SCHEMA)
    ids = source.run(lambda ctx: [ctx.db.insert("vectors", {"v": [1, n]}) for n in range(3)])
    file = io.BytesIO()
    source.export_zip(file)
    file.seek(0)

    search = action(lambda ctx, args: ctx.vector_search("vectors", "by_v", vector=[1, 0], limit=10))
    source.define("v:search", search)
    target.define("v:search", search)

    target.import_zip(file)

    found = target.action("v:search", {})
    assert [row["_id"] for row in found] == ids
    assert found == source.action("v:search", {})
