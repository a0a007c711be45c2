"""What the edge reads from its environment."""

from typing import Annotated

from msgspec import Meta

from edge_api.tokens import SigningKeys
from runtime.settings import ProcessSettings, Secret


class Settings(ProcessSettings, frozen=True, kw_only=True):
    """The edge's POK_* variables; `public_read` lets anonymous callers read the public view of inquiries."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 8000
    edge_workers: Annotated[int, Meta(ge=1, le=64)] = 1
    inquiry_address: str
    service_token: Secret
    jwt_keys: SigningKeys
    public_read: bool = True
