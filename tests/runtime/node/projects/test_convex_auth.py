"""npm ``@convex-dev/auth``: people sign up and in with actions, sessions in tables, keys in the environment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from convex_mastra_emulator import Emulator, FunctionError, user_identity
from convex_mastra_emulator.runtime.identity import Identity

FOLDER = Path(__file__).with_name("auth") / "convex"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def deployed(npm_packages: Path, convex: Emulator) -> Emulator:
    pem = KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    # As its setup writes it: in one line.
    convex.env["JWT_PRIVATE_KEY"] = pem.strip().replace("\n", " ")
    convex.env["JWKS"] = '{"keys": []}'
    convex.deploy(FOLDER)
    return convex


def sign(convex: Emulator, flow: str, password: str = "12345678") -> Any:
    params = {"flow": flow, "email": "ada@example.com", "password": password}
    return convex.action("auth:signIn", {"provider": "password", "params": params})["tokens"]


def user_of(tokens: Any) -> Identity:
    claims = jwt.decode(
        tokens["token"], KEY.public_key(), algorithms=["RS256"], options={"verify_exp": False}, audience="convex"
    )
    return user_identity({"subject": claims["sub"], "issuer": claims["iss"]})


def test_who_signs_up_can_sign_in(deployed: Emulator) -> None:
    sign(deployed, "signUp")

    ada = user_of(sign(deployed, "signIn"))

    me = deployed.query("auth:me", identity=ada)
    assert me["email"] == "ada@example.com"
    assert deployed.query("auth:isAuthenticated", identity=ada) is True
    assert deployed.query("auth:me") is None


def test_a_wrong_password_is_refused_and_counted(deployed: Emulator) -> None:
    sign(deployed, "signUp")

    with pytest.raises(FunctionError, match="Uncaught Error: InvalidSecret"):
        sign(deployed, "signIn", "87654321")

    assert deployed.table_counts()["authRateLimits"] == 1


def test_sessions_are_refreshed_and_ended(deployed: Emulator) -> None:
    tokens = sign(deployed, "signUp")

    refreshed = deployed.action("auth:signIn", {"refreshToken": tokens["refreshToken"]})["tokens"]
    deployed.action("auth:signOut", identity=user_of(refreshed))

    assert refreshed["refreshToken"] != tokens["refreshToken"]
    assert deployed.table_counts().get("authSessions", 0) == 0


def test_nobody_has_to_have_a_name(deployed: Emulator) -> None:
    tokens = deployed.action("auth:signIn", {"provider": "anonymous", "params": {}})["tokens"]

    assert deployed.query("auth:me", identity=user_of(tokens))["isAnonymous"] is True


def test_keys_are_published(deployed: Emulator) -> None:
    configuration = json.loads(deployed.http_request("GET", "/.well-known/openid-configuration").body)

    assert configuration["jwks_uri"] == f"{deployed.origins.site_url}/.well-known/jwks.json"
    assert json.loads(deployed.http_request("GET", "/.well-known/jwks.json").body) == {"keys": []}
