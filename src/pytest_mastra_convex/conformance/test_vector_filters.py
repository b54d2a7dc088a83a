"""Filters of vector searches: equalities of declared fields, joined by `or`; what they find and which are refused.

convex-backend crates/vector/src/query.rs and qdrant_index.rs (convex-engine.md §8.4).
"""

from __future__ import annotations

from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator import undefined
from pytest_mastra_convex.probe import Expression, Probe, counter, eq, insert, or_, vector_search

VECTORS = "conformance_vectors"
INDEX = "by_embedding"
ABSENT: dict[str, Any] = {}


def store(probe: Probe, **fields: dict[str, Any]) -> dict[str, str]:
    """Stores documents of one direction under names, with these fields; returns the names by id."""
    vector = [1.0, 0.0, 0.0]
    steps = probe.mutation(
        *(insert(VECTORS, {"embedding": vector, "name": name, **rest}) for name, rest in fields.items())
    )
    return dict(zip([step.value for step in steps], fields, strict=True))


def search(probe: Probe, filter: Expression, *, limit: int = 256) -> list[str]:
    """The ids a filtered search gives."""
    return [row["_id"] for row in probe.vector_search(VECTORS, INDEX, [1, 0, 0], limit=limit, filter=filter)]


def found(probe: Probe, names: dict[str, str], filter: Expression) -> set[str]:
    """The names a filtered search gives."""
    return {names[identifier] for identifier in search(probe, filter)}


def refusal(probe: Probe, filter: Expression) -> str:
    """The text with which a filtered search is refused."""
    error = probe.action(vector_search(VECTORS, INDEX, [1, 0, 0], filter=filter))[0].error
    assert error is not None
    return error


# Equality


# One tenant's documents and nobody else's.
def test_an_equality_finds_its_documents_only(probe: Probe) -> None:
    names = store(probe, mine={"group": "a"}, theirs={"group": "b"}, nobodys=ABSENT)

    assert found(probe, names, eq("group", "a")) == {"mine"}


def test_a_value_no_document_has_finds_nothing(probe: Probe) -> None:
    store(probe, mine={"group": "a"})

    assert search(probe, eq("group", "c")) == []


# The filter comes before the limit: 300 nearer documents of other tenants must not use it up.
def test_the_filter_comes_before_the_limit(probe: Probe) -> None:
    near = {"embedding": [1, 0, 0], "name": "near", "group": "others"}
    far = {"embedding": [-1, 0, 0], "name": "far", "group": "mine"}
    identifier = probe.mutation(insert(VECTORS, near, times=300), insert(VECTORS, far))[1].value

    assert search(probe, eq("group", "mine"), limit=1) == [identifier]


# The limit counts what passes: the nearest of the tenant's, in order.
def test_the_limit_is_of_what_passes(probe: Probe) -> None:
    document = {"embedding": [counter(), 1, 0], "name": "n", "group": "mine", "rank": counter()}
    probe.mutation(insert(VECTORS, document, times=20), insert(VECTORS, {**document, "group": "others"}, times=20))

    found = probe.vector_search(VECTORS, INDEX, [0, 1, 0], limit=3, filter=eq("group", "mine"))

    ranks = [(probe.get(row["_id"]) or {})["rank"] for row in found]
    assert ranks == [0, 1, 2]


# The default of ten holds for filtered searches, too.
@pytest.mark.diverges("limits-of-vector-searches")
def test_ten_of_eleven_are_found_by_default(probe: Probe) -> None:
    probe.mutation(insert(VECTORS, {"embedding": [1, 0, 0], "name": "n", "group": "a"}, times=11))

    assert len(probe.vector_search(VECTORS, INDEX, [1, 0, 0], filter=eq("group", "a"))) == 10


# Metadata of every kind can be filtered by; equality is that of indexes: of one type, and to the bit.
EQUAL = [
    pytest.param("a", id="text"),
    pytest.param("", id="empty-text"),
    pytest.param("\U0001f600", id="emoji"),
    pytest.param(1.0, id="number"),
    pytest.param(-0.0, id="minus-zero"),
    pytest.param(float("nan"), id="nan"),
    pytest.param(ConvexInt64(1), id="int64"),
    pytest.param(True, id="true"),
    pytest.param(False, id="false"),
    pytest.param(None, id="null"),
    pytest.param(b"\x01", id="bytes"),
    pytest.param([1.0, "a"], id="list"),
    pytest.param({"a": 1.0, "b": [None]}, id="object"),
]


@pytest.mark.parametrize("value", EQUAL)
def test_a_value_of_any_kind_can_be_filtered_by(probe: Probe, value: Any) -> None:
    names = store(probe, equal={"rank": value}, other={"rank": "other"}, absent=ABSENT)

    assert found(probe, names, eq("rank", value)) == {"equal"}


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        pytest.param(1.0, "1", id="number-and-text"),
        pytest.param(1.0, ConvexInt64(1), id="number-and-int64"),
        pytest.param(ConvexInt64(1), 1.0, id="int64-and-number"),
        pytest.param(1.0, True, id="number-and-true"),
        pytest.param(0.0, -0.0, id="zero-and-minus-zero"),
        pytest.param("", None, id="empty-and-null"),
        pytest.param(0.0, False, id="zero-and-false"),
        pytest.param("a", "A", id="case"),
        pytest.param("ab", "a", id="prefix"),
        pytest.param([1.0], [1.0, 1.0], id="shorter-list"),
        pytest.param(["a"], "a", id="element-of-list"),
        pytest.param({"a": 1.0}, {}, id="part-of-object"),
    ],
)
def test_a_value_of_another_kind_is_another_value(probe: Probe, stored: Any, asked: Any) -> None:
    store(probe, stored={"rank": stored})

    assert search(probe, eq("rank", asked)) == []


# A document without the field is not one whose field is null: each is found by its own filter.
def test_null_finds_null_only(probe: Probe) -> None:
    names = store(probe, null={"rank": None}, absent=ABSENT)

    assert found(probe, names, eq("rank", None)) == {"null"}


def test_undefined_finds_documents_without_the_field(probe: Probe) -> None:
    names = store(probe, null={"rank": None}, absent=ABSENT, zero={"rank": 0.0})

    assert found(probe, names, eq("rank", undefined)) == {"absent"}


# Or


# A list of tenants.
def test_several_values_of_one_field(probe: Probe) -> None:
    names = store(probe, a={"group": "a"}, b={"group": "b"}, c={"group": "c"}, absent=ABSENT)

    assert found(probe, names, or_(eq("group", "a"), eq("group", "c"))) == {"a", "c"}


# There is no `and`: two fields find what has either.  Who wants both needs a field that holds both.
def test_several_fields_are_alternatives(probe: Probe) -> None:
    names = store(
        probe,
        both={"group": "a", "rank": 1.0},
        group={"group": "a", "rank": 2.0},
        rank={"group": "b", "rank": 1.0},
        neither={"group": "b", "rank": 2.0},
    )

    assert found(probe, names, or_(eq("group", "a"), eq("rank", 1.0))) == {"both", "group", "rank"}


# What meets two alternatives is found once.
def test_a_document_that_meets_two_alternatives_is_found_once(probe: Probe) -> None:
    store(probe, both={"group": "a", "rank": 1.0})

    assert len(search(probe, or_(eq("group", "a"), eq("rank", 1.0), eq("group", "a")))) == 1


def test_alternatives_can_be_nested(probe: Probe) -> None:
    names = store(probe, a={"group": "a"}, b={"group": "b"}, c={"group": "c"}, d={"group": "d"})

    filter = or_(eq("group", "a"), or_(eq("group", "b"), or_(eq("group", "c"))))

    assert found(probe, names, filter) == {"a", "b", "c"}


def test_one_alternative_is_an_equality(probe: Probe) -> None:
    names = store(probe, a={"group": "a"}, b={"group": "b"})

    assert found(probe, names, or_(eq("group", "a"))) == {"a"}


# A list of tenants that came out empty is no filter at all: everything is found.  Guard against it before the search.
@pytest.mark.diverges("no-alternatives-in-vector-filters")
def test_no_alternatives_find_everything(probe: Probe) -> None:
    names = store(probe, a={"group": "a"}, absent=ABSENT)

    assert found(probe, names, or_()) == {"a", "absent"}


# Declared fields


# Green on convex-test, refused in production: a filter on a field that the index does not declare.
@pytest.mark.diverges("undeclared-filter-fields")
@pytest.mark.parametrize("field", ["note", "name", "embedding", "nothing", "_id", "_creationTime", "group.inner"])
def test_a_field_that_is_not_declared_is_refused(probe: Probe, field: str) -> None:
    assert refusal(probe, eq(field, "a")) == (
        f'Vector query against {VECTORS}.{INDEX} contains a filter on "{field}" '
        "but that field isn't indexed for filtering in `filterFields`."
    )


# One alternative is enough to have the search refused, also when the others would find something.
@pytest.mark.diverges("undeclared-filter-fields")
def test_a_field_that_is_not_declared_is_refused_among_others(probe: Probe) -> None:
    store(probe, a={"group": "a"})

    assert "isn't indexed for filtering" in refusal(probe, or_(eq("group", "a"), eq("note", "a")))


# Number of conditions


def groups(count: int) -> list[Expression]:
    """So many different conditions on one field."""
    return [eq("group", f"g{number}") for number in range(count)]


# Sixty-four conditions: the documents of so many threads, say.
def test_64_conditions_are_taken(probe: Probe) -> None:
    names = store(probe, first={"group": "g0"}, last={"group": "g63"}, beyond={"group": "g64"})

    assert found(probe, names, or_(*groups(64))) == {"first", "last"}


@pytest.mark.diverges("limits-of-vector-searches")
def test_65_conditions_are_refused(probe: Probe) -> None:
    assert refusal(probe, or_(*groups(65))) == (
        f"Vector query against {VECTORS}.{INDEX} has too many conditions. Max: 64 Actual: 65"
    )


# Conditions of all fields count together.
@pytest.mark.diverges("limits-of-vector-searches")
def test_65_conditions_on_two_fields_are_refused(probe: Probe) -> None:
    assert "Max: 64 Actual: 65" in refusal(probe, or_(*groups(60), *(eq("rank", float(n)) for n in range(5))))


# Conditions that say the same count once.
def test_repeated_conditions_count_once(probe: Probe) -> None:
    names = store(probe, last={"group": "g63"})

    assert found(probe, names, or_(*groups(64), *groups(64))) == {"last"}


# Changes


# A document that is handed over to another tenant must be found by that one only, at once.
def test_a_changed_field_is_found_by_its_new_value(probe: Probe) -> None:
    names = store(probe, moved={"group": "a"})

    probe.patch(next(iter(names)), {"group": "b"})

    assert found(probe, names, eq("group", "a")) == set()
    assert found(probe, names, eq("group", "b")) == {"moved"}


def test_a_removed_field_is_absent(probe: Probe) -> None:
    names = store(probe, moved={"rank": 1.0})

    probe.patch(next(iter(names)), {"rank": undefined})

    assert found(probe, names, eq("rank", 1.0)) == set()
    assert found(probe, names, eq("rank", undefined)) == {"moved"}


# A deleted document is gone from the filtered searches, too.
def test_a_deleted_document_is_not_found(probe: Probe) -> None:
    names = store(probe, gone={"group": "a"}, stays={"group": "a"})

    probe.delete(next(iter(names)))

    assert found(probe, names, eq("group", "a")) == {"stays"}


# A new vector keeps the document among those of its group.
def test_a_new_vector_keeps_the_group(probe: Probe) -> None:
    names = store(probe, moved={"group": "a"})

    probe.patch(next(iter(names)), {"embedding": [0.0, 1.0, 0.0]})

    assert found(probe, names, eq("group", "a")) == {"moved"}
