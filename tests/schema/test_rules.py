"""What a deployment refuses in a schema: convex-engine.md §0, §4.1, §7.1 and §8.1."""

import re

import pytest

from convex_mastra_emulator.errors import SchemaDefinitionError
from convex_mastra_emulator.schema import Schema, TableDefinition, define_schema, define_table, v
from convex_mastra_emulator.schema.validators import Validator

FIELDS = {f"f{n}": v.any() for n in range(70)}
ANY = define_table(v.any())
TABLE = define_table({"a": v.string(), "b": v.any(), "embedding": v.array(v.float64()), **FIELDS})


def refused(table: TableDefinition, text: str, code: str, *, name: str = "t") -> None:
    """The schema of that one table is refused with exactly this text, wrapped as the push wraps it."""
    wrapped = f"Hit an error while evaluating your schema:\n{text}"
    with pytest.raises(SchemaDefinitionError, match=f"^{re.escape(wrapped)}$") as caught:
        define_schema({name: table})
    assert caught.value.code == code


def accepted(table: TableDefinition, *, name: str = "t") -> None:
    assert isinstance(define_schema({name: table}), Schema)


# Tables


@pytest.mark.parametrize("name", ["1a", "a-b", "a b", "", "é", "x" * 65])
def test_table_name_that_is_no_identifier(name: str) -> None:
    text = (
        f'Invalid table name: "{name}". '
        "Identifiers must start with a letter and can only contain letters, digits, and underscores."
    )
    refused(ANY, text, "InvalidTableName", name=name)


def test_longest_table_name() -> None:
    accepted(ANY, name="x" * 64)


@pytest.mark.parametrize("name", ["_a", "_storage", "_"])
def test_reserved_table_name(name: str) -> None:
    refused(ANY, f"{name} is a reserved table name.", "TableNameReserved", name=name)


def test_ten_thousand_tables_fit() -> None:
    assert len(define_schema({f"t{n}": ANY for n in range(10_000)}).tables) == 10_000


def test_more_than_ten_thousand_tables() -> None:
    text = "Number of tables cannot exceed 10000."
    with pytest.raises(SchemaDefinitionError, match=re.escape(text)) as caught:
        define_schema({f"t{n}": ANY for n in range(10_001)})

    assert caught.value.code == "TooManyTables"


# Document types


@pytest.mark.parametrize(
    ("document", "found"),
    [
        (v.string(), "v.string()"),
        (v.array(v.any()), "v.array(v.any())"),
        (v.record(v.string(), v.any()), "v.record(v.string(), v.any())"),
        (v.union(v.object({}), v.null()), "v.null()"),
        (v.union(v.union(v.object({}))), "v.union(v.object({}))"),
    ],
)
def test_document_type_that_is_no_object(document: Validator, found: str) -> None:
    text = (
        "The document validator in a schema must be an object, a union of objects, or `v.any()`. "
        f"Found {found}. To learn more, see the schema documentation at https://docs.convex.dev/database/schemas."
    )
    refused(define_table(document), text, "InvalidTopLevelTypeInSchemaError")


@pytest.mark.parametrize(
    "document", [v.any(), v.object({}), v.union(v.object({"a": v.null()}), v.object({"b": v.null()}))]
)
def test_document_type_of_objects(document: Validator) -> None:
    accepted(define_table(document))


# Names of indexes


@pytest.mark.parametrize("name", ["1a", "by-a", "", "by a", "x" * 65])
def test_index_name_that_is_no_identifier(name: str) -> None:
    text = (
        f'In table "t": Invalid index name: "{name}". Identifiers must be 64 characters or less, '
        "start with a letter, and only contain letters, digits, underscores."
    )
    refused(TABLE.index(name, ["a"]), text, "InvalidIndexName")
    refused(TABLE.search_index(name, search_field="a"), text, "InvalidIndexName")
    refused(TABLE.vector_index(name, vector_field="embedding", dimensions=3), text, "InvalidIndexName")


def test_longest_index_name() -> None:
    accepted(TABLE.index("x" * 64, ["a"]))


@pytest.mark.parametrize("name", ["by_id", "by_creation_time", "_a", "_"])
def test_reserved_index_name(name: str) -> None:
    text = (
        f'In table "t" cannot name an index "{name}" because the name is reserved. '
        'Indexes may not start with an underscore or be named "by_id" or "by_creation_time".'
    )
    refused(TABLE.index(name, ["a"]), text, "IndexNameReserved")
    refused(TABLE.vector_index(name, vector_field="embedding", dimensions=3), text, "IndexNameReserved")


def test_reserved_name_that_is_excepted() -> None:
    accepted(TABLE.index("_fivetran_a", ["a"]))


@pytest.mark.parametrize(
    "twice",
    [
        TABLE.index("x", ["a"]).index("x", ["b"]),
        TABLE.index("x", ["a"]).search_index("x", search_field="a"),
        TABLE.search_index("x", search_field="a").vector_index("x", vector_field="embedding", dimensions=3),
        TABLE.index("x", ["a"]).index("x", ["b"], staged=True),
    ],
)
def test_index_name_used_twice(twice: TableDefinition) -> None:
    refused(twice, 'Table "t" has two or more definitions of index "x".', "IndexNamesNotUnique")


# Fields of database indexes


def test_index_without_fields() -> None:
    refused(TABLE.index("x", []), 'In table "t" index "x" must have at least one field.', "EmptyIndex")


def test_staged_index_without_fields() -> None:
    text = 'In table "t" staged index "x" must have at least one field.'
    refused(TABLE.index("x", [], staged=True), text, "EmptyIndex")


# The alphabetically later name comes first, whatever the order of the definitions.
@pytest.mark.parametrize("names", [("aa", "bb"), ("bb", "aa")])
def test_indexes_of_the_same_fields(names: tuple[str, str]) -> None:
    text = 'In table "t" index "bb" and index "aa" have the same fields. Indexes must be unique within a table.'
    refused(TABLE.index(names[0], ["a", "b"]).index(names[1], ["a", "b"]), text, "IndexNotUnique")


def test_indexes_of_the_same_fields_in_another_order() -> None:
    accepted(TABLE.index("ab", ["a", "b"]).index("ba", ["b", "a"]))


def test_duplicate_index_field() -> None:
    text = 'In table "t": In index "x": Duplicate field "a". Index fields must be unique within an index.'
    refused(TABLE.index("x", ["a", "b", "a"]), text, "FieldsNotUniqueWithinIndex")


def test_id_as_index_field() -> None:
    text = 'In table "t": In index "x": `_id` is not a valid index field. To load documents by ID, use `db.get(id)`.'
    refused(TABLE.index("x", ["a", "_id"]), text, "IndexFieldsContainId")


def test_creation_time_as_index_field() -> None:
    text = (
        "`_creationTime` is automatically added to the end of each index. It should not be added explicitly in the "
        "index definition. See https://docs.convex.dev/using/indexes for more details."
    )
    refused(TABLE.index("x", ["a", "_creationTime"]), text, "IndexFieldsContainCreationTime")


@pytest.mark.parametrize("field", ["_a", "b._a"])
def test_other_reserved_index_field(field: str) -> None:
    text = "Reserved fields (starting with `_`) are not allowed in indexes."
    refused(TABLE.index("x", [field]), text, "IndexFieldNameReserved")


def test_fifteen_index_fields() -> None:
    accepted(TABLE.index("x", [f"f{n}" for n in range(15)]))


# With the appended `_creationTime` there are seventeen.
def test_sixteen_index_fields() -> None:
    text = "Indexes may have up to 16 fields."
    refused(TABLE.index("x", [f"f{n}" for n in range(16)]), text, "IndexTooManyFields")


def test_seventeen_index_fields() -> None:
    text = 'In table "t": In index "x": Indexes may have up to 16 fields.'
    refused(TABLE.index("x", [f"f{n}" for n in range(17)]), text, "IndexTooManyFields")


@pytest.mark.parametrize("path", ["a b", "", "a..b", "0", "x" * 65])
def test_index_field_that_is_no_path(path: str) -> None:
    text = f'In table "t": In index "x": Invalid index field: "{path}"'
    refused(TABLE.index("x", [path]), text, "InvalidIndexField")
    refused(TABLE.search_index("x", search_field=path), text, "InvalidIndexField")
    refused(TABLE.vector_index("x", vector_field=path, dimensions=3), text, "InvalidIndexField")
    refused(
        TABLE.vector_index("x", vector_field="embedding", dimensions=3, filter_fields=[path]),
        text,
        "InvalidIndexField",
    )


# Number of indexes


def many_indexes(count: int) -> TableDefinition:
    table = TABLE.search_index("search", search_field="a").vector_index("v", vector_field="embedding", dimensions=3)
    for n in range(count - 2):
        table = table.index(f"x{n}", [f"f{n}"], staged=n % 2 == 0)
    return table


def test_64_indexes_of_all_kinds() -> None:
    accepted(many_indexes(64))


def test_65_indexes_of_all_kinds() -> None:
    refused(many_indexes(65), 'Table "t" cannot have more than 64 indexes.', "TooManyIndexes")


# Text and vector indexes


def test_sixteen_filter_fields() -> None:
    fields = [f"f{n}" for n in range(16)]
    accepted(TABLE.search_index("x", search_field="a", filter_fields=fields))
    accepted(TABLE.vector_index("x", vector_field="embedding", dimensions=3, filter_fields=fields))


def test_seventeen_filter_fields() -> None:
    fields = [f"f{n}" for n in range(17)]
    text = 'In table "t": Search indexes may have up to 16 filter fields.'
    refused(TABLE.search_index("x", search_field="a", filter_fields=fields), text, "IndexTooManyFilterFields")
    vector = TABLE.vector_index("x", vector_field="embedding", dimensions=3, filter_fields=fields)
    refused(vector, text, "IndexTooManyFilterFields")


def test_search_indexes_of_the_same_field() -> None:
    table = TABLE.search_index("aa", search_field="a").search_index("bb", search_field="a")
    with pytest.raises(SchemaDefinitionError, match="search index") as caught:
        define_schema({"t": table})

    assert str(caught.value).startswith(
        "Hit an error while evaluating your schema:\n"
        'In table "t" search index "bb" and search index "aa" have the same `searchField`. '
    )
    assert caught.value.code == "SearchIndexFieldNotUnique"


def test_search_indexes_of_the_same_field_with_other_filter_fields() -> None:
    accepted(TABLE.search_index("x", search_field="a").search_index("y", search_field="a", filter_fields=["b"]))


def test_vector_indexes_of_the_same_field_and_dimensions() -> None:
    table = TABLE.vector_index("aa", vector_field="embedding", dimensions=3).vector_index(
        "bb", vector_field="embedding", dimensions=3, filter_fields=["a"]
    )
    with pytest.raises(SchemaDefinitionError, match="vector index") as caught:
        define_schema({"t": table})

    assert str(caught.value).startswith(
        "Hit an error while evaluating your schema:\n"
        'In table "t" vector index "bb" and vector index "aa" have the same `vectorField`. '
    )
    assert caught.value.code == "VectorIndexFieldNotUnique"


def test_vector_indexes_of_the_same_field_with_other_dimensions() -> None:
    table = TABLE.vector_index("aa", vector_field="embedding", dimensions=3)
    accepted(table.vector_index("bb", vector_field="embedding", dimensions=4))


# crates/common/src/schemas/json.rs chains the staged vector indexes to the others before it compares (94a42c3d).
def test_staged_vector_index_of_the_same_field_and_dimensions_is_refused() -> None:
    table = TABLE.vector_index("aa", vector_field="embedding", dimensions=3)
    staged = table.vector_index("bb", vector_field="embedding", dimensions=3, filter_fields=["a"], staged=True)

    with pytest.raises(SchemaDefinitionError, match="have the same `vectorField`"):
        define_schema({"t": staged})


@pytest.mark.parametrize("dimensions", [2, 1536, 4096])
def test_dimensions_within_bounds(dimensions: int) -> None:
    accepted(TABLE.vector_index("x", vector_field="embedding", dimensions=dimensions))


@pytest.mark.parametrize("dimensions", [0, 1, 4097, -3])
def test_dimensions_out_of_bounds(dimensions: int) -> None:
    text = f'In table "t": Dimensions {dimensions} must be between 2 and 4096.'
    table = TABLE.vector_index("x", vector_field="embedding", dimensions=dimensions)
    refused(table, text, "InvalidVectorDimensionError")


def test_fractional_dimensions() -> None:
    table = TABLE.vector_index("x", vector_field="embedding", dimensions=2.5)  # type: ignore[arg-type]
    with pytest.raises(SchemaDefinitionError, match=r"Dimensions 2\.5 must be between 2 and 4096"):
        define_schema({"t": table})


# References to fields


def test_index_on_a_field_no_document_can_have() -> None:
    text = 'In table "t" the index "x" is invalid because it references the field "missing" that does not exist.'
    for table in (
        TABLE.index("x", ["a", "missing"]),
        TABLE.search_index("x", search_field="missing"),
        TABLE.search_index("x", search_field="a", filter_fields=["missing"]),
        TABLE.vector_index("x", vector_field="missing", dimensions=3),
    ):
        refused(table, text, "SchemaDefinitionError")


def test_vector_filter_fields_are_not_checked_to_exist() -> None:
    accepted(TABLE.vector_index("x", vector_field="embedding", dimensions=3, filter_fields=["missing"]))


def test_references_are_not_checked_without_schema_validation() -> None:
    schema = define_schema({"t": TABLE.index("x", ["missing"])}, schema_validation=False)

    assert not schema.schema_validation


@pytest.mark.parametrize(
    "field", [v.array(v.float64()), v.optional(v.array(v.float64())), v.any(), v.union(v.null(), v.array(v.float64()))]
)
def test_vector_field_that_may_hold_an_embedding(field: Validator) -> None:
    accepted(define_table({"e": field}).vector_index("x", vector_field="e", dimensions=3))


@pytest.mark.parametrize("field", [v.string(), v.array(v.string()), v.array(v.int64()), v.float64(), v.object({})])
def test_vector_field_that_cannot_hold_an_embedding(field: Validator) -> None:
    text = (
        'In table "t" the vector index "x" is invalid because it references the field "e" '
        "that is neither an array of float64 or optional array of float64."
    )
    table = define_table({"e": field}).vector_index("x", vector_field="e", dimensions=3)
    refused(table, text, "SchemaDefinitionError")


def test_nested_fields_can_be_indexed() -> None:
    nested = define_table({"m": v.object({"e": v.array(v.float64()), "k": v.string()})})
    accepted(nested.index("x", ["m.k"]).vector_index("y", vector_field="m.e", dimensions=3, filter_fields=["m.k"]))


def test_second_table_is_checked_too() -> None:
    with pytest.raises(SchemaDefinitionError, match=r'In table "second" index "x" must have at least one field\.'):
        define_schema({"first": TABLE, "second": TABLE.index("x", [])})
