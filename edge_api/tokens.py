"""Access tokens: short-lived JWTs that name an account and the session behind them."""

import time
import uuid
from collections.abc import Callable
from typing import Literal

import jwt
import msgspec

from runtime.rpc.errors import Unauthenticated
from runtime.settings import looks_made_up

ISSUER = "pok"
AUDIENCE = "pok-api"
LIFETIME = 15 * 60
"""Seconds; the most that RFC 8725's reading in our security bar allows."""

CLOCK_SKEW = 10
"""Seconds that the clocks of two edges may differ before a fresh token is refused."""

MIN_SECRET_BYTES = 32
MAX_TOKEN_LENGTH = 2048
MAX_VERIFIED = 10_000
HEADER_FIELDS = {"alg", "kid", "typ"}  # never jku, jwk, x5u, crit: a token does not say which key to trust


class SigningKeys:
    """The keys in `kid:secret,kid2:secret2`: the first signs, all of them verify, so that keys can rotate.

    Raises ValueError for a malformed list or a secret shorter than 32 bytes.
    """

    def __init__(self, listed: str) -> None:
        self._secrets: dict[str, str] = {}
        for entry in listed.split(","):
            kid, separator, secret = entry.strip().partition(":")
            if not kid or not separator or len(secret.encode()) < MIN_SECRET_BYTES:
                raise ValueError(f"keys are written kid:secret with at least {MIN_SECRET_BYTES} bytes of secret each")
            if kid in self._secrets:
                raise ValueError("two keys have the same kid")
            self._secrets[kid] = secret

    @property
    def signing(self) -> tuple[str, str]:
        """Kid and secret of the key that signs."""
        return next(iter(self._secrets.items()))

    @property
    def looks_made_up(self) -> bool:
        """Whether one of them was typed rather than drawn."""
        return any(map(looks_made_up, self._secrets.values()))

    def secret(self, kid: object) -> str | None:
        """The secret of a key, None for an unknown one."""
        return self._secrets.get(kid) if isinstance(kid, str) else None


class Claims(msgspec.Struct, frozen=True):
    """What an access token says: account (`sub`) and session (`sid`); times are seconds since the epoch."""

    iss: str
    aud: str
    typ: Literal["access"]
    jti: str
    sub: str
    sid: str
    iat: int
    nbf: int
    exp: int


class AccessTokens:
    """Signs access tokens and verifies them; a verified token is remembered until it expires."""

    def __init__(self, keys: SigningKeys, now: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._now = now
        self._verified: dict[str, Claims] = {}

    def sign(self, account_id: str, session_id: str) -> str:
        """A fresh access token for this session."""
        now = int(self._now())
        claims = Claims(
            iss=ISSUER,
            aud=AUDIENCE,
            typ="access",
            jti=uuid.uuid4().hex,
            sub=account_id,
            sid=session_id,
            iat=now,
            nbf=now - CLOCK_SKEW,
            exp=now + LIFETIME,
        )
        kid, secret = self._keys.signing
        return jwt.encode(msgspec.to_builtins(claims), secret, algorithm="HS256", headers={"kid": kid})

    def verify(self, token: str) -> Claims:
        """The claims of a genuine, unexpired token; raises Unauthenticated (BAD_TOKEN)."""
        claims = self._verified.get(token)
        if claims is None:
            claims = self._decode(token)
            self._remember(token, claims)
        if claims.exp <= self._now():
            self._verified.pop(token, None)
            raise _bad_token("The access token has expired; get a new one with the refresh token.")
        return claims

    def _decode(self, token: str) -> Claims:
        if len(token) > MAX_TOKEN_LENGTH:
            raise _bad_token()
        try:
            header = jwt.get_unverified_header(token)
            secret = self._keys.secret(header.get("kid"))
            if secret is None or not header.keys() <= HEADER_FIELDS:
                raise _bad_token()
            payload = jwt.decode(
                token,
                secret,
                algorithms=["HS256"],
                audience=AUDIENCE,
                issuer=ISSUER,
                # exp and nbf are compared below and in verify(), by the same clock that signs.
                options={
                    "require": ["exp", "nbf", "iat"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
            claims = msgspec.convert(payload, Claims)
        except (jwt.InvalidTokenError, msgspec.ValidationError, ValueError):
            raise _bad_token() from None
        if claims.nbf > self._now():
            raise _bad_token("The access token is not valid yet.")
        return claims

    def _remember(self, token: str, claims: Claims) -> None:
        if len(self._verified) >= MAX_VERIFIED:
            del self._verified[next(iter(self._verified))]
        self._verified[token] = claims


def _bad_token(message: str = "The access token is not valid.") -> Unauthenticated:
    return Unauthenticated(message, reason="BAD_TOKEN")
