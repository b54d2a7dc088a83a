"""How a deploy changes indexes."""

from convex_mastra_emulator.schema import Schema, define_schema, define_table, v
from convex_mastra_emulator.schema.definition import TableDefinition
from convex_mastra_emulator.schema.index_diff import NamedIndex, index_diff

NOTES = define_table({"a": v.string(), "b": v.string(), "e": v.array(v.float64())})
NOTHING: dict[str, list[object]] = {
    "added_indexes": [],
    "removed_indexes": [],
    "enabled_indexes": [],
    "disabled_indexes": [],
}


def schema(notes: TableDefinition) -> Schema:
    return define_schema({"notes": notes})


def names(indexes: tuple[NamedIndex, ...]) -> list[str]:
    return [f"{each.table}.{each.index.name}" for each in indexes]


def test_the_same_indexes_do_not_differ() -> None:
    table = NOTES.index("by_a", ["a"])

    diff = index_diff(schema(table), schema(table))

    assert diff.to_json() == NOTHING
    assert names(diff.kept) == ["notes.by_a"]


def test_added_and_removed_are_sorted_by_name() -> None:
    before = schema(NOTES.index("by_b", ["b"]).index("by_a", ["a"]))

    assert names(index_diff(Schema({}), before).added) == ["notes.by_a", "notes.by_b"]
    assert names(index_diff(before, Schema({})).removed) == ["notes.by_a", "notes.by_b"]


# A deployment drops the old one and fills a new one.
def test_an_index_over_other_fields_is_removed_and_added() -> None:
    diff = index_diff(schema(NOTES.index("i", ["a"])), schema(NOTES.index("i", ["b"])))

    assert diff.to_json() == {
        **NOTHING,
        "added_indexes": [{"name": "notes.i", "type": "database", "fields": ["b"], "staged": False}],
        "removed_indexes": [{"name": "notes.i", "type": "database", "fields": ["a"], "staged": False}],
    }


def test_a_staged_index_is_enabled_and_disabled() -> None:
    staged, active = schema(NOTES.index("i", ["a"], staged=True)), schema(NOTES.index("i", ["a"]))

    assert names(index_diff(staged, active).enabled) == ["notes.i"]
    assert names(index_diff(active, staged).disabled) == ["notes.i"]
    assert index_diff(staged, active).kept == ()


def test_every_kind_of_index_has_its_form() -> None:
    table = NOTES.search_index("s", search_field="a", filter_fields=["b"])
    table = table.vector_index("v", vector_field="e", dimensions=3, filter_fields=["a"])

    assert index_diff(Schema({}), schema(table)).to_json()["added_indexes"] == [
        {"name": "notes.s", "type": "search", "searchField": "a", "filterFields": ["b"], "staged": False},
        {
            "name": "notes.v",
            "type": "vector",
            "dimensions": 3,
            "vectorField": "e",
            "filterFields": ["a"],
            "staged": False,
        },
    ]
