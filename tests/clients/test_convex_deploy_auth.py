"""`auth.config.ts` with the real `npx convex deploy` and `env set`, and tokens that PyPI's and npm's clients bring.

The keys of the provider lie in the config itself, as a `data:` URL, so that nothing leaves the machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.server import ServedEmulator, serve
from pytest_mastra_convex.node_project import node_binary
from tests.clients.convex_cli import ConvexCli
from tests.signed_tokens import RSA_KEY, data_url, signed

pytestmark = pytest.mark.xdist_group("npx convex")

FILES = {
    "users.ts": """
import { query } from "./_generated/server";
export const who = query({ args: {}, handler: async (ctx) => await ctx.auth.getUserIdentity() });
""",
    "auth.config.ts": """
import type { AuthConfig } from "convex/server";
export default {
  providers: [
    {
      type: "customJwt",
      applicationID: "app",
      issuer: process.env.ISSUER_URL!,
      jwks: process.env.ISSUER_KEYS!,
      algorithm: "RS256",
    },
  ],
} satisfies AuthConfig;
""",
}
ISSUER = "https://ada.issuer.test"
NPM_CLIENT = """
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
const client = new ConvexHttpClient(process.env.CONVEX_URL);
client.setAuth(process.env.TOKEN);
console.log(JSON.stringify(await client.query(anyApi.users.who)));
"""


@pytest.fixture
def served() -> Iterator[ServedEmulator]:
    with Emulator(seed=1) as emulator, serve(emulator) as served:
        yield served


@pytest.fixture
def project(served: ServedEmulator, npm_project: Path, tmp_path: Path) -> ConvexCli:
    (tmp_path / "node_modules").symlink_to(npm_project / "node_modules")
    project = ConvexCli(npm_project, tmp_path, served)
    for name, text in FILES.items():
        path = tmp_path / "convex" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return project


def token(**claims: object) -> str:
    now_s = int(time.time())
    given = {"iss": ISSUER, "aud": "app", "sub": "ada", "iat": now_s, "exp": now_s + 600, **claims}
    return signed(RSA_KEY, "RS256", "rsa", **given)


@pytest.mark.parametrize("command", [("deploy",), ("dev", "--once")])
def test_a_variable_that_is_not_set_is_named_with_the_command_that_sets_it(
    project: ConvexCli, command: tuple[str, ...]
) -> None:
    refused = project(*command)

    assert refused.code == 1
    assert "Environment variable ISSUER_URL is used in auth config file but its value was not set." in refused.messages
    assert "Set it with:" in refused.messages
    assert "ISSUER_URL <value>" in refused.messages


def test_tokens_of_the_config_make_users_for_real_clients(project: ConvexCli, served: ServedEmulator) -> None:
    project.ok("env", "set", "ISSUER_URL", ISSUER)
    project.ok("env", "set", "ISSUER_KEYS", data_url())
    project.ok("dev", "--once")
    seen = {"tokenIdentifier": f"{ISSUER}|ada", "issuer": ISSUER, "subject": "ada", "role": "admin"}

    ran = subprocess.run(
        [node_binary(), "--input-type=module", "-e", NPM_CLIENT],
        cwd=project.folder,
        env={"CONVEX_URL": served.url, "TOKEN": token(role="admin")},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(ran.stdout) == seen

    # PyPI's client blocks with the GIL held, so it has a process of its own.
    script = (
        "import os, json; from convex import ConvexClient; client = ConvexClient(os.environ['CONVEX_URL'])\n"
        "client.set_auth(os.environ['TOKEN']); print(json.dumps(client.query('users:who')))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script],
        env={"CONVEX_URL": served.url, "TOKEN": token(role="admin")},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(ran.stdout) == seen


def test_a_variable_that_the_config_reads_cannot_be_taken_away(project: ConvexCli) -> None:
    project.ok("env", "set", "ISSUER_URL", ISSUER)
    project.ok("env", "set", "ISSUER_KEYS", data_url())
    project.ok("deploy")

    refused = project("env", "remove", "ISSUER_URL")
    wrong = project("env", "set", "ISSUER_URL", "no issuer")

    assert (refused.code, wrong.code) == (1, 1)
    assert "Environment variable ISSUER_URL is used in auth config file but its value was not set" in refused.messages
    assert "This change would make the auth config invalid: Invalid provider domain URL" in wrong.messages
    assert project.ok("env", "get", "ISSUER_URL").output.strip() == ISSUER
