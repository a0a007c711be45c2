"""The refresh token as browsers keep it: out of reach of scripts, and used by our own pages only."""

import time
from typing import Any
from urllib.parse import urlsplit

from litestar import Request
from litestar.datastructures import Cookie
from pok.account.v1 import account_pb2

from runtime.rpc.errors import PermissionDenied

# With this prefix browsers refuse a cookie that another host of the same domain has set; its price is the path /.
NAME = "__Host-pok_refresh"


def kept(session: account_pb2.Session) -> Cookie:
    """The session's refresh token, for as long as it can be used."""
    return _cookie(session.refresh_token, max(0, session.expire_time.seconds - int(time.time())))


def cleared() -> Cookie:
    """What makes the browser forget it."""
    return _cookie("", 0)


def require_same_origin(request: Request[Any, Any, Any]) -> None:
    """Let only our own pages use the cookie. Raises PermissionDenied (NOT_SAME_ORIGIN).

    Browsers say where a request comes from in Sec-Fetch-Site, older ones in Origin; no page can forge either.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is None:
        origin = urlsplit(request.headers.get("Origin", "")).netloc
        same = origin != "" and origin == request.headers.get("Host")
    else:
        same = site == "same-origin"
    if not same:
        raise PermissionDenied(
            "The refresh cookie works for pages of this site only; other clients send the token in the body.",
            reason="NOT_SAME_ORIGIN",
        )


def _cookie(value: str, max_age: int) -> Cookie:
    return Cookie(NAME, value=value, path="/", max_age=max_age, secure=True, httponly=True, samesite="strict")
