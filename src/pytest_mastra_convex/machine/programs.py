"""Strategies for the programs a machine plays: steps of the probe on documents that earlier programs stored.

A program is a template: ``{"$known": [table, turn]}`` stands for the id of a document, ``{"$created": [table, turn]}``
for its creation time, both of which every deployment has its own of.  What is left out against the oracle names its
entry in ``divergences.toml``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from hypothesis import strategies as st

from convex_mastra_emulator.schema import Schema
from convex_mastra_emulator.schema.definition import VectorIndexDefinition
from pytest_mastra_convex.machine.tables import Table, known, vectors
from pytest_mastra_convex.strategies.programs import COMPARISONS

Step: TypeAlias = dict[str, Any]

_STEPS_MAX = 6
_INNER_STEPS_MAX = 3
_DEPTH_MAX = 2
_ENDS: st.SearchStrategy[Step] = st.sampled_from(
    [{}, {}, {"count": True}, {"first": True}, {"unique": True}]
    + [{end: float(count)} for end in ("take", "read") for count in (0, 1, 2, 4)]
)
_ORDERS: st.SearchStrategy[Step] = st.sampled_from(({}, {"order": "asc"}, {"order": "desc"}))
_EQUALITIES = st.sampled_from(("eq", "neq"))
_LOWER: st.SearchStrategy[str | None] = st.sampled_from((None, "gt", "gte"))
_UPPER: st.SearchStrategy[str | None] = st.sampled_from((None, "lt", "lte"))
_JOINTS: st.SearchStrategy[str | None] = st.sampled_from((None, None, "not", "and", "or"))
_ONE_IN_TEN = st.sampled_from((False,) * 9 + (True,))
# No Int64 and no bytes (divergence "error-data-of-calls").
_FAILURES: st.SearchStrategy[Step] = st.sampled_from(
    [
        {"op": "throw", "text": "taken back"},
        *({"op": "throwConvex", "data": data} for data in ("text", 1.0, None, [1.0, "a"], {"a": {"b": None}})),
    ]
)
_KINDS: Mapping[str, st.SearchStrategy[str]] = {
    "query": st.sampled_from(("read", "read", "read", "get", "normalizeId", "parallel", "runQuery")),
    "mutation": st.sampled_from(
        ("insert",) * 3 + ("patch",) * 3 + ("replace", "delete", "read", "read", "get", "runQuery", "runMutation")
    ),
    "action": st.sampled_from(("vectorSearch", "vectorSearch", "runQuery", "runMutation", "runMutation")),
}


class Programs:
    """Strategies for programs on the tables of a schema.

    Args:
        schema: of both deployments.
        tables: which of its tables are played with.
        against_oracle: leave out what the register says convex-test does otherwise.

    Attributes:
        tables: the tables by name.
        against_oracle: as given.
    """

    def __init__(self, schema: Schema, tables: Sequence[str], *, against_oracle: bool) -> None:
        self.against_oracle = against_oracle
        # What is no vector of the index's length is not in it (divergence "vector-dimensions").
        self.tables = {name: Table(name, schema.tables[name], other_vectors=not against_oracle) for name in tables}
        searched = [(table, index) for table in self.tables.values() for index in table.searches]
        self.any_table = st.sampled_from(list(self.tables.values()))
        self.any_search = st.sampled_from(searched) if searched else None
        # Divergence "filter-comparison".
        self.comparisons = _EQUALITIES if against_oracle else st.sampled_from(COMPARISONS)
        # Divergence "vector-default-limit".
        self.search_limits = st.sampled_from(
            [{"limit": float(limit)} for limit in (1, 2, 3, 256)] + ([] if against_oracle else [{}])
        )

    def of(self, kind: str) -> st.SearchStrategy[list[Step]]:
        """Programs of a ``"query"``, ``"mutation"`` or ``"action"``."""
        return _programs(self, kind)

    def first_documents(self) -> st.SearchStrategy[list[Step]]:
        """One document for each table, in the order of the schema."""
        return _first_documents(self)

    def queries(self) -> st.SearchStrategy[Step]:
        """Queries without an end, to be paginated."""
        return _queries(self)


@st.composite
def _programs(draw: st.DrawFn, programs: Programs, kind: str) -> list[Step]:
    return _Draft(draw, programs, kind).program(_STEPS_MAX)


@st.composite
def _first_documents(draw: st.DrawFn, programs: Programs) -> list[Step]:
    return [{"op": "insert", "table": name, "value": draw(table.documents)} for name, table in programs.tables.items()]


@st.composite
def _queries(draw: st.DrawFn, programs: Programs) -> Step:
    return _Draft(draw, programs, "query").query()


@dataclass(slots=True)
class _Draft:
    """A program that is being drawn.

    Attributes:
        draw: Hypothesis' function.
        programs: what is drawn from.
        kind: of the function it is for.
        calling: the program that calls this one.
        depth: how many programs that is.
        inserted: the steps that insert, by table.
    """

    draw: st.DrawFn
    programs: Programs
    kind: str
    calling: _Draft | None = None
    depth: int = 0
    inserted: dict[str, list[int]] = field(default_factory=dict)

    def program(self, steps_max: int) -> list[Step]:
        """All steps."""
        steps: list[Step] = []
        for _ in range(self.draw(st.integers(1, steps_max))):
            step = self.step()
            if step["op"] == "insert":
                self.inserted.setdefault(step["table"], []).append(len(steps))
            steps.append(step)
        if self.kind == "mutation" and self.draw(_ONE_IN_TEN):
            steps += self.failure()
        return steps

    def failure(self) -> list[Step]:
        """What ends a mutation, and takes back what it wrote."""
        if self.draw(st.booleans()):
            return [self.draw(_FAILURES)]
        # Whichever was first: the second deletion fails.
        deletion: Step = {"op": "delete", "id": self.target(self.draw(self.programs.any_table))}
        return [deletion, {**deletion, "uncaught": True}]

    def step(self) -> Step:
        """Any step that the function can do."""
        op = self.draw(_KINDS[self.kind])
        if op == "vectorSearch" and self.programs.any_search is not None:
            return self.search(*self.draw(self.programs.any_search))
        if op in ("runQuery", "runMutation") and self.depth < _DEPTH_MAX:
            return self.call(op)
        if self.kind == "action":
            return {"op": "runQuery", "program": [self.read(self.query)]}
        match op:
            case "insert" | "patch" | "replace" | "delete":
                return self.write(op, self.draw(self.programs.any_table))
            case "get":
                return {"op": "get", "id": self.target(self.draw(self.programs.any_table))}
            case "normalizeId":
                table, other = self.draw(self.programs.any_table), self.draw(self.programs.any_table)
                return {"op": "normalizeId", "table": table.name, "text": self.draw(known(other.name))}
            case "parallel":
                return {"op": "parallel", "steps": [self.read(self.query) for _ in range(self.draw(st.integers(0, 2)))]}
        return self.read(self.query)

    def call(self, op: str) -> Step:
        """A program inside of the program; if it fails, the one around it goes on."""
        inner = _Draft(self.draw, self.programs, op.removeprefix("run").lower(), self, self.depth + 1)
        return {"op": op, "program": inner.program(_INNER_STEPS_MAX)}

    def target(self, table: Table) -> Any:
        """The id of an earlier document, of one of this program, or of one of the program that calls it."""
        choices: list[Step] = [{"$ref": number} for number in self.inserted.get(table.name, ())]
        if self.calling is not None:
            choices += [{"$outer": number} for number in self.calling.inserted.get(table.name, ())]
        is_recent = self.draw(st.booleans())
        return self.draw(st.sampled_from(choices) if choices and is_recent else known(table.name))

    def write(self, op: str, table: Table) -> Step:
        """A write to one document."""
        if op == "insert":
            return {"op": op, "table": table.name, "value": self.document(table)}
        target = self.target(table)
        if op == "delete":
            return {"op": op, "id": target}
        if op == "patch" and table.changes is not None:
            return {"op": op, "id": target, "value": self.draw(table.changes)}
        return {"op": "replace", "id": target, "value": self.document(table)}

    def document(self, table: Table) -> Any:
        """A document, now and then with a field that typed tables do not have."""
        document = self.draw(table.documents)
        return {**document, "unexpected": 1.0} if self.draw(_ONE_IN_TEN) else document

    def read(self, query: Any) -> Step:
        """A query that is collected, counted or cut short."""
        return {**query(), **self.draw(_ENDS)}

    def query(self) -> Step:
        """A query without an end."""
        table = self.draw(self.programs.any_table)
        query: Step = {"op": "query", "table": table.name}
        if self.draw(st.booleans()):
            index = self.draw(table.any_index)
            query |= {"index": index, "range": self.range(table, (*table.indexes[index], "_creationTime"))}
        query |= self.draw(_ORDERS)
        if self.draw(st.booleans()):
            query["filter"] = self.filter(table)
        return query

    def range(self, table: Table, paths: Sequence[str]) -> list[Step]:
        """Equalities on the first fields of an index, then at most one bound on each side of the next one.

        Fields that hold ids have one value each: deployments have them in different orders.
        """
        last_id = max((number for number, path in enumerate(paths) if path in table.ids), default=-1)
        count = self.draw(st.integers(last_id + 1, len(paths)))
        bounds: list[Step] = [
            {"op": "eq", "field": path, "value": self.draw(table.compared(path))} for path in paths[:count]
        ]
        if count < len(paths):
            path = paths[count]
            for operations in (_LOWER, _UPPER):
                op = self.draw(operations)
                if op is not None:
                    bounds.append({"op": op, "field": path, "value": self.draw(table.compared(path))})
        return bounds

    def filter(self, table: Table) -> Step:
        """Comparisons of fields, joined; nothing but booleans is joined (divergence "filter-truthiness")."""
        joined = self.draw(_JOINTS)
        if joined is None:
            return self.comparison(table)
        if joined == "not":
            return {"op": joined, "arg": self.comparison(table)}
        return {"op": joined, "args": [self.comparison(table) for _ in range(self.draw(st.integers(0, 3)))]}

    def comparison(self, table: Table) -> Step:
        """A field compared with a value."""
        path = self.draw(table.any_path)
        value = self.draw(table.compared(path))
        op = self.draw(_EQUALITIES if path in table.ids else self.programs.comparisons)
        return {"op": op, "left": {"field": path}, "right": {"value": value}}

    def search(self, table: Table, index: VectorIndexDefinition) -> Step:
        """A vector search, filtered by declared fields (divergence "vector-filter-fields")."""
        search: Step = {"op": "vectorSearch", "table": table.name, "index": index.name}
        search |= {"vector": self.draw(vectors(index.dimensions)), **self.draw(self.programs.search_limits)}
        if self.draw(st.booleans()) and index.filter_fields:
            fields = self.draw(st.lists(st.sampled_from(index.filter_fields), min_size=1, max_size=3))
            equalities = [{"op": "eq", "field": path, "value": self.draw(table.stored(path))} for path in fields]
            is_single = self.draw(st.booleans())
            search["filter"] = equalities[0] if is_single else {"op": "or", "args": equalities}
        return search
