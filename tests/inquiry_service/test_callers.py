"""Which service may call which method of the inquiry service: the table, and nothing else."""

import pytest

from runtime.rpc import access
from runtime.settings import Secret
from tests.support.callers import callers_of, methods_of, refusal
from tests.support.inquiry import Service
from tests.support.tokens import TOKENS

METHODS = methods_of(
    "pok.inquiry.v1.InquiryService",
    "pok.inquiry.v1.ConversationService",
    "pok.inquiry.v1.TrackingService",
    "pok.inquiry.v1.TriageService",
    "pok.inquiry.v1.KnowledgeService",
    "pok.inquiry.v1.LiveService",
    "pok.inquiry.v1.CatalogService",
    "pok.inquiry.v1.AuditService",
    "pok.inquiry.v1.SettingsService",
    "pok.account.v1.AccountService",
)


async def test_each_method_lets_in_exactly_the_services_of_the_table(service: Service) -> None:
    let_in = {path: await callers_of(f"127.0.0.1:{service.port}", path, method) for path, method in METHODS.items()}
    assert let_in == {path: access.CALLERS[path] for path in METHODS}


@pytest.mark.parametrize("token", ["", "x" * 32, "debug.99999999999.00"])
async def test_no_method_lets_in_who_cannot_prove_who_they_are(service: Service, token: str) -> None:
    address = f"127.0.0.1:{service.port}"
    for path, method in METHODS.items():
        assert await refusal(address, path, method, Secret(token)) == "BAD_SERVICE_TOKEN", path


async def test_the_worker_reaches_no_account_and_the_edge_completes_no_triage(service: Service) -> None:
    address = f"127.0.0.1:{service.port}"
    for path, method in METHODS.items():
        if "AccountService" in path:
            assert await refusal(address, path, method, TOKENS["worker"]) == "METHOD_NOT_ALLOWED", path
        if "TriageService" in path:
            assert await refusal(address, path, method, TOKENS["edge"]) == "METHOD_NOT_ALLOWED", path
