"""How often who may call what: the one table of rates, and the classes that operations belong to."""

import re
from collections.abc import Mapping
from typing import Literal

from litestar.constants import OPENAPI_JSON_HANDLER_NAME

from runtime.rpc.context import Principal

RateClass = Literal["create", "login", "registration", "anonymous", "signed_in", "staff"]

# Operation → class, for what may be called without a token; None is not limited. Everything else counts for the
# account that calls, as `signed_in` or `staff`.
WITHOUT_TOKEN: Mapping[str, RateClass | None] = {
    "create_inquiry": "create",
    "create_token": "login",
    "refresh_token": "anonymous",
    "revoke_token": "anonymous",
    "register_account": "registration",
    "get_tracked_inquiry": "anonymous",
    "create_tracked_message": "create",
    "list_inquiries": "anonymous",
    "get_inquiry": "anonymous",
    "list_categories": "anonymous",
    "get_category": "anonymous",
    "get_index": "anonymous",
    OPENAPI_JSON_HANDLER_NAME: "anonymous",
    "show_landing_page": "anonymous",
    "show_swagger_ui": "anonymous",
    "show_redoc": "anonymous",
    # One page loads many files, and they cost nothing; probes must always get through.
    "static_files": None,
    "check_liveness": None,
    "check_readiness": None,
    "check_work": None,
}

# These count for the address whoever calls: a token must not buy more guesses or accounts.
BY_ADDRESS: frozenset[RateClass | None] = frozenset({"login", "registration"})

WRITTEN = re.compile(r"([1-9]\d{0,6})/(s|min|h)(?: burst ([1-9]\d{0,6}))?")
SECONDS = {"s": 1, "min": 60, "h": 3600}


class Rate:
    """A rate as it is written: `30/min burst 60`; without a burst, as many at once as the count.

    Raises ValueError for anything else.
    """

    def __init__(self, written: str) -> None:
        match = WRITTEN.fullmatch(written.strip())
        if match is None:
            raise ValueError("a rate is written like 30/min or 30/min burst 60; units are s, min and h")
        self.burst = int(match[3] or match[1])
        """Calls that may come at once."""
        self.interval = SECONDS[match[2]] * 1_000_000 // int(match[1])
        """Microseconds after which one more may come."""

    @property
    def window(self) -> int:
        """Seconds in which the whole burst comes back."""
        return -(-self.burst * self.interval // 1_000_000)


DEFAULTS: Mapping[RateClass, str] = {
    "create": "30/min burst 60",
    "login": "10/min",
    "registration": "5/h",
    "anonymous": "120/min",
    "signed_in": "1200/min",
    "staff": "6000/min",
}


def class_of(operation: str, principal: Principal) -> RateClass | None:
    """The class that a call counts in, None where calls are not limited."""
    row = WITHOUT_TOKEN.get(operation, "signed_in")
    if principal.role == "anonymous" or row is None or row in BY_ADDRESS:
        return row
    return "staff" if principal.is_staff else "signed_in"
