"""Service tokens for servers that tests start."""

from runtime.rpc.tokens import ServiceTokens
from runtime.settings import Secret

TOKENS = {name: Secret(f"{name}-token-".ljust(32, "x")) for name in ("edge", "worker", "inquiry", "ai")}
"""Service → its token."""

LISTED = ",".join(f"{name}:{token}" for name, token in TOKENS.items())
"""All of them, as POK_SERVICE_TOKENS lists them."""


def service_tokens() -> ServiceTokens:
    """What a server needs to know them."""
    return ServiceTokens(LISTED)
