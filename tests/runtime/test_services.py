"""Each service under `pok up` gets every setting that it reads: from `pok up` itself, or from its user."""

import msgspec
import pytest

from ai_service.settings import AiSettings
from edge_api.settings import Settings as EdgeSettings
from inquiry_service.settings import InquirySettings
from runtime.settings import ProcessSettings
from runtime.stack.credentials import Credentials
from runtime.stack.services import Ports, Services
from worker.settings import WorkerSettings


@pytest.mark.parametrize(
    ("name", "settings"),
    [("inquiry", InquirySettings), ("ai", AiSettings), ("worker", WorkerSettings), ("edge", EdgeSettings)],
)
def test_every_setting_reaches_its_service(name: str, settings: type[ProcessSettings]) -> None:
    read = {f"POK_{field.name.upper()}" for field in msgspec.structs.fields(settings)}
    services = Services(
        host="127.0.0.1",
        ports=Ports.after(8000),
        credentials=Credentials(),
        owner_url="postgresql://owner",
        database_url="postgresql://example",
        redis_url="redis://example",
        environ=dict.fromkeys(read, "set by the user"),
        lock=0,
        metrics_port=9100,
    )
    [process] = [process for process in services.all() if process.name == name]
    assert read - process.environment.keys() == set()
