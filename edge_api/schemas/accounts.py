"""Logging in and registering."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from edge_api.schemas.fields import PLAIN, Email, PersonName, text

Password = Annotated[
    str,
    Meta(
        min_length=8,
        max_length=128,
        description="8 to 128 characters, any but control characters.",
        examples=["correct horse battery"],
        extra_json_schema={"pattern": PLAIN},
    ),
]
# Only as long as it must be to bound the work: whether it is right, the account service says.
AnyPassword = Annotated[str, text(0, 1000, "The password.", "correct horse battery")]
AnyEmail = Annotated[str, text(0, 254, "Address of the account.", "ana@example.org")]
RefreshToken = Annotated[str, text(1, 500, "The newest refresh token; without it the cookie's counts.", "b3BhcXVl")]

REGISTERED = "You can log in now. If this address already had an account, nothing has changed."


class Credentials(Struct, frozen=True, forbid_unknown_fields=True):
    """Who wants to log in."""

    email: AnyEmail
    password: AnyPassword
    cookie: Annotated[
        bool,
        Meta(
            description="Keep the refresh token in a cookie that scripts cannot read, instead of answering it; "
            "for pages of this site only.",
        ),
    ] = False


class Refresh(Struct, frozen=True, forbid_unknown_fields=True):
    """The refresh token to exchange; each works once."""

    refresh: RefreshToken | UnsetType = UNSET


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
    refresh: Annotated[
        str,
        Meta(
            description="Exchange it before or after `access` expires; empty when it is in the cookie.",
            examples=["b3BhcXVl"],
        ),
    ]
    token_type: Annotated[Literal["Bearer"], Meta(description="How `access` is sent.")] = "Bearer"  # noqa: S105
    expires_in: Annotated[int, Meta(description="Seconds until `access` expires.", examples=[900])]


class Registered(Struct, frozen=True):
    """The same for new and known addresses, so that nobody learns who has an account."""

    message: Annotated[str, Meta(description="What to do next.", examples=[REGISTERED])] = REGISTERED
