"""A deployed `auth.config.ts`: whose tokens are taken from then on, and when that changes.

Rules: convex-backend crates/application/src/lib.rs ``get_evaluated_auth_config``, ``reevaluate_existing_auth_config``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from convex_mastra_emulator import (
    AuthProvider,
    Emulator,
    HttpActionRequest,
    HttpActionResponse,
    HttpRouter,
    ManualClock,
    http_action,
)
from convex_mastra_emulator.errors import DeploymentError, RequestRefused
from convex_mastra_emulator.runtime.node.bundle import BundleFailed
from convex_mastra_emulator.runtime.node.deploy import DeployRefused
from tests.signed_tokens import KEYS, RSA_KEY, data_url, signed

Write = Callable[..., Path]

WHO = "export const who = query(async (ctx) => (await ctx.auth.getUserIdentity())?.subject ?? null);"
OIDC = 'export default { providers: [{ domain: process.env.ISSUER!, applicationID: "app" }] };'
ISSUER = "https://a.com"
DISCOVERY = f"{ISSUER}/.well-known/openid-configuration"


def config_of(**given: str) -> str:
    return f'export default {{ providers: [{{ type: "customJwt", algorithm: "RS256", ...{given!r} }}] }};'


def token(convex: Emulator, issuer: str = ISSUER) -> str:
    now_s = convex.clock.now_ns() // 1_000_000_000
    return signed(RSA_KEY, "RS256", "rsa", iss=issuer, aud="app", sub="ada", iat=now_s, exp=now_s + 600)


def subject(convex: Emulator, issuer: str = ISSUER) -> str:
    user = convex.verify_token(token(convex, issuer)).user
    assert user is not None
    return str(user["subject"])


def refusal(convex: Emulator, issuer: str = ISSUER) -> str:
    with pytest.raises(RequestRefused) as refused:
        convex.verify_token(token(convex, issuer))
    return refused.value.message


NOBODY = "No auth provider found matching the given token (no providers configured). Check convex/auth.config.ts."


def prepare(convex: Emulator) -> None:
    convex.fetch.respond(DISCOVERY, json={"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"})
    convex.fetch.respond(f"{ISSUER}/keys", json=KEYS, headers={"cache-control": "max-age=60"})


# What takes effect


def test_a_token_of_the_config_makes_a_user(convex: Emulator, write: Write) -> None:
    convex.deploy(write(users=WHO, **{"auth.config": config_of(issuer=ISSUER, jwks=data_url())}))

    assert convex.query("users:who", identity=convex.verify_token(token(convex))) == "ada"


def test_openid_keys_are_asked_for_by_the_emulators_fetch_and_kept(convex: Emulator, write: Write) -> None:
    convex.env["ISSUER"] = ISSUER
    convex.deploy(write(users=WHO, **{"auth.config": OIDC}))
    prepare(convex)
    assert isinstance(convex.clock, ManualClock)

    subject(convex)
    convex.clock.advance(59)
    subject(convex)
    convex.clock.advance(1)
    subject(convex)

    # The discovery document says nothing of how long it is good.
    asked = [request.url for request in convex.fetch.requests]
    assert asked == [DISCOVERY, f"{ISSUER}/keys", DISCOVERY, DISCOVERY, f"{ISSUER}/keys"]


def test_nothing_leaves_the_machine_unless_it_may(convex: Emulator, write: Write) -> None:
    convex.env["ISSUER"] = ISSUER
    convex.deploy(write(users=WHO, **{"auth.config": OIDC}))

    assert f"Auth provider discovery of {ISSUER} failed: fetch of GET {DISCOVERY}: nothing was prepared" in refusal(
        convex
    )


def test_keys_are_fetched_from_the_network_if_it_may_be_used(write: Write) -> None:
    router = HttpRouter()
    published: dict[str, Any] = {}

    def publish(path: str) -> None:
        def answer(_ctx: Any, _request: HttpActionRequest) -> HttpActionResponse:
            return HttpActionResponse(json.dumps(published[path]), headers={"content-type": "application/json"})

        router.route(path=path, method="GET", handler=http_action(answer))

    publish("/.well-known/openid-configuration")
    publish("/keys")
    with Emulator() as issuer, Emulator(allow_network=True) as convex:
        issuer.define_http(router)
        with issuer.serve() as served:
            metadata = {"issuer": served.site_url, "jwks_uri": f"{served.site_url}/keys"}
            published.update({"/.well-known/openid-configuration": metadata, "/keys": KEYS})
            convex.env["ISSUER"] = served.site_url
            convex.deploy(write(users=WHO, **{"auth.config": OIDC}))

            assert subject(convex, served.site_url) == "ada"


def test_providers_are_named_in_refusals(convex: Emulator, write: Write) -> None:
    convex.deploy(write(**{"auth.config": config_of(issuer=ISSUER, jwks=data_url())}))

    assert refusal(convex, "https://b.com").endswith("[CustomJWT(issuer=https://a.com, app_id=none)]")


def test_a_deploy_without_it_takes_its_providers_away(convex: Emulator, write: Write) -> None:
    folder = write(users=WHO, **{"auth.config": config_of(issuer=ISSUER, jwks=data_url())})
    convex.deploy(folder)
    (folder / "auth.config.ts").unlink()

    convex.deploy(folder)

    assert refusal(convex) == NOBODY


def test_tokens_for_tests_are_good_beside_it(convex: Emulator, write: Write) -> None:
    convex.deploy(write(users=WHO, **{"auth.config": config_of(issuer=ISSUER, jwks=data_url())}))

    issued = convex.verify_token(convex.issue_token(subject="eve")).user

    assert issued is not None
    assert (issued["subject"], subject(convex)) == ("eve", "ada")


# Who is given to the emulator stands in for a real provider, whose keys a test does not have.
def test_a_provider_that_was_given_comes_first(write: Write) -> None:
    given = AuthProvider(issuer=ISSUER, application_id="app", jwks=KEYS)
    with Emulator(clock=ManualClock(), auth_providers=[given]) as convex:
        convex.env["ISSUER"] = ISSUER
        convex.deploy(write(users=WHO, **{"auth.config": OIDC}))

        assert subject(convex) == "ada"
        assert convex.fetch.requests == []


# Convex Auth: the deployment's own HTTP actions publish the keys its functions sign with.
def test_a_deployment_may_be_its_own_provider(convex: Emulator, write: Write) -> None:
    http = """
import { httpRouter } from "convex/server";
const http = httpRouter();
const answer = (path: string, body: () => unknown) => http.route({ path, method: "GET",
  handler: httpAction(async () => Response.json(body())) });
answer("/.well-known/openid-configuration", () => ({
  issuer: process.env.CONVEX_SITE_URL, jwks_uri: `${process.env.CONVEX_SITE_URL}/keys` }));
answer("/keys", () => JSON.parse(process.env.KEYS!));
export default http;
"""
    convex.env["KEYS"] = json.dumps(KEYS)
    convex.deploy(write(http=http, **{"auth.config": OIDC.replace("ISSUER!", "CONVEX_SITE_URL")}))

    assert subject(convex, convex.origins.site_url) == "ada"
    with convex.origins.served_at("http://127.0.0.1:5000", "http://127.0.0.1:5001"):
        assert subject(convex, "http://127.0.0.1:5001") == "ada"
    assert convex.fetch.requests == []


# What is refused


def test_a_variable_that_is_not_set_refuses_the_deploy(convex: Emulator, write: Write) -> None:
    before = convex.function_paths()

    with pytest.raises(DeployRefused, match="Environment variable ISSUER is used in auth config file") as refused:
        convex.deploy(write(users=WHO, **{"auth.config": OIDC}))

    assert refused.value.code == "AuthConfigMissingEnvironmentVariable"
    assert "at <anonymous> (../convex/auth.config.ts:" in refused.value.message
    assert convex.function_paths() == before


def test_a_config_that_is_not_valid_leaves_the_last_one(convex: Emulator, write: Write) -> None:
    convex.deploy(write(users=WHO, **{"auth.config": config_of(issuer=ISSUER, jwks=data_url())}))

    with pytest.raises(DeployRefused, match="The pushed auth config is invalid: auth config file is missing default"):
        convex.deploy(write(**{"auth.config": "export const providers = [];"}))

    assert subject(convex) == "ada"


def test_two_of_them_are_one_too_many(convex: Emulator, write: Write) -> None:
    folder = write(users=WHO, **{"auth.config": OIDC})
    (folder / "auth.config.js").write_text("export default {};")

    with pytest.raises(BundleFailed, match=r"Found both .*auth\.config\.js and .*auth\.config\.ts, choose one\."):
        convex.deploy(folder)


# Environment variables


@pytest.fixture
def deployed(convex: Emulator, write: Write) -> Emulator:
    convex.env.update(ISSUER=ISSUER, OTHER="1")
    convex.deploy(write(users=WHO, **{"auth.config": OIDC}))
    prepare(convex)
    return convex


def test_the_config_follows_its_variables(deployed: Emulator) -> None:
    deployed.env["ISSUER"] = "https://b.com"

    assert refusal(deployed).endswith("[OIDC(domain=https://b.com, app_id=app)]")


def test_a_change_that_would_make_it_invalid_is_not_made(deployed: Emulator) -> None:
    with pytest.raises(DeploymentError) as refused:
        deployed.env.update(ISSUER="no issuer", OTHER="2")

    assert refused.value.code == "InvalidAuthConfig"
    assert refused.value.message == (
        'This change would make the auth config invalid: Invalid provider domain URL "no issuer": invalid '
        "international domain name"
    )
    assert deployed.env == {"ISSUER": ISSUER, "OTHER": "1"}
    assert subject(deployed) == "ada"


def test_a_variable_that_it_reads_cannot_be_taken_away(deployed: Emulator) -> None:
    with pytest.raises(DeploymentError, match=re.escape("Environment variable ISSUER is used")) as refused:
        del deployed.env["ISSUER"]

    assert refused.value.code == "AuthConfigMissingEnvironmentVariable"
    assert deployed.env["ISSUER"] == ISSUER


def test_another_variable_may_come_and_go(deployed: Emulator) -> None:
    del deployed.env["OTHER"]

    assert subject(deployed) == "ada"


# Going back


def test_a_rollback_brings_the_providers_back(deployed: Emulator) -> None:
    with deployed.rollback():
        deployed.env["ISSUER"] = "https://b.com"
        assert "b.com" in refusal(deployed)

    assert subject(deployed) == "ada"


def test_a_rollback_takes_a_deploy_back(convex: Emulator, write: Write) -> None:
    with convex.rollback():
        convex.deploy(write(users=WHO, **{"auth.config": config_of(issuer=ISSUER, jwks=data_url())}))
        assert subject(convex) == "ada"

    assert refusal(convex) == NOBODY


def test_a_snapshot_holds_the_providers(deployed: Emulator) -> None:
    snapshot = deployed.snapshot()
    deployed.env["ISSUER"] = "https://b.com"

    deployed.restore(snapshot)

    assert subject(deployed) == "ada"


def test_a_clone_goes_on_with_the_providers_and_changes_its_own(deployed: Emulator) -> None:
    twin = deployed.clone()
    prepare(twin)
    assert subject(twin) == "ada"

    twin.env["ISSUER"] = "https://b.com"

    assert "b.com" in refusal(twin)
    assert subject(deployed) == "ada"
