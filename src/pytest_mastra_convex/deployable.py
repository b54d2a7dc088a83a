"""``python -m pytest_mastra_convex.deployable FOLDER``: a project for the tool of npm convex.

It holds what tests expect of a real deployment: Mastra's functions and tables, and those of the conformance tests.
The shipped npm project keeps them at its top; the tool of npm convex wants them in a folder ``convex``.

One file differs.  `@mastra/convex` 1.5.2 declares a field ``$or`` in the arguments of its vector search, and a
deployment takes no declaration of a field that is no identifier: convex-backend crates/common/src/schemas/json.rs
(checked 2026-11-21).  Nor could such an argument cross the wire.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from pytest_mastra_convex.node_project import npm_project

_PROJECT_FILES = ("package.json", "package-lock.json", ".npmrc")
_FUNCTION_FILES = ("schema.ts", "http.ts", "mastra", "conformance")
_NATIVE_VECTOR = """\
/**
 * Mastra's native vector handlers under the paths their clients call by default: `mastra/nativeVector:query`, `:read`,
 * `:write`.
 *
 * The search is declared here, without the field `$or` of its filter: a deployment refuses to take that declaration.
 */
import { actionGeneric } from "convex/server";
import { v } from "convex/values";
import { mastraNativeVectorAction, mastraNativeVectorMutation, mastraNativeVectorQuery } from "@mastra/convex/server";

const published: any = mastraNativeVectorAction;

export const query = actionGeneric({
  args: {
    config: v.object({
      tableName: v.string(),
      vectorIndexName: v.string(),
      dimension: v.optional(v.number()),
      idField: v.optional(v.string()),
      idIndexName: v.optional(v.string()),
      vectorField: v.optional(v.string()),
      metadataField: v.optional(v.string()),
      filterFields: v.optional(v.array(v.string())),
    }),
    vector: v.array(v.number()),
    limit: v.optional(v.number()),
    filter: v.optional(
      v.object({ field: v.string(), value: v.union(v.string(), v.number(), v.boolean(), v.null()) }),
    ),
  },
  handler: (ctx, args) => published._handler(ctx, args),
});
export const read = mastraNativeVectorQuery;
export const write = mastraNativeVectorMutation;
"""
_NEXT = """\
{folder} is written. Choose a deployment that you can throw away: whoever can reach it may read and change everything
on it. Then:

  cd {folder}
  npm ci
  export CONVEX_SELF_HOSTED_URL=...        # its address, and
  export CONVEX_SELF_HOSTED_ADMIN_KEY=...  # its admin key; with Convex' cloud: CONVEX_DEPLOY_KEY=... alone
  npx convex deploy
  npx convex env set IS_TEST 1

and run the tests on it with its address and key in CONVEX_URL and CONVEX_ADMIN_KEY:

  pytest --convex-target=live
"""


def write_project(folder: Path, source: Path | None = None) -> None:
    """Writes the project into a folder that does not exist, or is empty.

    Args:
        folder: where to.
        source: the npm project; the shipped one if None.

    Raises:
        FileExistsError: if something is there; nothing is written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} is there and not empty; nothing was written")
    source = source or npm_project()
    functions = folder / "convex"
    copy_functions(functions, source)
    for name in _PROJECT_FILES:
        shutil.copyfile(source / name, folder / name)
    (functions / "mastra" / "nativeVector.ts").write_text(_NATIVE_VECTOR, encoding="utf-8")


def copy_functions(folder: Path, source: Path) -> None:
    """Copies what is deployed of the npm project ``source`` into a new folder, as it is."""
    folder.mkdir(parents=True)
    for name in _FUNCTION_FILES:
        if (source / name).is_dir():
            shutil.copytree(source / name, folder / name)
        else:
            shutil.copyfile(source / name, folder / name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the project and tells what to do next; the exit code is 1 if the folder is not empty."""
    parser = argparse.ArgumentParser(prog="python -m pytest_mastra_convex.deployable", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the project is written; must not exist, or be empty")
    folder: Path = parser.parse_args(arguments).folder
    try:
        write_project(folder)
    except FileExistsError as error:
        print(error, file=sys.stderr)
        return 1
    print(_NEXT.format(folder=folder))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
