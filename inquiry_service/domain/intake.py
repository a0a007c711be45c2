"""Taking in a new inquiry: checked, durable and queued before the answer, once per idempotency key."""

import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from inquiry_service.domain import text
from inquiry_service.storage import inquiries
from inquiry_service.storage.database import Database
from inquiry_service.storage.records import InquiryRecord
from runtime.rpc.context import Principal
from runtime.rpc.errors import Aborted, AlreadyExists, FieldViolation, InvalidArgument, PermissionDenied

_UUID = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.IGNORECASE)
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]{1,255}")
ANONYMOUS_KEY_LENGTH = 22
"""Characters of 64 that hold 128 random bits: anonymous callers share a scope, so their keys must not be guessable."""

SHORTEST_FILL_SECONDS = 2.0
"""Nobody fills in the contact form faster."""


class NewInquiry(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer sends. `external_id` and `request_id` may be empty."""

    customer_name: str
    customer_email: str
    subject: str
    message: str
    external_id: str = ""
    request_id: str = ""


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """What the contact form adds, all of it optional; a retry may differ in it."""

    consent_version: str = ""
    website: str = ""
    fill_seconds: float | None = None


class Created(msgspec.Struct, frozen=True):
    """The stored inquiry as its sender is told of it; `replayed` when an earlier request with the key had stored it."""

    inquiry: InquiryRecord
    replayed: bool


class Intake:
    """Stores new inquiries and rings the doorbell for each."""

    def __init__(self, database: Database, ring: Callable[[UUID], None]) -> None:
        self._database = database
        self._ring = ring

    async def create(self, new: NewInquiry, form: Form, principal: Principal) -> Created:
        """Store a new inquiry; one that a program seems to have sent as spam, which its sender is not told.

        Raises InvalidArgument, PermissionDenied (external id without being staff), AlreadyExists (external id taken)
        and Aborted (IDEMPOTENCY_CONFLICT: the key was used with another body).
        """
        check(new, form, principal)
        values = self._values(new, form, principal)
        try:
            created = await (self._create_once(new, values, principal) if new.request_id else self._create(values))
        except asyncpg.UniqueViolationError as error:
            if not inquiries.is_taken(error, "external_id"):
                raise
            raise AlreadyExists(
                "There is already an inquiry with this external_id.", reason="EXTERNAL_ID_TAKEN"
            ) from None
        if not created.replayed and values["status"] != "spam":
            self._ring(created.inquiry.id)
        return msgspec.structs.replace(created, inquiry=_as_told(created.inquiry))

    async def _create(self, values: dict[str, Any]) -> Created:
        return Created(await inquiries.create(self._database, values), replayed=False)

    async def _create_once(self, new: NewInquiry, values: dict[str, Any], principal: Principal) -> Created:
        scope, key, body_hash = scope_of(principal), new.request_id, _body_hash(new)
        keyed = {**values, "scope": scope, "key": key, "body_hash": body_hash}
        created = await inquiries.create_once(self._database, keyed)
        if created is not None:
            return Created(created, replayed=False)
        first = await inquiries.by_key(self._database, scope, key)
        if first is None or not hmac.compare_digest(first[0], body_hash):
            raise Aborted(
                "This idempotency key was already used for a different request.", reason="IDEMPOTENCY_CONFLICT"
            )
        return Created(first[1], replayed=True)

    def _values(self, new: NewInquiry, form: Form, principal: Principal) -> dict[str, Any]:
        staff = principal.is_staff
        suspicion = suspicion_of(form)
        return {
            "submitter_id": UUID(principal.account_id) if principal.role == "user" else None,
            "external_id": new.external_id or None,
            "customer_name": new.customer_name,
            "customer_email": new.customer_email,
            "subject": new.subject,
            "snippet": text.snippet(new.message),
            "message": new.message,
            "consent_version": form.consent_version or None,
            "status": "spam" if suspicion else "new",
            "triage_state": "done" if suspicion else "queued",
            "job_state": "idle" if suspicion else "queued",
            "actor": "agent" if staff else "customer",
            "actor_id": UUID(principal.account_id) if principal.account_id else None,
            "event_body": {"status": "spam", "suspicion": suspicion} if suspicion else {},
        }


def suspicion_of(form: Form) -> str | None:
    """Why a program seems to have filled in the form, a stable key; None if nothing speaks for it."""
    if form.website:
        return "hidden_field"
    if form.fill_seconds is not None and form.fill_seconds < SHORTEST_FILL_SECONDS:
        return "too_fast"
    return None


def check(new: NewInquiry, form: Form, principal: Principal) -> None:
    """Raise InvalidArgument with every wrong field, or PermissionDenied."""
    wrong: list[FieldViolation] = [
        *text.violations("customer_name", new.customer_name, 200),
        *text.email_violations("customer_email", new.customer_email),
        *text.violations("subject", new.subject, 300),
        *text.violations("message", new.message, 20_000),
        *text.violations("external_id", new.external_id, 200, shortest=0),
        *text.violations("consent_version", form.consent_version, 50, shortest=0),
        *text.violations("website", form.website, 300, shortest=0),
        *key_violations(new.request_id, shared=principal.role == "anonymous"),
    ]
    if wrong:
        raise InvalidArgument("The inquiry is not complete.", violations=wrong)
    if new.external_id and not principal.is_staff:
        raise PermissionDenied("Only staff may set external_id.", reason="STAFF_ONLY_FIELD")


def key_violations(key: str, *, shared: bool = False) -> list[FieldViolation]:
    """What is wrong with an idempotency key; one of a scope that strangers share must not be guessable."""
    if not key:
        return []
    if not _VISIBLE_ASCII.fullmatch(key):
        return [FieldViolation("request_id", "Must be 1 to 255 visible ASCII characters.")]
    if shared and not (_UUID.fullmatch(key) or len(key) >= ANONYMOUS_KEY_LENGTH):
        return [FieldViolation("request_id", "Without signing in, must be a UUID or at least 22 random characters.")]
    return []


def _as_told(inquiry: InquiryRecord) -> InquiryRecord:
    if inquiry.status != "spam":
        return inquiry
    return msgspec.structs.replace(inquiry, status="new", triage_state="queued")


def scope_of(principal: Principal) -> str:
    """Whose idempotency keys meet each other."""
    return principal.account_id or "anonymous"


def _body_hash(new: NewInquiry) -> bytes:
    body = msgspec.structs.replace(new, request_id="")
    return hashlib.sha256(msgspec.json.encode(body, order="sorted")).digest()
