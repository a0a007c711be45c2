"""What the edge reads from its environment."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from edge_api.cors import Origins
from edge_api.proxies import Proxies
from edge_api.rates import DEFAULTS, Rate, RateClass
from edge_api.tokens import SigningKeys
from runtime.settings import Key, Secret, ServerSettings

BUILT = Path(__file__).parent.parent / "web" / ".output" / "public"


class Settings(ServerSettings, frozen=True, kw_only=True):
    """The edge's POK_* variables."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 8000
    edge_workers: Annotated[int, Meta(ge=1, le=64)] = 1
    inquiry_address: str
    redis_url: Secret
    service_token: Key
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

    @property
    def rates(self) -> Mapping[RateClass, Rate]:
        """The rate of every class."""
        return {name: getattr(self, f"rate_{name}") for name in DEFAULTS}

    @property
    def public_tls(self) -> bool:
        """Whether browsers reach POK over TLS."""
        return self.public_url.startswith("https:")

    def _unfit_for_production(self) -> Iterator[str]:
        yield from ServerSettings._unfit_for_production(self)
        if not self.rate_limits:
            yield "POK_RATE_LIMITS cannot be off in production"
        if self.cors_origins.any:
            yield "POK_CORS_ORIGINS cannot be * in production; list the origins"
