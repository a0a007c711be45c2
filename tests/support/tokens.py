"""Service tokens for servers that tests start."""

from runtime.rpc.tokens import ServiceTokens
from runtime.settings import Key

TOKENS = {name: Key(f"{name}-token-".ljust(32, "x")) for name in ("edge", "worker", "inquiry", "ai")}
"""Service → its token."""

DEBUG_KEY = Key("debug-key-".ljust(32, "x"))
"""What signs debug tokens."""

LISTED = ",".join(f"{name}:{token}" for name, token in {**TOKENS, "debug": DEBUG_KEY}.items())
"""All of them, as POK_SERVICE_TOKENS lists them."""


def service_tokens() -> ServiceTokens:
    """What a server needs to know them."""
    return ServiceTokens(LISTED)
