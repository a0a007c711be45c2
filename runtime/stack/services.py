"""The services of POK as processes, each with the part of the environment that it needs and no more."""

import sys
from collections.abc import Mapping

import msgspec

from runtime.stack.credentials import Credentials
from runtime.stack.process import Process

PASSED_ON = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "POK_ENV", "POK_LOG_LEVEL"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR"),
)
"""What every service takes from the environment of `pok up`."""

OPTIONS = {
    "inquiry": (
        *("POK_AI_PROVIDER", "POK_CONFIDENCE_THRESHOLD", "POK_DAILY_SPEND_CAP", "POK_PUBLIC_READ"),
        "POK_RETENTION_DAYS",
        *("POK_LEASE_SECONDS", "POK_ANALYSIS_TIMEOUT_SECONDS", "POK_DATABASE_POOL"),
    ),
    "ai": (
        *("POK_OPENAI_API_KEY", "POK_OPENAI_BASE_URL", "POK_OPENAI_MODEL", "POK_PROMPT_LANGUAGE"),
        *("POK_OPENAI_INPUT_PRICE", "POK_OPENAI_OUTPUT_PRICE", "POK_OPENAI_AT_ONCE"),
        *("POK_OPENAI_CALLS_PER_MINUTE", "POK_OPENAI_TOKENS_PER_MINUTE", "POK_AI_FALLBACK", "POK_AI_MASKING"),
        *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    ),
    "worker": ("POK_WORKER_CONCURRENCY",),
    "edge": (
        *("POK_EDGE_WORKERS", "POK_WEB_FOLDER", "POK_PUBLIC_URL", "POK_TRUSTED_PROXIES", "POK_CORS_ORIGINS"),
        *("POK_RATE_LIMITS", "POK_RATE_CREATE", "POK_RATE_LOGIN", "POK_RATE_REGISTRATION"),
        *("POK_RATE_ANONYMOUS", "POK_RATE_SIGNED_IN", "POK_RATE_STAFF"),
    ),
}
"""What a user may set for one service, also as NAME_FILE."""

PATIENT = ("worker", "ai")
"""Triage can wait, who sends and who reads cannot: where processors are short, intake and dashboard go first."""

PATIENCE = 5
"""The niceness of triage: a third of the weight of what goes first."""

MEASURED = ("edge", "inquiry", "ai", "worker")
"""In the order of the ports on which Prometheus finds them."""


class Ports(msgspec.Struct, frozen=True):
    """Who listens where; all follow from the edge's port."""

    edge: int
    inquiry: int
    ai: int
    postgres: int
    valkey: int

    @classmethod
    def after(cls, first: int) -> "Ports":
        """Number the ports from the edge's on."""
        return cls(*range(first, first + len(cls.__struct_fields__)))


class Services(msgspec.Struct, frozen=True):
    """Builds the processes of one installation."""

    host: str
    ports: Ports
    credentials: Credentials
    owner_url: str
    database_url: str
    redis_url: str
    environ: Mapping[str, str]
    lock: int
    metrics_port: int | None = None
    """Where Prometheus finds the edge; the three after it are those of inquiry service, AI service and worker."""

    def all(self) -> list[Process]:
        """Return the processes in the order in which they lean on each other.

        The model takes longest to load and so does the way over `migrate` to the inquiry service: those two begin, and
        what loads faster leaves them the processors until then.
        """
        return [
            self._process("migrate", ("inquiry_service", "migrate"), self._migrate(), after=("postgres",), once=True),
            self._process("inquiry", ("inquiry_service",), self._inquiry(), after=("migrate", "valkey")),
            self._process("ai", ("ai_service",), self._ai()),
            self._process("worker", ("worker",), self._worker(), after=("migrate", "valkey")),
            self._process("edge", ("edge_api",), self._edge(), after=("migrate",)),
        ]

    def one_shot(self, arguments: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, str]]:
        """Return the command line and the environment of a command of the inquiry service."""
        process = self._process("inquiry", ("inquiry_service", *arguments), self._database())
        return process.command, dict(process.environment)

    def _migrate(self) -> dict[str, str]:
        return {"POK_MIGRATION_DATABASE_URL": self.owner_url, **self._database()}

    def _database(self) -> dict[str, str]:
        return {"POK_DATABASE_URL": self.database_url}

    def _inquiry(self) -> dict[str, str]:
        secrets = self.credentials
        return {
            "POK_DATABASE_URL": self.database_url,
            "POK_REDIS_URL": self.redis_url,
            "POK_INQUIRY_LISTEN": f"127.0.0.1:{self.ports.inquiry}",
            "POK_AI_ADDRESS": f"127.0.0.1:{self.ports.ai}",
            "POK_SERVICE_TOKEN": secrets.inquiry_token,
            "POK_SERVICE_TOKENS": ",".join(
                (
                    *(f"edge:{secrets.edge_token}", f"worker:{secrets.worker_token}"),
                    *(f"ai:{secrets.ai_token}", f"debug:{secrets.debug_key}"),
                )
            ),
            "POK_TRACKING_KEY": secrets.tracking_key,
        }

    def _ai(self) -> dict[str, str]:
        secrets = self.credentials
        return {
            "POK_AI_LISTEN": f"127.0.0.1:{self.ports.ai}",
            "POK_INQUIRY_ADDRESS": f"127.0.0.1:{self.ports.inquiry}",
            "POK_SERVICE_TOKEN": secrets.ai_token,
            "POK_SERVICE_TOKENS": ",".join(
                (
                    *(f"inquiry:{secrets.inquiry_token}", f"worker:{secrets.worker_token}"),
                    f"debug:{secrets.debug_key}",
                )
            ),
        }

    def _worker(self) -> dict[str, str]:
        return {
            "POK_REDIS_URL": self.redis_url,
            "POK_INQUIRY_ADDRESS": f"127.0.0.1:{self.ports.inquiry}",
            "POK_AI_ADDRESS": f"127.0.0.1:{self.ports.ai}",
            "POK_SERVICE_TOKEN": self.credentials.worker_token,
            "POK_WORKER_NAME": "worker-1",
        }

    def _edge(self) -> dict[str, str]:
        return {
            "POK_HOST": self.host,
            "POK_PORT": str(self.ports.edge),
            "POK_REDIS_URL": self.redis_url,
            "POK_INQUIRY_ADDRESS": f"127.0.0.1:{self.ports.inquiry}",
            "POK_SERVICE_TOKEN": self.credentials.edge_token,
            "POK_JWT_KEYS": f"1:{self.credentials.jwt_key}",
        }

    def _process(
        self,
        name: str,
        arguments: tuple[str, ...],
        environment: dict[str, str],
        after: tuple[str, ...] = (),
        once: bool = False,
    ) -> Process:
        options = [option for plain in OPTIONS.get(name, ()) for option in (plain, f"{plain}_FILE")]
        inherited = {key: self.environ[key] for key in (*PASSED_ON, *options) if key in self.environ}
        inherited |= {key: value for key, value in self.environ.items() if key.startswith("OTEL_")}
        if name in MEASURED and self.metrics_port:
            inherited["POK_METRICS_LISTEN"] = f"127.0.0.1:{self.metrics_port + MEASURED.index(name)}"
        return Process(
            name=name,
            command=(
                sys.executable,
                "-P",
                "-m",
                *arguments,
            ),  # -P: the installed POK, whatever the working folder holds
            environment={**inherited, **environment},
            after=after,
            once=once,
            niceness=PATIENCE if name in PATIENT else 0,
            keep_open=(self.lock,),
        )
