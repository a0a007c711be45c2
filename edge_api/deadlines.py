"""How long a request may take, all calls together: what stands here takes longer than the others."""

from collections.abc import Mapping

import msgspec

from runtime.rpc import context

USUAL = 5.0
"""Seconds from the first byte of a request."""

DRY_RUN = 30.0
"""A large model may take as long to answer."""

LONGER: Mapping[str, float] = {"dry_run_inquiry": DRY_RUN}


def prolong(operation: str) -> None:
    """Let the request that is being served take as long as its operation may."""
    call = context.current()
    if operation in LONGER and call is not None and call.deadline is not None:
        context.enter(msgspec.structs.replace(call, deadline=call.deadline - USUAL + LONGER[operation]))
