"""The tracking token: opens one inquiry for its customer; derived when needed, never stored."""

import base64
import hashlib
import hmac
from uuid import UUID

from runtime.settings import Secret


def tracking_token(key: Secret, inquiry_id: UUID, version: int) -> str:
    """HMAC-SHA-256(key, inquiry id ‖ token version), base64url without padding: 43 characters."""
    digest = hmac.new(key.encode(), inquiry_id.bytes + version.to_bytes(4), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
