"""``python -m pytest_mastra_convex.conformance_schema`` writes ``conformance/schema.json`` from the TypeScript."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pytest_mastra_convex.node_project import Oracle, ensure_npm_project

PATH = Path(__file__).parent / "conformance" / "schema.json"


def exported_schema(oracle: Oracle) -> str:
    """What the file must hold: the schema as npm convex exports it."""
    return json.dumps(oracle.schema(), indent=1) + "\n"


def main() -> None:
    """Writes the file."""
    with Oracle(ensure_npm_project(lambda text: print(text, file=sys.stderr))) as oracle:
        PATH.write_text(exported_schema(oracle), encoding="utf-8")


if __name__ == "__main__":
    main()
