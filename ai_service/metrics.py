"""What Prometheus is shown of the AI service beside its calls: who answered, how long it took and what it cost."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge, Histogram

from ai_service.analysis import Model, Usage
from ai_service.router import Router
from runtime import tracing
from runtime.metrics import SECONDS
from runtime.rpc.errors import RpcError
from runtime.rpc.spent import spent

ANSWERS = Counter(
    "pok_ai_answers_total",
    "Answers; `fallback` says why another provider gave it.",
    ("provider", "work", "fallback"),
)
REFUSALS = Counter("pok_ai_refusals_total", "Work that ended without an answer.", ("work", "reason"))
ANSWER_SECONDS = Histogram("pok_ai_answer_seconds", "Time to an answer.", ("provider", "work"), buckets=SECONDS)
TOKENS = Counter("pok_ai_tokens_total", "Tokens that providers counted, also for nothing.", ("direction",))
COST = Counter("pok_ai_cost_total", "What it cost, in the currency of the configured prices.")
CIRCUIT = Gauge("pok_ai_circuit", "Of the provider that costs money: 0 closed or none, 1 half-open, 2 open.")
STATES = ("closed", "half_open", "open")


def follow(router: Router) -> None:
    """Show the circuit of this router from now on."""
    CIRCUIT.set_function(lambda: STATES.index(router.paid_state.circuit) if router.paid_state else 0)


def answered(kind: str, model: Model, usage: Usage, fallback: str) -> None:
    """Count an answer."""
    provider = model.provider
    ANSWERS.labels(provider, kind, fallback).inc()
    ANSWER_SECONDS.labels(provider, kind).observe(usage.duration_ms / 1_000)
    _count(usage)


@contextmanager
def work(kind: str) -> Iterator[None]:
    """Trace what a provider does, and count it if it ends without an answer."""
    try:
        with tracing.span(f"ai {kind}", "client"):
            yield
    except RpcError as error:
        REFUSALS.labels(kind, error.reason).inc()
        _count(Usage(**spent(error)))
        raise


def _count(usage: Usage) -> None:
    TOKENS.labels("in").inc(usage.input_tokens)
    TOKENS.labels("out").inc(usage.output_tokens)
    COST.inc(usage.cost_micros / 1_000_000)
