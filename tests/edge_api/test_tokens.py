"""An access token is good for one thing, for fifteen minutes, and only if we have signed it."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from edge_api.tokens import LIFETIME, AccessTokens, SigningKeys
from runtime.rpc.errors import Unauthenticated

NEW, OLD, FOREIGN = "n" * 32, "o" * 32, "f" * 32
KEYS = f"new:{NEW},old:{OLD}"


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    good = {
        "iss": "pok",
        "aud": "pok-api",
        "typ": "access",
        "jti": "j",
        "sub": "account",
        "sid": "session",
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME,
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def forged(key: str = NEW, *, kid: str = "new", header: dict[str, Any] | None = None, **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm="HS256", headers={"kid": kid, **(header or {})})


def unsigned(header: dict[str, Any]) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims())]
    return f"{'.'.join(parts)}."


def hs512() -> str:
    signed = unsigned({"alg": "HS512", "kid": "new", "typ": "JWT"}).rstrip(".")
    signature = hmac.new(NEW.encode(), signed.encode(), hashlib.sha512).digest()
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def other_payload() -> str:
    head, _, signature = forged().split(".")
    return f"{head}.{forged(sub='somebody else').split('.')[1]}.{signature}"


FORGERIES: dict[str, Callable[[], str]] = {
    "no algorithm": lambda: unsigned({"alg": "none", "kid": "new", "typ": "JWT"}),
    "other algorithm": hs512,
    "foreign key": lambda: forged(FOREIGN),
    "unknown kid": lambda: forged(kid="unknown"),
    "no kid": lambda: jwt.encode(claims(), NEW, algorithm="HS256"),
    "kid of another key": lambda: forged(NEW, kid="old"),
    "jku": lambda: forged(header={"jku": "https://evil.example/keys"}),
    "x5u": lambda: forged(header={"x5u": "https://evil.example/cert"}),
    "jwk": lambda: forged(header={"jwk": {"kty": "oct", "k": "Zg"}}),
    "wrong issuer": lambda: forged(iss="evil"),
    "wrong audience": lambda: forged(aud="evil"),
    "several audiences": lambda: forged(aud=["pok-api", "evil"]),
    "wrong type": lambda: forged(typ="refresh"),
    "expired": lambda: forged(exp=int(time.time()) - 1),
    "not valid yet": lambda: forged(nbf=int(time.time()) + 60),
    "no expiry": lambda: forged(exp=None),
    "no session": lambda: forged(sid=None),
    "no id": lambda: forged(jti=None),
    "expiry that is no number": lambda: forged(exp="tomorrow"),
    "changed payload": other_payload,
    "truncated": lambda: forged()[:-5],
    "oversized": lambda: forged(sub="x" * 5000),
    "empty": lambda: "",
    "not a token": lambda: "a.b.c",
    "not ASCII": lambda: "ñ.ñ.ñ",
}


def test_token_says_whose_session_it_is() -> None:
    tokens = AccessTokens(SigningKeys(KEYS))
    verified = tokens.verify(tokens.sign("account", "session"))
    assert (verified.sub, verified.sid) == ("account", "session")
    assert verified.exp - verified.iat <= 15 * 60


@pytest.mark.parametrize("forgery", FORGERIES)
def test_forged_token_is_refused(forgery: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        AccessTokens(SigningKeys(KEYS)).verify(FORGERIES[forgery]())
    assert caught.value.reason == "BAD_TOKEN"


def test_the_forgeries_differ_from_a_good_token_only_in_what_is_forged() -> None:
    assert AccessTokens(SigningKeys(KEYS)).verify(forged()).sub == "account"


def test_first_key_signs_and_all_keys_verify() -> None:
    before, after = AccessTokens(SigningKeys(f"old:{OLD}")), AccessTokens(SigningKeys(KEYS))
    assert after.verify(before.sign("account", "session")).sub == "account"
    assert jwt.get_unverified_header(after.sign("account", "session"))["kid"] == "new"


def test_remembered_token_expires_all_the_same() -> None:
    clock = Clock()
    tokens = AccessTokens(SigningKeys(KEYS), clock)
    token = tokens.sign("account", "session")
    tokens.verify(token)
    clock.now += LIFETIME
    with pytest.raises(Unauthenticated, match="expired"):
        tokens.verify(token)


@pytest.mark.parametrize("listed", ["", "new", f"new:{'n' * 31}", f":{NEW}", f"new:{NEW},", f"new:{NEW},new:{OLD}"])
def test_weak_or_malformed_keys_are_refused(listed: str) -> None:
    with pytest.raises(ValueError, match="key"):
        SigningKeys(listed)
