"""What the edge reads from its environment."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from edge_api.cors import Origins
from edge_api.proxies import Proxies
from edge_api.rates import DEFAULTS, Rate, RateClass
from edge_api.tokens import SigningKeys
from runtime.settings import KEY_LENGTH, Secret, ServerSettings

# What people write where they mean to write a secret later.
PLACEHOLDER = re.compile(r"change.?me|example|default|password|secret|insecure|placeholder|12345678", re.IGNORECASE)
BUILT = Path(__file__).parent.parent / "web" / ".output" / "public"
MIN_DISTINCT = 8
"""Different characters in a secret; fewer were typed, not drawn."""


class Settings(ServerSettings, frozen=True, kw_only=True):
    """The edge's POK_* variables.

    Raises ValueError in production for what is fine on a developer's machine only.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 8000
    edge_workers: Annotated[int, Meta(ge=1, le=64)] = 1
    inquiry_address: str
    redis_url: Secret
    service_token: Secret
    jwt_keys: SigningKeys
    public_url: Annotated[str, Meta(pattern=r"^(https?://[^/\s]+/?)?$")] = ""
    trusted_proxies: Proxies = Proxies()
    cors_origins: Origins = Origins()
    web_folder: Path = BUILT
    """The built dashboard; where there is none, a page says what runs here."""
    rate_limits: bool = True
    rate_create: Rate = Rate(DEFAULTS["create"])
    rate_login: Rate = Rate(DEFAULTS["login"])
    rate_registration: Rate = Rate(DEFAULTS["registration"])
    rate_anonymous: Rate = Rate(DEFAULTS["anonymous"])
    rate_signed_in: Rate = Rate(DEFAULTS["signed_in"])
    rate_staff: Rate = Rate(DEFAULTS["staff"])

    def __post_init__(self) -> None:
        """Refuse to be made for production as it is."""
        if self.env == "production" and (wrong := list(self._unfit_for_production())):
            raise ValueError("\n".join(wrong))

    @property
    def rates(self) -> Mapping[RateClass, Rate]:
        """The rate of every class."""
        return {name: getattr(self, f"rate_{name}") for name in DEFAULTS}

    @property
    def public_tls(self) -> bool:
        """Whether browsers reach POK over TLS."""
        return self.public_url.startswith("https:")

    def _unfit_for_production(self) -> Iterator[str]:
        if not self.rate_limits:
            yield "POK_RATE_LIMITS cannot be off in production"
        if self.cors_origins.any:
            yield "POK_CORS_ORIGINS cannot be * in production; list the origins"
        if any(map(_looks_made_up, self.jwt_keys.secrets)):
            yield "POK_JWT_KEYS holds a secret that looks made up; draw one, for example with `openssl rand -hex 32`"
        if len(self.service_token) < KEY_LENGTH or _looks_made_up(self.service_token):
            yield f"POK_SERVICE_TOKEN must be drawn at random, with at least {KEY_LENGTH} characters"


def _looks_made_up(secret: str) -> bool:
    return len(set(secret)) < MIN_DISTINCT or PLACEHOLDER.search(secret) is not None
