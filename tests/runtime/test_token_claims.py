"""What `ctx.auth.getUserIdentity()` gives of a token's claims.

Rules: convex-backend crates/keybroker/src/broker.rs ``UserIdentity::from_token``, ``from_custom_jwt``.
"""

from __future__ import annotations

from typing import Any

import pytest

from convex_mastra_emulator.runtime.token_claims import custom_attributes, oidc_attributes

CLAIMS = {"iss": "https://a.com", "sub": "ada", "aud": "app", "exp": 1, "iat": 1, "nbf": 1, "jti": "1"}
USER = {"tokenIdentifier": "https://a.com|ada", "issuer": "https://a.com", "subject": "ada"}


@pytest.mark.parametrize(
    ("claims", "seen"),
    [
        ({}, {}),
        ({"given_name": "Ada", "picture": "p"}, {"givenName": "Ada", "pictureUrl": "p"}),
        ({"org": {"id": 1}, "fva": [1, -1]}, {"org": {"id": 1}}),
        ({"nonce": "n", "azp": "app", "auth_time": 1, "at_hash": "h"}, {}),
        ({"address": {"formatted": "Rue 1", "country": "FR"}}, {"address": "Rue 1"}),
        ({"address": {"country": "FR"}, "name": None}, {}),
        ({"updated_at": 1_700_000_000}, {"updatedAt": "2023-11-14T22:13:20+00:00"}),
        ({"updated_at": "2023-11-14T22:13:20Z"}, {"updatedAt": "2023-11-14T22:13:20Z"}),
    ],
)
def test_openid_claims_are_renamed_and_others_are_not(claims: dict[str, Any], seen: dict[str, Any]) -> None:
    assert oidc_attributes(CLAIMS | claims) == USER | seen


@pytest.mark.parametrize(
    ("claims", "seen"),
    [
        ({}, {}),
        ({"given_name": "Ada", "email_verified": True}, {"given_name": "Ada", "email_verified": True}),
        ({"org": {"id": 1, "of": {"x": [{}]}}, "fva": [1]}, {"org.id": 1, "org.of.x": [{}]}),
        ({"subject": "eve", "tokenIdentifier": "eve"}, {}),
    ],
)
def test_custom_claims_keep_their_names_and_objects_are_flat(claims: dict[str, Any], seen: dict[str, Any]) -> None:
    assert custom_attributes(CLAIMS | claims) == USER | seen
