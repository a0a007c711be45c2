"""Who the client is when proxies stand in between: only what trusted ones say of their peers counts."""

import re
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from litestar.types import HTTPScope

Address = IPv4Address | IPv6Address

# An address as proxies write it: bare, with a port, or in brackets.
HOP = re.compile(r'"?(?:\[(?P<bracketed>[^\]]+)\](?::\d+)?|(?P<v4>[\d.]+)(?::\d+)?|(?P<v6>[\da-fA-F:.]+))"?')

MOST_KEPT = 4096
"""Addresses as they were written that are kept read; the same few ask again and again."""


class Proxies:
    """The networks in `10.0.0.0/8,fd00::/8`; raises ValueError for anything else."""

    def __init__(self, listed: str = "") -> None:
        self._networks = [ip_network(entry.strip()) for entry in listed.split(",") if entry.strip()]

    def vouch_for(self, scope: HTTPScope) -> bool:
        """Whether a trusted proxy sent the request; to be asked before `reveal`."""
        peer = _address(scope["client"][0]) if scope["client"] else None
        return peer is not None and self._trusts(peer)

    def reveal(self, scope: HTTPScope) -> str:
        """Put the real client and scheme in place of the nearest proxy's; return the client's address, "" if unknown.

        The right-most address that is not itself a trusted proxy wins: what stands further left, anybody may have
        written. `Forwarded` (RFC 7239) is read only where there is no `X-Forwarded-For`.
        """
        peer = _address(scope["client"][0]) if scope["client"] else None
        if peer is not None and self._trusts(peer):
            scheme = _last(scope, b"x-forwarded-proto") or _last_forwarded(scope, "proto")
            if scheme in {"http", "https"}:
                scope["scheme"] = scheme
            peer = self._client_behind(peer, scope)
        address = str(peer) if peer else ""
        scope["client"] = (address, 0)
        return address

    def _client_behind(self, peer: Address, scope: HTTPScope) -> Address:
        hops = _values(scope, b"x-forwarded-for") or list(_forwarded(scope, "for"))
        for hop in reversed(hops):
            address = _address(hop)
            if address is None:
                return peer  # "unknown" or worse: whoever passed it on is the last of whom we know
            peer = address
            if not self._trusts(peer):
                break
        return peer

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def network_of(address: str) -> str:
    """What one client has: the address itself, of IPv6 the /64."""
    parsed = _address(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, 64), strict=False))
    return str(parsed)


@lru_cache(MOST_KEPT)
def _address(written: str) -> Address | None:
    match = HOP.fullmatch(written.strip().partition("%")[0])
    if match is None:
        return None
    try:
        address = ip_address(match["bracketed"] or match["v4"] or match["v6"])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _values(scope: HTTPScope, header: bytes) -> list[str]:
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == header]
    return [part.strip() for value in values for part in value.split(",")]


def _last(scope: HTTPScope, header: bytes) -> str:
    return next(reversed(_values(scope, header)), "").lower()


def _forwarded(scope: HTTPScope, parameter: str) -> Iterator[str]:
    for element in _values(scope, b"forwarded"):
        pairs = dict(pair.strip().lower().partition("=")[::2] for pair in element.split(";"))
        yield pairs.get(parameter, "")


def _last_forwarded(scope: HTTPScope, parameter: str) -> str:
    return next(reversed(list(_forwarded(scope, parameter))), "").strip('"')
