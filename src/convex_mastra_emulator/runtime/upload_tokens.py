"""The tokens in upload URLs: signed, and good for an hour by the deployment's clock.

A deployment encrypts them; what it says of bad ones is the same.

convex-backend crates/keybroker/src/broker.rs ``check_store_file_authorization``, crates/local_backend/src/storage.rs
``STORE_FILE_AUTHORIZATION_VALIDITY`` (convex-wire.md §6, checked 2026-11-21).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from convex_mastra_emulator.errors import ErrorKind, RequestRefused
from convex_mastra_emulator.values.ids import IdSource

VALID_SECONDS = 3600
_TIME_SIZE, _NONCE_SIZE, _SIGNATURE_SIZE = 8, 16, 32


class UploadTokens:
    """Issues upload tokens and checks them.

    Args:
        id_source: where the key comes from, and what tells two tokens of one second apart.
    """

    def __init__(self, id_source: IdSource) -> None:
        self._id_source = id_source
        self._key: bytes | None = None

    def continue_from(self, other: UploadTokens) -> None:
        """Takes the tokens that ``other`` has issued."""
        self._key = other._key

    def issue(self, now_s: int) -> str:
        """A token that is good from ``now_s`` on, seconds since the Unix epoch."""
        if self._key is None:
            self._key = "".join(self._id_source.token() for _ in range(4)).encode()
        message = now_s.to_bytes(_TIME_SIZE) + self._id_source.token().encode()
        return base64.urlsafe_b64encode(message + _signature(self._key, message)).decode().rstrip("=")

    def check(self, token: str, now_s: int) -> None:
        """Lets a good token pass.

        Raises:
            RequestRefused: ``StorageTokenInvalid`` or ``StorageTokenExpired``.
        """
        issued_s = self._issued_s(token)
        if issued_s is None:
            raise RequestRefused(
                "Couldn't decode the StoreFileAuthorization token",
                code="StorageTokenInvalid",
                kind=ErrorKind.UNAUTHENTICATED,
            )
        if issued_s + VALID_SECONDS <= now_s:
            raise RequestRefused(
                "Store File Authorization expired", code="StorageTokenExpired", kind=ErrorKind.UNAUTHENTICATED
            )

    def _issued_s(self, token: str) -> int | None:
        """When a token was issued; None if it was not, here."""
        try:
            data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        message, signature = data[:-_SIGNATURE_SIZE], data[-_SIGNATURE_SIZE:]
        if self._key is None or len(message) != _TIME_SIZE + _NONCE_SIZE:
            return None
        if not hmac.compare_digest(signature, _signature(self._key, message)):
            return None
        return int.from_bytes(message[:_TIME_SIZE])


def _signature(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()
