"""A client's address is what the last trusted proxy has seen; what anybody may write changes nothing."""

from typing import Any, cast

import pytest
from litestar.types import HTTPScope

from edge_api.proxies import Proxies, network_of
from tests.support.backend_stub import BackendStub
from tests.support.edge import edge

PROXIES = Proxies("10.0.0.0/8, fd00::/8")


def scope(peer: str | None, **headers: str) -> HTTPScope:
    listed = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    made: dict[str, Any] = {"client": (peer, 5000) if peer else None, "scheme": "http", "headers": listed}
    return cast("HTTPScope", made)


@pytest.mark.parametrize(
    ("peer", "headers", "client"),
    [
        ("203.0.113.9", {}, "203.0.113.9"),
        ("203.0.113.9", {"x_forwarded_for": "198.51.100.1"}, "203.0.113.9"),
        ("203.0.113.9", {"forwarded": "for=198.51.100.1"}, "203.0.113.9"),
        ("10.0.0.1", {}, "10.0.0.1"),
        ("10.0.0.1", {"x_forwarded_for": "198.51.100.1"}, "198.51.100.1"),
        ("::ffff:10.0.0.1", {"x_forwarded_for": "::ffff:198.51.100.1"}, "198.51.100.1"),
        ("10.0.0.1", {"x_forwarded_for": "192.0.2.66, 198.51.100.1, 10.0.0.2"}, "198.51.100.1"),
        ("10.0.0.1", {"x_forwarded_for": "10.0.0.3, 10.0.0.2"}, "10.0.0.3"),
        ("10.0.0.1", {"x_forwarded_for": "192.0.2.66, unknown, 10.0.0.2"}, "10.0.0.2"),
        ("10.0.0.1", {"x_forwarded_for": "' or 1=1 --"}, "10.0.0.1"),
        ("10.0.0.1", {"x_forwarded_for": "198.51.100.1:4711"}, "198.51.100.1"),
        ("fd00::1", {"x_forwarded_for": "[2001:db8::5]:4711"}, "2001:db8::5"),
        ("10.0.0.1", {"forwarded": 'for=192.0.2.66, for="[2001:DB8::5]:4711";proto=https'}, "2001:db8::5"),
        ("10.0.0.1", {"x_forwarded_for": "198.51.100.1", "forwarded": "for=192.0.2.66"}, "198.51.100.1"),
        (None, {"x_forwarded_for": "198.51.100.1"}, ""),
    ],
)
def test_right_most_address_that_is_no_trusted_proxy_is_the_client(
    peer: str | None, headers: dict[str, str], client: str
) -> None:
    asked = scope(peer, **headers)
    assert PROXIES.reveal(asked) == client
    assert asked["client"] == (client, 0)


@pytest.mark.parametrize(
    ("peer", "headers", "scheme"),
    [
        ("203.0.113.9", {"x_forwarded_proto": "https"}, "http"),
        ("10.0.0.1", {"x_forwarded_proto": "https"}, "https"),
        ("10.0.0.1", {"x_forwarded_proto": "https, http"}, "http"),
        ("10.0.0.1", {"x_forwarded_proto": "gopher"}, "http"),
        ("10.0.0.1", {"forwarded": "for=198.51.100.1;proto=https"}, "https"),
    ],
)
def test_scheme_is_the_trusted_proxys_word(peer: str, headers: dict[str, str], scheme: str) -> None:
    asked = scope(peer, **headers)
    PROXIES.reveal(asked)
    assert asked["scheme"] == scheme


@pytest.mark.parametrize("listed", ["10.0.0.1/8", "everyone", "10.0.0.0/33"])
def test_malformed_network_is_refused(listed: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - ipaddress words it
        Proxies(listed)


def test_one_client_has_a_whole_ipv6_network() -> None:
    assert network_of("2001:db8:0:1::5") == network_of("2001:db8:0:1:ffff::6") == "2001:db8:0:1::/64"
    assert network_of("2001:db8:0:2::5") != network_of("2001:db8:0:1::5")
    assert network_of("198.51.100.1") == "198.51.100.1"


@pytest.mark.parametrize(("trusted", "address"), [("", "127.0.0.1"), ("127.0.0.0/8", "198.51.100.1")])
async def test_address_goes_with_every_call(trusted: str, address: str) -> None:
    stub = BackendStub()
    await stub.start()
    async with edge(stub.address, POK_TRUSTED_PROXIES=trusted) as client:
        headers = {"X-Forwarded-For": "198.51.100.1"}
        await client.get("/api/inquiries/", headers=headers)
        await client.post("/api/token/", headers=headers, json={"email": "a@example.org", "password": "x"})
    await stub.stop()
    called = [call.principal for call in stub.calls if call.principal.role == "anonymous"]
    assert [principal.address for principal in called] == [address, address]
