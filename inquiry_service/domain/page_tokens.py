"""Page tokens: where a list goes on, signed and bound to the list that gave them out."""

import base64
import binascii
import hmac
from typing import Any

import msgspec

from runtime.rpc.errors import InvalidArgument
from runtime.settings import Secret

SIGNATURE_BYTES = 12


class PageTokens:
    """Writes and reads them; `key` signs."""

    def __init__(self, key: Secret) -> None:
        self._key = key.encode()

    def seal(self, position: bytes, *bound_to: Any) -> str:
        """A token for this position in the list that `bound_to` describes: its name, its view, its filters."""
        return base64.urlsafe_b64encode(position + self._signature(position, bound_to)).rstrip(b"=").decode()

    def open(self, token: str, *bound_to: Any) -> bytes:
        """The position in it. Raises InvalidArgument (BAD_PAGE_TOKEN) unless the same list has given it out."""
        try:
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            sealed = b""
        position, signature = sealed[:-SIGNATURE_BYTES], sealed[-SIGNATURE_BYTES:]
        if not position or not hmac.compare_digest(signature, self._signature(position, bound_to)):
            raise InvalidArgument(
                "This page token belongs to another list: start again from the first page.", reason="BAD_PAGE_TOKEN"
            )
        return position

    def _signature(self, position: bytes, bound_to: tuple[Any, ...]) -> bytes:
        signed = b"page" + position + msgspec.json.encode(bound_to)
        return hmac.digest(self._key, signed, "sha256")[:SIGNATURE_BYTES]


def page_size(asked: int, *, default: int, largest: int) -> int:
    """How many to list; 0 stands for `default`. Raises InvalidArgument."""
    if not 0 <= asked <= largest:
        raise InvalidArgument.field("page_size", f"Must be between 1 and {largest}.")
    return asked or default
