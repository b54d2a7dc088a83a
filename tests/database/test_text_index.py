"""What a text index finds, in which order, and when it is computed: convex-engine.md §9."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_mastra_emulator import Emulator, ManualClock
from convex_mastra_emulator.database import text_index
from convex_mastra_emulator.database.store import Store, Table
from convex_mastra_emulator.database.text_index import TextIndex, TextMatch
from convex_mastra_emulator.database.text_tokens import tokens
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.limits import DEFAULT_LIMITS
from convex_mastra_emulator.schema import define_schema, define_table, v
from convex_mastra_emulator.values.ids import IdSource
from convex_mastra_emulator.values.order import sort_key

SCHEMA = define_schema(
    {"docs": define_table(v.any()).search_index("by_body", search_field="m.body", filter_fields=["tag", "m.kind"])}
)


class Deployment:
    """A store whose text index is searched without the rules around it."""

    def __init__(self) -> None:
        self.store = Store(SCHEMA)
        self.transaction = Transaction(self.store, DEFAULT_LIMITS, 1_000_000_000, IdSource(7))
        table = self.store.table("docs")
        assert table is not None
        self.table: Table = table
        self.index: TextIndex = table.text_indexes["by_body"]

    def insert(self, body: Any, **fields: Any) -> str:
        return self.transaction.insert("docs", {"m": {"body": body}, **fields})

    def search(self, text: str, *conditions: tuple[tuple[str, ...], Any], limit: int = 1024) -> list[TextMatch]:
        keys = [(path, sort_key(value)) for path, value in conditions]
        return self.index.search(list(tokens(text)), keys, limit)

    def bodies(self, text: str, *conditions: tuple[tuple[str, ...], Any], limit: int = 1024) -> list[str]:
        found = self.search(text, *conditions, limit=limit)
        return [self.table.documents[match.document_id].value["m"]["body"] for match in found]


@pytest.fixture
def deployment() -> Deployment:
    return Deployment()


# Scores


# One of two texts of one word: ln(1 + 1.5 / 1.5) times 2.2 / (1 + 1.2).
def test_score_of_a_word_in_one_of_two_texts(deployment: Deployment) -> None:
    deployment.insert("fox")
    deployment.insert("dog")

    [match] = deployment.search("fox")

    assert match.score == pytest.approx(math.log(2), rel=1e-6)


# k1 = 1.2 and b = 0.75 stand in the second factor: twice in a text of 3 words, where the mean is 2.
def test_score_depends_on_count_and_length(deployment: Deployment) -> None:
    deployment.insert("fox fox wood")
    deployment.insert("dog")

    [match] = deployment.search("fox")

    assert match.score == pytest.approx(math.log(2) * 2.2 * 2 / (2 + 1.2 * (0.25 + 0.75 * 3 / 2)), rel=1e-6)


# A text that only begins with the word counts half.
def test_score_of_a_beginning_is_half(deployment: Deployment) -> None:
    deployment.insert("foxes")
    deployment.insert("dog")

    [match] = deployment.search("fox")

    assert match.score == pytest.approx(math.log(2) / 2, rel=1e-6)


# Documents without a text make the others rarer, and the mean length shorter: 2 words in 4 documents.
def test_documents_without_a_text_are_counted(deployment: Deployment) -> None:
    for body in ("fox", "dog", 5, None):
        deployment.insert(body)

    [match] = deployment.search("fox")

    assert match.score == pytest.approx(math.log(1 + 3.5 / 1.5) * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 1 / 0.5)), rel=1e-6)


# A score is a number of 32 bits: what differs behind that is a tie.
def test_score_has_32_bits(deployment: Deployment) -> None:
    deployment.insert("fox in a wood")
    deployment.insert("dog")

    [match] = deployment.search("fox")

    assert text_index._single(match.score) == match.score


# Tantivy's fieldnorm table: src/fieldnorm/code.rs.
@pytest.mark.parametrize(
    ("count", "length"),
    [(0, 0), (39, 39), (40, 40), (41, 40), (42, 42), (55, 54), (59, 56), (60, 60), (1000, 984), (2**31, 2_013_265_944)],
)
def test_lengths_are_rounded_down(count: int, length: int) -> None:
    assert text_index._rounded_length(count) == length


# Order

WORDS = ("fox", "foxes", "foxglove", "dog", "dogs", "wood")


def brute_force(bodies: list[str], text: str) -> dict[int, float]:
    """Scores by position, by the formula and nothing else."""
    split = [body.lower().split() for body in bodies]
    mean = sum(map(len, split)) / len(split)
    query = text.lower().split()
    vocabulary = {word for words in split for word in words}
    boosts = {word: 0.5 for word in vocabulary if word.startswith(query[-1])}
    boosts |= {word: 1.0 for word in query if word in vocabulary}
    scores: dict[int, float] = {}
    for word, boost in boosts.items():
        holding = [words for words in split if word in words]
        idf = math.log(1 + (len(split) - len(holding) + 0.5) / (len(holding) + 0.5))
        for position, words in enumerate(split):
            count = words.count(word)
            if count:
                norm = 1.2 * (1 - 0.75 + 0.75 * len(words) / mean)
                scores[position] = scores.get(position, 0) + boost * idf * 2.2 * count / (count + norm)
    return scores


texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)


@given(
    bodies=st.lists(texts, min_size=1, max_size=20),
    text=st.lists(st.sampled_from((*WORDS, "fo")), min_size=1).map(" ".join),
)
@settings(deadline=None)
def test_order_is_that_of_the_formula(bodies: list[str], text: str) -> None:
    deployment = Deployment()
    position_of = {deployment.insert(body): position for position, body in enumerate(bodies)}
    expected = brute_force(bodies, " ".join(text.split()[:16]))

    found = deployment.index.search(text.split()[:16], [], 1024)

    positions = [position_of[match.document_id] for match in found]
    assert set(positions) == set(expected)
    assert [match.score for match in found] == pytest.approx([expected[position] for position in positions], rel=1e-5)
    ranks = [(match.score, position) for match, position in zip(found, positions, strict=True)]
    assert ranks == sorted(ranks, reverse=True)


# Two mutations in one millisecond may give the same creation time: then the larger id is first.
def test_ties_of_score_and_time_are_broken_by_the_id() -> None:
    store = Store(SCHEMA)
    ids = [
        Transaction(store, DEFAULT_LIMITS, 5, IdSource(seed)).insert("docs", {"m": {"body": "fox"}})
        for seed in range(5)
    ]
    table = store.table("docs")
    assert table is not None

    found = table.text_indexes["by_body"].search(["fox"], [], 1024)

    assert [match.internal_id for match in found] == sorted((match.internal_id for match in found), reverse=True)
    assert {match.document_id for match in found} == set(ids)


# A cursor compares keys: they must order as the results do.
def test_keys_are_in_the_order_of_the_results(deployment: Deployment) -> None:
    for body in ("fox", "fox wood", "fox", "foxes", "fox fox dog"):
        deployment.insert(body)

    keys = [match.key for match in deployment.search("fox")]

    assert keys == sorted(keys)
    assert len(set(keys)) == 5


def test_limit_keeps_the_best(deployment: Deployment) -> None:
    for body in ("fox wood wood", "fox", "fox wood"):
        deployment.insert(body)

    assert deployment.bodies("fox", limit=2) == ["fox", "fox wood"]


# Conditions


def test_conditions_must_all_hold(deployment: Deployment) -> None:
    deployment.transaction.insert("docs", {"m": {"body": "fox one", "kind": 1.0}, "tag": "a"})
    deployment.transaction.insert("docs", {"m": {"body": "fox two", "kind": 2.0}, "tag": "a"})

    assert deployment.bodies("fox", (("tag",), "a"), (("m", "kind"), 2.0)) == ["fox two"]
    assert deployment.bodies("fox", (("tag",), "b"), (("m", "kind"), 2.0)) == []


def test_same_condition_twice_is_never_met(deployment: Deployment) -> None:
    deployment.insert("fox", tag="a")

    assert deployment.bodies("fox", (("tag",), "a"), (("tag",), "a")) == []


# A filter value takes one of the 64 places, too.
@pytest.mark.parametrize(("conditions", "count"), [(0, 64), (1, 63)])
def test_beginning_stands_for_64_words_less_the_conditions(deployment: Deployment, conditions: int, count: int) -> None:
    for number in range(70):
        deployment.insert(f"w{number}", tag="a")

    assert len(deployment.search("w", *([(("tag",), "a")] * conditions))) == count


# When it is computed


@pytest.fixture
def tokenised(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that were taken apart for an index."""
    seen: list[str] = []

    def noting(text: str) -> Iterator[str]:
        seen.append(text)
        return tokens(text)

    monkeypatch.setattr(text_index, "tokens", noting)
    return seen


# Whoever never searches pays nothing for the index.
def test_writes_compute_nothing(deployment: Deployment, tokenised: list[str]) -> None:
    document_id = deployment.insert("fox")
    deployment.transaction.patch(document_id, {"tag": "a"})
    deployment.transaction.delete(document_id)

    assert tokenised == []


def test_search_computes_what_changed_and_only_once(deployment: Deployment, tokenised: list[str]) -> None:
    deployment.insert("fox")
    deployment.search("fox")
    deployment.insert("dog")
    deployment.search("fox")
    deployment.search("fox")

    assert tokenised == ["fox", "dog"]


# A mutation that fails puts everything back; the index need not look at it again.
def test_undone_write_computes_nothing(deployment: Deployment, tokenised: list[str]) -> None:
    document_id = deployment.insert("fox")
    deployment.search("fox")
    savepoint = deployment.transaction.savepoint()
    deployment.transaction.patch(document_id, {"tag": "a"})
    deployment.transaction.rollback(savepoint)

    assert deployment.bodies("fox") == ["fox"]
    assert tokenised == ["fox"]


# Whatever was written, undone and searched before, the index is that of the documents there are.
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["insert", "change", "delete", "search"]), texts, st.sampled_from("ab"), st.booleans()
        ),
        max_size=25,
    )
)
@settings(deadline=None)
def test_index_is_that_of_a_new_one(steps: list[tuple[str, str, str, bool]]) -> None:
    deployment = Deployment()
    for action, body, tag, is_undone in steps:
        savepoint = deployment.transaction.savepoint()
        _step(deployment, action, body, tag)
        if is_undone:
            deployment.search("fox")
            deployment.transaction.rollback(savepoint)
    fresh = TextIndex(deployment.index.definition, deployment.table)
    for document_id in deployment.table.documents:
        fresh.touch(document_id)

    for words in (["fo"], ["dog", "wood"], ["foxes", "d"]):
        conditions = [(("tag",), sort_key("a"))]
        assert deployment.index.search(words, conditions, 1024) == fresh.search(words, conditions, 1024)
        assert deployment.index.search(words, [], 1024) == fresh.search(words, [], 1024)


def _step(deployment: Deployment, action: str, body: str, tag: str) -> None:
    ids = list(deployment.table.documents)
    if action == "insert" or not ids:
        deployment.insert(body, tag=tag)
    elif action == "change":
        deployment.transaction.replace(ids[len(body) % len(ids)], {"m": {"body": body}, "tag": tag})
    elif action == "delete":
        deployment.transaction.delete(ids[len(body) % len(ids)])
    else:
        deployment.search(body)


# A history of messages: the first search takes them apart, the next ones only look.
def test_emulator_searches_many_texts() -> None:
    with Emulator(SCHEMA, seed=1, clock=ManualClock()) as emulator:
        bodies = [f"message {number} of the thread {number % 7}" for number in range(3000)]
        emulator.run(lambda ctx: [ctx.db.insert("docs", {"m": {"body": body}}) for body in bodies])

        found = emulator.run(
            lambda ctx: ctx.db.query("docs").with_search_index("by_body", lambda q: q.search("m.body", "2999")).first()
        )

    assert found["m"]["body"] == bodies[2999]
