"""The audit log: who did what to what, from where, and how it ended."""

from typing import Any, Literal
from uuid import UUID

from inquiry_service.storage import audit
from runtime.rpc import context

Outcome = Literal["ok", "refused", "failed"]


async def record(
    writer: audit.Writer,
    action: str,
    *,
    target: str = "",
    outcome: Outcome = "ok",
    actor_id: UUID | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Add an entry for the call being served, in the writer's transaction. `actor_id` where nobody is signed in yet.

    `detail` holds keys, ids, numbers and enum values only: no secrets, no customers' texts.
    """
    call = context.current()
    principal = context.principal()
    signed_in = UUID(principal.account_id) if principal.account_id else None
    await audit.append(
        writer,
        {
            "action": action,
            "outcome": outcome,
            "actor_id": actor_id or signed_in,
            "target": target,
            "address": principal.address,
            "request_id": call.request_id if call else "",
            "detail": detail or {},
        },
    )
