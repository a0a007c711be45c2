"""What Prometheus is shown of the inquiry service beside its calls, counted where it happens."""

from prometheus_client import Counter, Histogram

from runtime.metrics import SECONDS

LEASES_LOST = Counter("pok_triage_leases_lost_total", "Claims whose worker did not renew them in time.")
RINGS = Counter("pok_doorbell_rings_total", "Doorbells that were rung.", ("by",))
RINGS_DROPPED = Counter("pok_doorbell_rings_dropped_total", "Doorbells that the sweeper has to ring instead.")
FAILURES = Counter("pok_database_failures_total", "Statements that did not reach Postgres in time.", ("cause",))
ACQUIRE = Histogram("pok_database_acquire_seconds", "Time that calls wait for a connection.", buckets=SECONDS)
