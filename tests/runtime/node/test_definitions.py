"""What modules may export, and in which words a deploy of anything else is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from convex_mastra_emulator import Emulator, ManualClock
from convex_mastra_emulator.errors import NotEmulated, SchemaDefinitionError
from convex_mastra_emulator.runtime.node.bundle import BundleFailed
from convex_mastra_emulator.runtime.node.deploy import DeployRefused

Write = Callable[..., Path]

ONE = "export const f = query(async () => 1);"
HTTP = 'import { httpRouter } from "convex/server";'
CRONS = 'import { cronJobs } from "convex/server"; const crons = cronJobs(); export default crons;'
ROUTES = "The `getRoutes()` method of Router did not return the expected type."


def refusal(convex: Emulator, folder: Path) -> str:
    before = convex.function_paths()
    with pytest.raises(DeployRefused) as caught:
        convex.deploy(folder)
    assert convex.function_paths() == before
    return str(caught.value)


@pytest.mark.parametrize(
    ("module", "text", "said"),
    [
        ("crons", ONE, "`convex/crons.js` must have a default export of a Crons object."),
        ("crons", "export default {};", "The default export of `convex/crons.js` is not a Crons object."),
        ("http", ONE, "`convex/http.js` must have a default export of a Router."),
        ("http", "export default {};", "The default export of `convex/http.js` is not a Router."),
        ("http", "export default null;", "The default export of `convex/http.js` is not a Router."),
        ("http", "export default { isRouter: true };", ".getRoutes property on Router not found"),
        ("http", 'export default { isRouter: true, getRoutes: () => [["/x", "GETS", () => 1]] };', ROUTES),
        ("http", "export default { isRouter: true, getRoutes: () => [[5]] };", "(arr[0][0] is not a string)"),
        ("a", "export const f = { isQuery: true, isPublic: true };", "a.js:f is not a function."),
        ("a", "export const f = Object.assign(() => 1, { isQuery: true, _handler: 5 });", "a.js:f.handler is not a"),
        (
            "a",
            "export const f = Object.assign(() => 1, { isQuery: true, exportArgs: 5 });",
            "a.js:f.exportArgs is not a function or `undefined`.",
        ),
        (
            "a",
            "export const f = Object.assign(() => 1, { isQuery: true, exportReturns: () => 5 });",
            "Invalid exportReturns return value: a.js:f.exportReturns() didn't return a string.",
        ),
    ],
)
def test_what_is_exported_wrongly_is_told(convex: Emulator, write: Write, module: str, text: str, said: str) -> None:
    told = refusal(convex, write(**{module: text}))

    assert told.startswith("Loading the pushed modules encountered the following\n    error:\n")
    assert said in told


def test_exports_that_are_no_functions_are_left_out(convex: Emulator, write: Write) -> None:
    source = """
export const number = 5;
export const nothing = null;
export const helper = () => 1;
export const both = Object.assign(() => 1, { isQuery: true, isPublic: true, isInternal: true });
export const two = Object.assign(() => 1, { isQuery: true, isMutation: true, isPublic: true });
export default query(async () => 1);
"""
    convex.deploy(write(a=source))

    assert convex.function_paths() == ["a"]
    assert convex.query("a:default") == 1.0


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("$f", "Invalid first character '$' in $f: Identifiers must start with an alphabetic character or underscore"),
        ("größe", "Identifier größe has invalid character 'ö': Identifiers can only contain alphanumeric characters"),
        ("__", "Identifier __ cannot have exclusively underscores"),
        ("f" * 65, "Identifier is too long (65 > maximum 64)"),
    ],
)
def test_functions_have_names_a_deployment_takes(convex: Emulator, write: Write, name: str, problem: str) -> None:
    told = refusal(convex, write(a=f"export const {name} = query(async () => 1);"))

    assert told.startswith(f"Invalid function name used in `a.js`: {problem}")


def test_a_name_of_64_characters_is_taken(convex: Emulator, write: Write) -> None:
    convex.deploy(write(a=f"export const {'f' * 64} = query(async () => 1);"))

    assert convex.query(f"a:{'f' * 64}") == 1.0


@pytest.mark.parametrize("name", ["my-notes", "grüße"])
def test_modules_have_names_a_deployment_takes(convex: Emulator, write: Write, name: str) -> None:
    told = refusal(convex, write(**{name: ONE}))

    assert told == (
        f"{name}.js is not a valid path to a Convex module. "
        f"Path component {name}.js can only contain alphanumeric characters, underscores, or periods."
    )


# A file that is passed over as npx convex does it is none of the modules, whatever its name.
def test_files_that_are_no_modules_may_have_any_name(convex: Emulator, write: Write) -> None:
    folder = write(a=ONE)
    (folder / "my-notes.md").write_text("no module")
    (folder / "a.test.ts").write_text("throw new Error('a test');")
    (folder / "schema.test.ts").write_text("throw new Error('a test');")

    convex.deploy(folder)

    assert convex.function_paths() == ["a:f"]


def test_two_files_that_would_be_one_module_are_refused(convex: Emulator, write: Write) -> None:
    folder = write(a=ONE)
    (folder / "a.js").write_text("export const f = 1;")

    with pytest.raises(BundleFailed, match="Two output files share the same path"):
        convex.deploy(folder)


def test_queries_cannot_be_defined_in_node(convex: Emulator, write: Write) -> None:
    folder = write()
    (folder / "n.ts").write_text(
        '"use node";\nimport { queryGeneric } from "convex/server";\nexport const f = queryGeneric(async () => 1);\n'
    )

    assert "`f` defined in `n.js` is a Query function. Only actions can be defined in Node.js." in refusal(
        convex, folder
    )


# Crons


def cron(path: str) -> str:
    return CRONS + f'\ncrons.interval("tick", {{ minutes: 1 }}, call("{path}"));'


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("a:missing", "The cron job 'tick' schedules a function that does not exist: a.js:missing"),
        ("b:f", "The cron job 'tick' schedules a function that does not exist: b.js:f"),
        ("a:f", "The cron job 'tick' schedules a query function, only actions and mutations can be scheduled: a.js:f"),
    ],
)
def test_crons_run_mutations_and_actions_that_are_there(
    convex: Emulator, write: Write, path: str, problem: str
) -> None:
    before = convex.function_paths()

    with pytest.raises(SchemaDefinitionError) as caught:
        convex.deploy(write(a=ONE, crons=cron(path)))

    assert str(caught.value) == problem
    assert convex.function_paths() == before


def test_crons_run_public_functions_too(convex: Emulator, write: Write) -> None:
    source = 'export const f = mutation(async (ctx) => { await ctx.db.insert("ticks", {}); });'
    convex.deploy(write(a=source, crons=cron("a:f")))
    assert isinstance(convex.clock, ManualClock)

    convex.clock.advance(60)

    assert convex.table_counts() == {"ticks": 2}


@pytest.mark.parametrize(
    ("definition", "problem"),
    [
        ('crons.interval("x", { minutes: 0 }, call("a:f"))', "Interval must be an integer greater than 0"),
        ('crons.daily("x", { hourUTC: 24, minuteUTC: 0 }, call("a:f"))', "Hour of day must be an integer from 0 to 23"),
        ('crons.cron("x", "a b c", call("a:f"))', "Cron 'x'"),
    ],
)
def test_schedules_nobody_can_keep_are_refused(convex: Emulator, write: Write, definition: str, problem: str) -> None:
    with pytest.raises((DeployRefused, SchemaDefinitionError), match=problem):
        convex.deploy(write(a="export const f = mutation(async () => null);", crons=f"{CRONS}\n{definition};"))


# Schema


def test_a_schema_that_cannot_be_evaluated_is_told(convex: Emulator, write: Write) -> None:
    told = refusal(convex, write(a=ONE, schema='throw new Error("no tables"); export default 1;'))

    assert told.startswith("Hit an error while evaluating your schema:\nUncaught Error: no tables")


# Components

APP_CONFIG = 'import { defineApp } from "convex/server";\nconst app = defineApp();\nexport default app;\n'


def test_an_app_definition_without_components_is_taken(convex: Emulator, write: Write) -> None:
    folder = write(a=ONE)
    (folder / "convex.config.ts").write_text(APP_CONFIG)

    convex.deploy(folder)

    assert convex.query("a:f") == 1.0


def test_an_app_that_uses_components_is_refused_with_their_names(convex: Emulator, write: Write) -> None:
    folder = write(a=ONE)
    (folder / "counters").mkdir()
    (folder / "counters" / "convex.config.ts").write_text(
        'import { defineComponent } from "convex/server";\nexport default defineComponent("counters");\n'
    )
    (folder / "convex.config.ts").write_text(
        f'import counters from "./counters/convex.config";\n{APP_CONFIG}app.use(counters);\n'
    )

    with pytest.raises(NotEmulated, match=r"Components are not emulated: take counters out of convex\.config\.ts"):
        convex.deploy(folder)
