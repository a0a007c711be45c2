"""Which service may call which method of the inquiry service: the table, and nothing else."""

import pytest

from runtime.rpc import access
from runtime.settings import Key, Secret
from tests.support.callers import callers_of, methods_of, refusal, shown
from tests.support.inquiry import Service, inquiry_service
from tests.support.tokens import TOKENS

SERVICES = {path.split("/")[1] for path in access.CALLERS} - {"pok.ai.v1.AnalysisService"}
METHODS = methods_of(*sorted(SERVICES))


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


async def test_what_it_serves_is_shown_to_developers_only(service: Service, database_url: str, redis_url: str) -> None:
    assert await shown(f"127.0.0.1:{service.port}") >= SERVICES
    drawn = Key("9f2c4e71b0d85a36c7e1f40b92d3a8650f7b1c2e")
    async with inquiry_service(database_url, redis_url, env="production", tracking_key=drawn) as in_production:
        assert await shown(f"127.0.0.1:{in_production.port}") == set()
