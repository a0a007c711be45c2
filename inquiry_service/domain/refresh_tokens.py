"""Refresh tokens: one line of secrets per session, each made from the one before.

A token is base64url(session id ‖ secret). The successor of a secret is HMAC-SHA-256(rotation key, secret) with a
rotation key that is drawn at each rotation. The session's row holds only that key and the SHA-256 of the newest secret:
- neither the row nor an old token alone leads to the newest secret;
- parallel refreshes with the same token get the same successor, so an honest retry never splits the line;
- a presented secret is the previous one exactly if its successor is the newest: nothing else need be stored.
"""

import binascii
import hashlib
import hmac
import secrets
from base64 import b64decode, urlsafe_b64encode
from uuid import UUID

SECRET_BYTES = 32
ID_BYTES = 16


def new_secret() -> bytes:
    """Random bytes: the first secret of a line, or a rotation key."""
    return secrets.token_bytes(SECRET_BYTES)


def successor(secret: bytes, rotation_key: bytes) -> bytes:
    """The secret that follows."""
    return hmac.digest(rotation_key, secret, "sha256")


def digest(secret: bytes) -> bytes:
    """What is stored of a secret: it is random, so a plain SHA-256 is enough."""
    return hashlib.sha256(secret).digest()


def is_newest(secret: bytes, secret_hash: bytes) -> bool:
    """Whether it is the one whose digest is stored."""
    return hmac.compare_digest(digest(secret), secret_hash)


def write(session_id: UUID, secret: bytes) -> str:
    """The token: 64 characters."""
    return urlsafe_b64encode(session_id.bytes + secret).decode()


def read(token: str) -> tuple[UUID, bytes] | None:
    """Session id and secret; None for what is no token."""
    try:
        raw = b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != ID_BYTES + SECRET_BYTES:
        return None
    return UUID(bytes=raw[:ID_BYTES]), raw[ID_BYTES:]
