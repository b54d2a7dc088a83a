"""npm ``@convex-dev/auth``: people sign up and in with actions, sessions in tables, keys in the environment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from convex_mastra_emulator import Emulator, FunctionError
from convex_mastra_emulator.errors import RequestRefused
from convex_mastra_emulator.runtime.identity import Identity
from tests.signed_tokens import FOREIGN_KEY, RSA_KEY, public_key

FOLDER = Path(__file__).with_name("auth") / "convex"
# As Convex Auth's setup writes it: without an id.
JWKS = {"keys": [{**public_key(RSA_KEY, ""), "use": "sig"}]}
del JWKS["keys"][0]["kid"]


@pytest.fixture
def deployed(npm_packages: Path, convex: Emulator) -> Emulator:
    pem = RSA_KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    # As its setup writes it: in one line.
    convex.env["JWT_PRIVATE_KEY"] = pem.strip().replace("\n", " ")
    convex.env["JWKS"] = json.dumps(JWKS)
    convex.deploy(FOLDER)
    return convex


def sign(convex: Emulator, flow: str, password: str = "12345678") -> Any:
    params = {"flow": flow, "email": "ada@example.com", "password": password}
    return convex.action("auth:signIn", {"provider": "password", "params": params})["tokens"]


def user_of(convex: Emulator, tokens: Any) -> Identity:
    """The user of a token, verified with the keys that ``http.ts`` publishes at the issuer of ``auth.config.ts``."""
    return convex.verify_token(tokens["token"])


def test_who_signs_up_can_sign_in(deployed: Emulator) -> None:
    sign(deployed, "signUp")

    ada = user_of(deployed, sign(deployed, "signIn"))

    me = deployed.query("auth:me", identity=ada)
    assert me["email"] == "ada@example.com"
    assert deployed.query("auth:isAuthenticated", identity=ada) is True
    assert deployed.query("auth:me") is None


def test_a_token_of_other_keys_makes_nobody(deployed: Emulator) -> None:
    tokens = sign(deployed, "signUp")
    deployed.env["JWKS"] = json.dumps({"keys": [public_key(FOREIGN_KEY, "")]})

    with pytest.raises(RequestRefused, match="Could not verify OIDC token claim"):
        user_of(deployed, tokens)


def test_a_wrong_password_is_refused_and_counted(deployed: Emulator) -> None:
    sign(deployed, "signUp")

    with pytest.raises(FunctionError, match="Uncaught Error: InvalidSecret"):
        sign(deployed, "signIn", "87654321")

    assert deployed.table_counts()["authRateLimits"] == 1


def test_sessions_are_refreshed_and_ended(deployed: Emulator) -> None:
    tokens = sign(deployed, "signUp")

    refreshed = deployed.action("auth:signIn", {"refreshToken": tokens["refreshToken"]})["tokens"]
    deployed.action("auth:signOut", identity=user_of(deployed, refreshed))

    assert refreshed["refreshToken"] != tokens["refreshToken"]
    assert deployed.table_counts().get("authSessions", 0) == 0


def test_nobody_has_to_have_a_name(deployed: Emulator) -> None:
    tokens = deployed.action("auth:signIn", {"provider": "anonymous", "params": {}})["tokens"]

    assert deployed.query("auth:me", identity=user_of(deployed, tokens))["isAnonymous"] is True


def test_keys_are_published(deployed: Emulator) -> None:
    configuration = json.loads(deployed.http_request("GET", "/.well-known/openid-configuration").body)

    assert configuration["jwks_uri"] == f"{deployed.origins.site_url}/.well-known/jwks.json"
    assert json.loads(deployed.http_request("GET", "/.well-known/jwks.json").body) == JWKS
