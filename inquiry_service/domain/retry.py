"""The retry policy of triage, as data. Which failure is of which kind, `worker/failure.py` says."""

import random
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

FailureKind = Literal["provider", "invalid", "deferred", "unreachable"]


class Rule(msgspec.Struct, frozen=True):
    """What follows a failure of one kind.

    Delays in seconds: at random up to `first`, and up to twice as much each time that it is repeated, but not above
    `longest`; what the provider asks for comes on top, at most `most` in all.
    """

    attempts: int | None
    """Failures after which it has failed for good; None = it is never the inquiry's fault, and none is counted."""
    first: float = 2.0
    longest: float = 300.0
    most: float = 24 * 3600.0

    @property
    def counted(self) -> bool:
        """Whether it burns an attempt."""
        return self.attempts is not None


RULES: Mapping[FailureKind, Rule] = {
    # The provider did not answer, or not usably, or not in time.
    "provider": Rule(attempts=6),
    # The request can never succeed.
    "invalid": Rule(attempts=1),
    # The provider asked to come back later, or was not asked: its circuit is open, or its budget spent.
    "deferred": Rule(attempts=None, first=10.0),
    # No process of the AI service answered.
    "unreachable": Rule(attempts=None, longest=60.0),
}
MAX_ATTEMPTS = RULES["provider"].attempts or 0
MAX_CRASHES = 3
"""An inquiry that has killed this many workers is failed, as `crashed_worker`."""

MAX_AI_CRASHES = 3
"""One with which the AI service went away this often, having served others in between, is failed: `crashed_ai_service`.

From the last but one on it is a suspect: the AI service is given only one of them at a time.
"""


def next_delay(
    kind: FailureKind, times: int, asked: float | None, uniform: Callable[[float, float], float] = random.uniform
) -> float | None:
    """Seconds until the next attempt after the `times`-th failure of this kind; None when it has failed for good.

    Jitter is over the whole delay. It is added to what the provider `asked` for, since it asks all at once.
    """
    rule = RULES[kind]
    if rule.attempts is not None and times >= rule.attempts:
        return None
    jitter = uniform(0.0, min(rule.longest, rule.first * 2.0 ** min(max(times, 1) - 1, 30)))
    return min(max(asked, 0.0) + jitter, rule.most) if asked else jitter
