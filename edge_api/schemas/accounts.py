"""Logging in and out, registering, one's own account, other people's."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from edge_api.schemas.fields import PLAIN, Email, PersonName, Uuid, text

Role = Literal["user", "support", "admin"]
Language = Literal["es", "en"]

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


class Revocation(Struct, frozen=True, forbid_unknown_fields=True):
    """Where to log out."""

    refresh: RefreshToken | UnsetType = UNSET
    everywhere: Annotated[bool, Meta(description="End all sessions of the account, not only this one.")] = False


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


Id = Annotated[Uuid, Meta(description="UUIDv7 of the account.")]
Address = Annotated[str, Meta(description="The e-mail address.", examples=["ana@example.org"])]
Name = Annotated[str, Meta(description="What people call them.", examples=["Ana Pérez"])]
RoleOf = Annotated[Role, Meta(description="What they may do.")]
LanguageOf = Annotated[Language, Meta(description="Language of their dashboard.")]
Active = Annotated[bool, Meta(description="False: they cannot log in.")]
Created = Annotated[datetime, Meta(description="When it was made, UTC.", examples=["2026-11-22T09:30:00.123456Z"])]


class User(Struct, frozen=True, kw_only=True):
    """An account."""

    id: Id
    email: Address
    name: Name
    role: RoleOf
    language: LanguageOf
    active: Active
    create_time: Created


class UserPage(Struct, frozen=True, kw_only=True):
    """A page of accounts."""

    items: Annotated[list[User], Meta(description="The accounts, newest first.")]
    next_page_token: Annotated[
        str | None, Meta(description="Opens the page of older ones; null at the end.", examples=["b2xkZXI"])
    ]


class NewUser(Struct, frozen=True, forbid_unknown_fields=True):
    """An account as an admin makes it."""

    email: Email
    name: PersonName
    role: RoleOf
    password: Password
    language: LanguageOf = "es"


class UserChange(Struct, frozen=True, forbid_unknown_fields=True):
    """The fields to change; those left out stay as they are."""

    name: PersonName | UnsetType = UNSET
    role: RoleOf | UnsetType = UNSET
    language: LanguageOf | UnsetType = UNSET
    active: Active | UnsetType = UNSET
    password: Password | UnsetType = UNSET


class OwnChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What people change of themselves; a new password needs the present one."""

    name: PersonName | UnsetType = UNSET
    language: LanguageOf | UnsetType = UNSET
    password: Password | UnsetType = UNSET
    current_password: AnyPassword | UnsetType = UNSET


class UserQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which accounts to list."""

    role: Annotated[list[Role], Meta(max_length=10, description="Any of these.")] = []
    active: Annotated[bool, Meta(description="Only active, or only deactivated ones.")] | UnsetType = UNSET
    q: Annotated[str, text(0, 200, "Text to find in name and address.", "ana")] = ""
    page_size: Annotated[int, Meta(ge=1, le=100, description="At most this many items.")] = 20
    page_token: Annotated[str, text(0, 1000, "`next_page_token` of an earlier answer.")] = ""


class Agent(Struct, frozen=True):
    """Somebody to whom inquiries can be assigned."""

    id: Id
    name: Name


class AgentList(Struct, frozen=True):
    """Everybody to whom inquiries can be assigned."""

    items: Annotated[list[Agent], Meta(description="Active support and admins, by name.")]


class OwnSession(Struct, frozen=True, kw_only=True):
    """One of the caller's sessions."""

    id: Annotated[Uuid, Meta(description="UUIDv7 of the session.")]
    user_agent: Annotated[str, Meta(description="What opened it.", examples=["Mozilla/5.0 Firefox/140.0"])]
    address: Annotated[str, Meta(description="Network address that used it last.", examples=["198.51.100.7"])]
    create_time: Annotated[datetime, Meta(description="When it was opened.", examples=["2026-11-22T09:30:00Z"])]
    refresh_time: Annotated[
        datetime, Meta(description="When it was last continued.", examples=["2026-11-22T09:40:00Z"])
    ]
    expire_time: Annotated[
        datetime, Meta(description="When it ends unless it is continued.", examples=["2026-12-22T09:40:00Z"])
    ]
    current: Annotated[bool, Meta(description="Whether it is the session of the token that asks.")]


class SessionList(Struct, frozen=True):
    """The caller's live sessions."""

    items: Annotated[list[OwnSession], Meta(description="Newest first, at most 100.")]
