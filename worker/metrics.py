"""What Prometheus is shown of the worker beside its calls."""

from prometheus_client import Counter, Gauge, Histogram

from runtime.metrics import SECONDS

CLAIMS = Gauge("pok_worker_claims", "Inquiries that this worker holds.")
ENDED = Counter("pok_worker_claims_ended_total", "completed, failed, released or interrupted.", ("outcome",))
WORK_SECONDS = Histogram("pok_worker_claim_seconds", "Time for which a claim was held.", buckets=SECONDS)
DOORBELLS = Counter("pok_worker_doorbells_total", "Doorbells that were heard.")
