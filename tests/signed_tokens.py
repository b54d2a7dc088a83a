"""Tokens for tests, signed with keys of their own, and what their providers publish."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
FOREIGN_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_ALGORITHMS: dict[type, Any] = {
    rsa.RSAPrivateKey: jwt.algorithms.RSAAlgorithm,
    ec.EllipticCurvePrivateKey: jwt.algorithms.ECAlgorithm,
    ed25519.Ed25519PrivateKey: jwt.algorithms.OKPAlgorithm,
}


def public_key(key: Any, key_id: str, **more: Any) -> dict[str, Any]:
    """A private key's other half, as a JSON web key."""
    algorithm = next(found for kind, found in _ALGORITHMS.items() if isinstance(key, kind))
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": key_id, **more}


KEYS = {"keys": [public_key(RSA_KEY, "rsa"), public_key(EC_KEY, "ec")]}


def data_url(keys: Any = KEYS) -> str:
    """Keys in a URL of their own."""
    return f"data:application/json;base64,{base64.b64encode(json.dumps(keys).encode()).decode()}"


def signed(key: Any, algorithm: str, key_id: str | None, **claims: Any) -> str:
    """A token; a claim that is None is left out."""
    given = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(given, key, algorithm=algorithm, headers=None if key_id is None else {"kid": key_id})
