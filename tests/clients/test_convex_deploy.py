"""The real `npx convex deploy`, `dev --once` and `codegen` (npm convex) against a served emulator.

Offline, without a terminal, in a project that knows nothing but npm convex; what was deployed is then called.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.server import ServedEmulator, serve
from tests.clients.convex_cli import ConvexCli

pytestmark = pytest.mark.xdist_group("npx convex")

SCHEMA = """
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
export default defineSchema({
  messages: defineTable({ author: v.string(), body: v.string() }).index("by_author", ["author"]),
});
"""
MESSAGES = """
import { query, mutation, internalMutation } from "./_generated/server";
import { v } from "convex/values";
import { shout } from "./lib/shout";

export const send = mutation({
  args: { author: v.string(), body: v.string() },
  handler: async (ctx, args) => await ctx.db.insert("messages", args),
});
export const list = query({
  args: { author: v.string() },
  handler: async (ctx, { author }) => {
    const found = await ctx.db.query("messages").withIndex("by_author", (q) => q.eq("author", author)).collect();
    return found.map(({ body }) => shout(body));
  },
});
export const fail = query({
  handler: async () => {
    throw new Error(shout("no"));
  },
});
export const sweep = internalMutation({ args: {}, handler: async () => null });
"""
FILES = {
    "schema.ts": SCHEMA,
    "messages.ts": MESSAGES,
    "lib/shout.ts": "export const shout = (text: string) => text.toUpperCase();",
    "crons.ts": """
import { cronJobs } from "convex/server";
import { internal } from "./_generated/api";
const crons = cronJobs();
crons.daily("sweep", { hourUTC: 3, minuteUTC: 0 }, internal.messages.sweep);
export default crons;
""",
    "http.ts": """
import { httpRouter } from "convex/server";
import { httpAction } from "./_generated/server";
const http = httpRouter();
http.route({ path: "/hello", method: "GET", handler: httpAction(async () => new Response("hello")) });
export default http;
""",
    "digest.ts": """
"use node";
import { createHash } from "node:crypto";
import { action } from "./_generated/server";
export const md5 = action({ handler: async () => createHash("md5").update("x").digest("hex") });
""",
}


class Project(ConvexCli):
    """A project with functions in TypeScript."""

    def put(self, **files: str) -> None:
        for name, text in files.items():
            path = self.folder / "convex" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(seed=1) as emulator:
        yield emulator


@pytest.fixture
def served(emulator: Emulator) -> Iterator[ServedEmulator]:
    with serve(emulator) as served:
        yield served


@pytest.fixture
def project(served: ServedEmulator, npm_project: Path, tmp_path: Path) -> Project:
    (tmp_path / "node_modules").symlink_to(npm_project / "node_modules")
    project = Project(npm_project, tmp_path, served)
    project.put(**FILES)
    return project


def test_a_project_is_deployed_and_runs(project: Project, served: ServedEmulator) -> None:
    told = project.ok("deploy").messages

    assert "[+] messages.by_author   author" in told
    assert "Deployed Convex functions to" in told
    project.ok("run", "messages:send", '{"author": "ada", "body": "hi"}')
    assert json.loads(project.ok("run", "messages:list", '{"author": "ada"}').output) == ["HI"]
    assert json.loads(project.ok("run", "digest:md5").output) == "9dd4e461268c8034f5c8564e155c67a6"
    assert requests.get(f"{served.site_url}/hello", timeout=10).text == "hello"


# A stack as a deployment shows it: the file and the line somebody wrote, not those of the bundle.
def test_errors_have_the_lines_of_the_sources(project: Project) -> None:
    project.ok("deploy")

    failed = project("run", "messages:fail")

    assert failed.code == 1
    assert "Uncaught Error: NO" in failed.messages
    assert "at handler (../convex/messages.ts:19:11)" in failed.messages


def test_a_second_deploy_changes_what_has_changed(project: Project, emulator: Emulator) -> None:
    project.ok("deploy")
    project.put(**{"messages.ts": MESSAGES.replace("shout(body)", "body + '!'")})
    emulator.mutation("messages:send", {"author": "ada", "body": "hi"})

    told = project.ok("deploy").messages

    assert "[+]" not in told
    assert "[-]" not in told
    assert emulator.query("messages:list", {"author": "ada"}) == ["hi!"]


def test_documents_that_do_not_fit_end_the_deploy(project: Project, emulator: Emulator) -> None:
    project.ok("deploy")
    message = emulator.mutation("messages:send", {"author": "ada", "body": "hi"})
    project.put(**{"schema.ts": SCHEMA.replace("body: v.string()", "body: v.float64()")})

    refused = project("deploy", "--typecheck", "disable")

    assert refused.code == 1
    assert "Schema validation failed." in refused.messages
    assert f'Document with ID "{message}" in table "messages" does not match the schema' in refused.messages
    assert 'Path: .body\nValue: "hi"\nValidator: v.float64()' in refused.messages
    assert emulator.query("messages:list", {"author": "ada"}) == ["HI"]


def test_a_dry_run_changes_nothing(project: Project, emulator: Emulator) -> None:
    before = emulator.function_paths()
    project.ok("codegen")  # a dry run writes no types and does not get on without them

    told = project.ok("deploy", "--dry-run").messages

    assert "Would have deployed Convex functions to" in told
    assert "[+] messages.by_author" in told
    assert emulator.function_paths() == before


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("export const f = ;", "convex/bad.ts:1:17"),
        (
            "export const f = 1;\nthrow new Error('no');",
            "Failed to analyze bad.js: Uncaught Error: no\n    at <anonymous> (../convex/bad.ts:2:7)",
        ),
        ('import "missing-package";\nexport const f = 1;', 'Could not resolve "missing-package"'),
    ],
)
def test_a_bad_module_ends_the_deploy(project: Project, emulator: Emulator, source: str, message: str) -> None:
    before = emulator.function_paths()
    project.put(**{"bad.ts": source})

    refused = project("deploy", "--typecheck", "disable")

    assert refused.code == 1
    assert message in refused.messages
    assert emulator.function_paths() == before


def test_a_wrong_key_is_refused(served: ServedEmulator, project: Project, npm_project: Path) -> None:
    stranger = Project(npm_project, project.folder, replace(served, admin_key="other|key"))

    refused = stranger("deploy")

    assert refused.code == 1
    assert "The provided deploy key was invalid for deployment 'convex-mastra-emulator'" in refused.messages


def test_dev_once_deploys_and_writes_the_urls_down(
    project: Project, served: ServedEmulator, emulator: Emulator
) -> None:
    assert "Convex functions ready!" in project.ok("dev", "--once").messages

    variables = (project.folder / ".env.local").read_text()
    assert f"CONVEX_URL={served.url}" in variables
    assert f"CONVEX_SITE_URL={served.site_url}" in variables
    assert "messages:list" in emulator.function_paths()


def test_codegen_writes_types_and_deploys_nothing(project: Project, emulator: Emulator) -> None:
    before = emulator.function_paths()

    project.ok("codegen")

    assert "messages" in (project.folder / "convex" / "_generated" / "api.d.ts").read_text()
    assert emulator.function_paths() == before


def test_function_spec_tells_what_was_deployed(project: Project) -> None:
    project.ok("deploy")

    spec = json.loads(project.ok("function-spec").output)

    functions = {function.get("identifier"): function for function in spec["functions"]}
    assert functions["messages.js:send"]["functionType"] == "Mutation"
    assert functions["messages.js:sweep"]["visibility"] == {"kind": "internal"}
    assert functions["messages.js:send"]["args"]["value"]["author"]["fieldType"] == {"type": "string"}


# `node.externalPackages`: the command leaves a package out of the module and tells its version; a deployment installs
# it, the emulator finds it where it was started.
def test_an_external_package_is_found_in_node_modules(
    project: Project, npm_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = tmp_path / "node_modules"
    modules.unlink()
    (modules / "outside").mkdir(parents=True)
    for package in (npm_project / "node_modules").iterdir():
        (modules / package.name).symlink_to(package)
    (modules / "outside" / "package.json").write_text('{"name": "outside", "version": "1.2.3"}')
    (modules / "outside" / "index.js").write_text("exports.file = __filename;")
    (tmp_path / "package.json").write_text('{"name": "app", "dependencies": {"convex": "1.48.0", "outside": "^1.0.0"}}')
    (tmp_path / "convex.json").write_text('{"node": {"externalPackages": ["outside"]}}')
    project.put(
        **{
            "outside.ts": """
"use node";
import { file } from "outside";
import { action } from "./_generated/server";
export const where = action({ handler: async () => file });
"""
        }
    )

    refused = project("deploy", "--typecheck", "disable")
    monkeypatch.chdir(tmp_path)
    project.ok("deploy", "--typecheck", "disable")

    assert "not all of outside 1.2.3 are there" in refused.messages
    assert json.loads(project.ok("run", "outside:where").output) == str(modules / "outside" / "index.js")


# Functions, and what they stored, are there again when the server is started anew.
def test_a_deploy_outlasts_the_server(npm_project: Path, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(npm_project / "node_modules")
    with Emulator(path=tmp_path / "data.db") as emulator, serve(emulator) as served:
        project = Project(npm_project, tmp_path, served)
        project.put(**FILES)
        project.ok("deploy")
        project.ok("run", "messages:send", '{"author": "ada", "body": "hi"}')

    with Emulator(path=tmp_path / "data.db") as emulator, serve(emulator) as served:
        assert emulator.query("messages:list", {"author": "ada"}) == ["HI"]
        assert requests.get(f"{served.site_url}/hello", timeout=10).text == "hello"
        told = Project(npm_project, tmp_path, served).ok("deploy").messages

    assert "[+]" not in told
