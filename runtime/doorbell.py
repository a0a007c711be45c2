"""The doorbell's contract: what the relay writes to the stream and the workers read from it."""

STREAM = "pok:triage"
GROUP = "workers"
TASK = "triage_inquiry"
"""Takes one argument: the inquiry's id."""

MAX_LENGTH = 10_000
"""About how many doorbells the stream keeps; a trimmed one is rung again by the sweeper."""
