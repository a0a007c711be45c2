"""The application: what is plugged together, once per process."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.datastructures import State
from litestar.types import ASGIApp

from edge_api import openapi
from edge_api.auth import Gate
from edge_api.backend import Backend
from edge_api.body import MAX_BODY, EdgeRequest
from edge_api.cors import Cors
from edge_api.counters import Counters
from edge_api.dashboard import Dashboard
from edge_api.event_stream import Live
from edge_api.exchange import Exchange
from edge_api.frame import Frame
from edge_api.limits import Limiter, Limits
from edge_api.login_throttle import LoginThrottle
from edge_api.options import Options
from edge_api.problems import EXCEPTION_HANDLERS
from edge_api.routes import (
    accounts,
    ai,
    audit,
    bulk,
    canned_replies,
    categories,
    conversation,
    decisions,
    docs,
    erasures,
    health,
    inquiries,
    live,
    me,
    queue,
    run_time,
    similar,
    stats,
    tracking,
    transfer,
    users,
)
from edge_api.settings import Settings
from edge_api.tokens import AccessTokens
from runtime import process, settings, telemetry, tracing

PARENT_INTERVAL = 0.5
"""Seconds between two looks at whether the process that started this one is still there."""

ROUTES = [
    inquiries.create_inquiry,
    inquiries.list_inquiries,
    inquiries.get_inquiry,
    inquiries.update_inquiry,
    inquiries.delete_inquiry,
    inquiries.list_inquiry_events,
    conversation.list_messages,
    conversation.create_message,
    conversation.get_draft,
    conversation.update_draft,
    conversation.stream_draft,
    tracking.get_tracked_inquiry,
    tracking.create_tracked_message,
    tracking.revoke_tracking,
    live.stream_events,
    similar.list_similar_inquiries,
    bulk.bulk_update_inquiries,
    decisions.list_inquiry_runs,
    decisions.retriage_inquiry,
    decisions.undo_inquiry_run,
    decisions.dry_run_inquiry,
    decisions.explain_inquiry_category,
    ai.get_ai_state,
    transfer.import_inquiries,
    transfer.export_inquiries,
    erasures.create_erasure,
    erasures.get_job,
    accounts.create_token,
    accounts.refresh_token,
    accounts.revoke_token,
    accounts.register_account,
    me.get_me,
    me.update_me,
    me.list_sessions,
    me.revoke_sessions,
    me.revoke_session,
    categories.list_categories,
    categories.create_category,
    categories.get_category,
    categories.update_category,
    categories.delete_category,
    canned_replies.list_canned_replies,
    canned_replies.create_canned_reply,
    canned_replies.get_canned_reply,
    canned_replies.update_canned_reply,
    canned_replies.delete_canned_reply,
    users.list_agents,
    users.list_users,
    users.create_user,
    users.get_user,
    users.update_user,
    users.delete_user,
    queue.get_queue,
    queue.list_queue_jobs,
    queue.retry_queue_jobs,
    stats.get_statistics,
    stats.get_statistic_series,
    run_time.list_settings,
    run_time.update_setting,
    run_time.reset_setting,
    audit.list_audit_entries,
    audit.export_audit_entries,
    health.check_liveness,
    health.check_readiness,
    health.check_work,
    docs.get_index,
    docs.show_landing_page,
    docs.show_swagger_ui,
    docs.show_redoc,
]


def create_app(settings: Settings) -> ASGIApp:
    """The edge as an ASGI application; its lifespan dials the inquiry service, which may still be down."""
    backend = Backend(settings.inquiry_address, settings.service_token)
    tokens = AccessTokens(settings.jwt_keys)
    counters = Counters(settings.redis_url)
    gate = Gate(tokens, backend)
    limits = [Limits(Limiter(counters, settings.rates))] if settings.rate_limits else []
    feed = Live(backend)
    throttle = LoginThrottle(counters if settings.rate_limits else None)

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        with tracing.exported("edge"):
            async with backend.opened(), counters.opened(), feed.opened():
                process.ready()
                yield

    app = Litestar(
        route_handlers=[*ROUTES, docs.static_files()],
        middleware=[Options(), gate, *limits],
        exception_handlers=EXCEPTION_HANDLERS,
        request_class=EdgeRequest,
        request_max_body_size=MAX_BODY,
        openapi_config=openapi.config(),
        lifespan=[lifespan, _end_with_parent],
        state=State({"backend": backend, "tokens": tokens, "login_throttle": throttle, "live": feed}),
        logging_config=None,
    )
    pages = Dashboard(app, settings.web_folder)
    return Frame(Cors(Exchange(pages), settings.cors_origins), settings.trusted_proxies, public_tls=settings.public_tls)


@asynccontextmanager
async def _end_with_parent(_app: Litestar) -> AsyncIterator[None]:
    # Granian's main process may be killed without a word to this one, which would then hold the port with old settings.
    async def watch(parent: int) -> None:
        while os.getppid() == parent:  # noqa: ASYNC110 - nothing tells this event
            await asyncio.sleep(PARENT_INTERVAL)
        os.kill(os.getpid(), signal.SIGTERM)

    watching = asyncio.create_task(watch(os.getppid()))
    yield
    watching.cancel()


def create_app_from_environment() -> ASGIApp:
    """What each server process calls."""
    loaded = settings.load(Settings)
    telemetry.configure("edge", loaded.log_level)
    return create_app(loaded)
