"""Who calls: nobody in particular, a user, or an administrator, who may act as a user.

convex-backend crates/keybroker/src/broker.rs ``Identity``, crates/convex/sync_types/src/types/json.rs
(convex-engine.md §10.2 and §10.6, convex-wire.md §2, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller of a function.

    Attributes:
        is_admin: whether internal functions are open to the caller.
        user: the user's attributes (``tokenIdentifier``, ``issuer``, ``subject``, ``name``, …), or None.
        expires_s: when the user's token ends, in seconds since the Unix epoch; None for never.
    """

    is_admin: bool = False
    user: Mapping[str, Any] | None = None
    expires_s: float | None = None


ANONYMOUS = Identity()
ADMIN = Identity(is_admin=True)


def user_identity(attributes: Mapping[str, Any]) -> Identity:
    """A user; ``tokenIdentifier`` defaults to ``issuer|subject``.

    Raises:
        ValueError: if neither it nor both of these are given.
    """
    return Identity(user=user_attributes(attributes))


def acting_as(attributes: Mapping[str, Any]) -> Identity:
    """An administrator who acts as a user.

    Raises:
        ValueError: as :func:`user_identity`.
    """
    return Identity(is_admin=True, user=user_attributes(attributes))


# Claims of a user that are of one type; all others may be any JSON.
_TEXTS = (
    "tokenIdentifier",
    "issuer",
    "subject",
    "name",
    "givenName",
    "familyName",
    "nickname",
    "preferredUsername",
    "profileUrl",
    "pictureUrl",
    "websiteUrl",
    "email",
    "gender",
    "birthday",
    "timezone",
    "language",
    "phoneNumber",
    "address",
    "updatedAt",
)
_TRUTHS = ("emailVerified", "phoneNumberVerified")


def user_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes as ``ctx.auth.getUserIdentity()`` returns them.

    Raises:
        ValueError: if the user cannot be identified by them, or one of them is of another type.
    """
    if not isinstance(attributes, Mapping):
        raise ValueError("a user identity must be an object")
    for names, kind, told in ((_TEXTS, str, "a string"), (_TRUTHS, bool, "a boolean")):
        for name in names:
            if attributes.get(name) is not None and not isinstance(attributes[name], kind):
                raise ValueError(f"`{name}` of a user identity must be {told}")
    # Null is as good as nothing.
    user = {name: value for name, value in attributes.items() if value is not None or name not in (*_TEXTS, *_TRUTHS)}
    if "tokenIdentifier" not in user:
        if "issuer" not in user or "subject" not in user:
            raise ValueError("a user identity needs `tokenIdentifier`, or `issuer` and `subject`")
        user["tokenIdentifier"] = f"{user['issuer']}|{user['subject']}"
    return user
