"""Service tokens: how one process proves to another which service it is."""

import hashlib
import hmac
import time
from collections.abc import Callable

from runtime.rpc.errors import Unauthenticated
from runtime.settings import KEY_LENGTH, Secret, looks_made_up

DEBUG_LIFETIME = 15 * 60


class ServiceTokens:
    """The tokens that a server accepts: `edge:TOKEN,worker:TOKEN,…`, several per service so that they can rotate.

    The entry `debug:KEY` is no token but the key that signs debug tokens.
    Raises ValueError for a malformed list or a token shorter than 32 characters.
    """

    def __init__(self, listed: str, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._services: dict[bytes, str] = {}
        self._debug_keys: list[str] = []
        self.looks_made_up = False
        """Whether one of them was typed rather than drawn."""
        for entry in filter(None, (part.strip() for part in listed.split(","))):
            service, separator, token = entry.partition(":")
            if not separator or len(token) < KEY_LENGTH:
                raise ValueError(f"service tokens are written name:token with at least {KEY_LENGTH} characters each")
            self.looks_made_up |= looks_made_up(token)
            if service == "debug":
                self._debug_keys.append(token)
            else:
                self._services[_digest(token)] = service

    def service(self, token: str) -> str:
        """The service that holds this token; raises Unauthenticated."""
        # Looked up by digest, so that timing tells nothing about the tokens themselves.
        service = self._services.get(_digest(token))
        if service is not None:
            return service
        if token.startswith("debug.") and any(self._is_signed(token, key) for key in self._debug_keys):
            return "debug"
        raise Unauthenticated("The call carries no valid service token.", reason="BAD_SERVICE_TOKEN")

    def _is_signed(self, token: str, key: str) -> bool:
        _, expiry, _ = (*token.split("."), "", "")[:3]
        fresh = expiry.isdecimal() and self._now() < int(expiry) <= self._now() + DEBUG_LIFETIME + 1
        return fresh and hmac.compare_digest(token.encode(), _signed(key, expiry).encode())


def mint_debug_token(key: Secret, now: Callable[[], float] = time.time) -> str:
    """A read-only token for grpcurl, valid for 15 minutes."""
    return _signed(key, str(int(now()) + DEBUG_LIFETIME))


def _signed(key: str, expiry: str) -> str:
    return f"debug.{expiry}.{hmac.new(key.encode(), expiry.encode(), hashlib.sha256).hexdigest()}"


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
