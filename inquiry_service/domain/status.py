"""The ticket status as people move it."""

from collections.abc import Mapping
from typing import get_args

from inquiry_service.domain.vocabulary import Status
from runtime.rpc.errors import FailedPrecondition

_WORKED: tuple[Status, ...] = ("open", "pending", "resolved", "closed", "spam")

LEGAL: Mapping[str, frozenset[str]] = {
    **{status: frozenset(_WORKED) - {status} for status in ("new", "open", "pending", "resolved")},
    "closed": frozenset({"open"}),
    "spam": frozenset({"open"}),
}
assert set(LEGAL) == set(get_args(Status))  # noqa: S101 - a missing row would be a defect of this table


def check_transition(before: str, after: str) -> None:
    """Raise FailedPrecondition (ILLEGAL_TRANSITION), naming the legal ones, unless people may move it so."""
    if after == before or after in LEGAL[before]:
        return
    legal = ", ".join(sorted(LEGAL[before]))
    raise FailedPrecondition(
        f"An inquiry that is {before} cannot become {after}; it can become: {legal}.",
        reason="ILLEGAL_TRANSITION",
        metadata={"from": before, "to": after, "legal": legal},
    )
