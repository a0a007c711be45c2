"""Logging in and registering."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from edge_api.schemas.fields import Email, PersonName

Password = Annotated[
    str,
    Meta(min_length=8, max_length=128, description="8 to 128 characters, any.", examples=["correct horse battery"]),
]
# Only as long as it must be to bound the work: whether it is right, the account service says.
AnyPassword = Annotated[str, Meta(max_length=1000, description="The password.", examples=["correct horse battery"])]
AnyEmail = Annotated[str, Meta(max_length=254, description="Address of the account.", examples=["ana@example.org"])]
RefreshToken = Annotated[
    str, Meta(min_length=1, max_length=500, description="The newest refresh token.", examples=["b3BhcXVl"])
]


class Credentials(Struct, frozen=True, forbid_unknown_fields=True):
    """Who wants to log in."""

    email: AnyEmail
    password: AnyPassword


class Refresh(Struct, frozen=True, forbid_unknown_fields=True):
    """The refresh token to exchange; each works once."""

    refresh: RefreshToken


class Registration(Struct, frozen=True, forbid_unknown_fields=True):
    """Who wants an account."""

    email: Email
    password: Password
    name: PersonName


class TokenPair(Struct, frozen=True, kw_only=True):
    """What opens the API."""

    access: Annotated[
        str,
        Meta(description="Send it as `Authorization: Bearer <access>`.", examples=["eyJhbGciOiJIUzI1NiJ9.e30.c2ln"]),
    ]
    refresh: Annotated[str, Meta(description="Exchange it before or after `access` expires.", examples=["b3BhcXVl"])]
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a scheme's name
    expires_in: Annotated[int, Meta(description="Seconds until `access` expires.", examples=[900])]


class Registered(Struct, frozen=True):
    """The same for new and known addresses, so that nobody learns who has an account."""

    message: Annotated[str, Meta(description="What to do next.")] = (
        "You can log in now. If this address already had an account, nothing has changed."
    )
