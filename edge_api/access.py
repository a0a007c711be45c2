"""Who may do what: the one table of roles and operations. What does not stand here does not exist for anyone."""

from collections.abc import Mapping
from typing import Any

from litestar.constants import OPENAPI_JSON_HANDLER_NAME

from runtime.rpc.context import Role

Roles = frozenset[Role]

ADMIN: Roles = frozenset({"admin"})
STAFF: Roles = frozenset({"support", "admin"})
SIGNED_IN: Roles = frozenset({"user", "support", "admin"})
EVERYONE: Roles = frozenset({"anonymous", "user", "support", "admin"})

# Operation → roles that may call it.
OPERATIONS: Mapping[str, Roles] = {
    "register_account": EVERYONE,
    "create_inquiry": EVERYONE,
    "list_inquiries": EVERYONE,
    "get_inquiry": EVERYONE,
    "update_inquiry": STAFF,
    "delete_inquiry": ADMIN,
    "list_inquiry_events": STAFF,
    "list_messages": SIGNED_IN,
    "create_message": SIGNED_IN,
    "get_draft": STAFF,
    "update_draft": STAFF,
    "stream_draft": STAFF,
    "get_tracked_inquiry": EVERYONE,
    "create_tracked_message": EVERYONE,
    "revoke_tracking": STAFF,
    "stream_events": STAFF,
    "list_similar_inquiries": STAFF,
    "get_queue": STAFF,
    "list_queue_jobs": STAFF,
    "retry_queue_jobs": ADMIN,
    "get_statistics": STAFF,
    "get_statistic_series": STAFF,
    "bulk_update_inquiries": STAFF,
    "list_inquiry_runs": STAFF,
    "retriage_inquiry": STAFF,
    "undo_inquiry_run": STAFF,
    "dry_run_inquiry": STAFF,
    "explain_inquiry_category": STAFF,
    "get_ai_state": STAFF,
    "import_inquiries": ADMIN,
    "export_inquiries": ADMIN,
    "create_erasure": ADMIN,
    "get_job": ADMIN,
    "list_settings": ADMIN,
    "update_setting": ADMIN,
    "reset_setting": ADMIN,
    "list_audit_entries": ADMIN,
    "export_audit_entries": ADMIN,
    "get_me": SIGNED_IN,
    "update_me": SIGNED_IN,
    "list_sessions": SIGNED_IN,
    "revoke_sessions": SIGNED_IN,
    "revoke_session": SIGNED_IN,
    "list_categories": EVERYONE,
    "create_category": ADMIN,
    "get_category": EVERYONE,
    "update_category": ADMIN,
    "delete_category": ADMIN,
    "list_canned_replies": STAFF,
    "create_canned_reply": ADMIN,
    "get_canned_reply": STAFF,
    "update_canned_reply": ADMIN,
    "delete_canned_reply": ADMIN,
    "list_agents": STAFF,
    "list_users": ADMIN,
    "create_user": ADMIN,
    "get_user": ADMIN,
    "update_user": ADMIN,
    "delete_user": ADMIN,
}

# Operations that do not ask who calls: the Authorization header is not even read, so that a client whose
# access token has expired can refresh it.
OPEN = frozenset(
    {
        "create_token",
        "refresh_token",
        "revoke_token",
        "check_liveness",
        "check_readiness",
        "check_work",
        "get_index",
        OPENAPI_JSON_HANDLER_NAME,
        "show_landing_page",
        "show_swagger_ui",
        "show_redoc",
        "static_files",
    }
)


def security(operation: str) -> list[dict[str, list[Any]]]:
    """The operation's row as OpenAPI says it; an empty requirement means that a token is optional."""
    if operation in OPEN:
        return []
    bearer: dict[str, list[Any]] = {"bearer": []}
    return [{}, bearer] if "anonymous" in OPERATIONS[operation] else [bearer]


def operation_of(handler: Any) -> str:
    """The key of a route handler in the tables."""
    return str(handler.operation_id if getattr(handler, "operation_id", None) else handler.name)
