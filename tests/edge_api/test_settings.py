"""In production the edge starts only with settings that are fit for it."""

import pytest

from edge_api.settings import Settings
from runtime.settings import SettingsError, load
from tests.edge_api.test_process import refused

DRAWN = "9f2c4e71b0d85a36c7e1f40b92d3a8650f7b1c2e"
FIT = {
    "POK_ENV": "production",
    "POK_INQUIRY_ADDRESS": "inquiry:8001",
    "POK_REDIS_URL": "redis://valkey:6379/0",
    "POK_SERVICE_TOKEN": DRAWN,
    "POK_JWT_KEYS": f"1:{DRAWN}",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POK_RATE_LIMITS", "off"),
        ("POK_CORS_ORIGINS", "*"),
        ("POK_CORS_ORIGINS", "https://shop.example,*"),
        ("POK_JWT_KEYS", "1:" + "n" * 32),
        ("POK_JWT_KEYS", f"1:{DRAWN},2:change-me-change-me-change-me-12"),
        ("POK_SERVICE_TOKEN", "edge-token-example-edge-token-example"),
    ],
)
def test_production_refuses_what_is_fine_for_development_only(name: str, value: str) -> None:
    load(Settings, FIT)
    load(Settings, {**FIT, "POK_ENV": "development", name: value})
    with pytest.raises(SettingsError, match=name):
        load(Settings, {**FIT, name: value})


def test_production_names_everything_that_is_unfit_at_once() -> None:
    complaint = refused(**{**FIT, "POK_RATE_LIMITS": "off", "POK_CORS_ORIGINS": "*", "POK_SERVICE_TOKEN": "x" * 32})
    for name in ("POK_RATE_LIMITS", "POK_CORS_ORIGINS", "POK_SERVICE_TOKEN"):
        assert name in complaint


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POK_SERVICE_TOKEN", DRAWN[:31]),
        ("POK_CORS_ORIGINS", "shop.example"),
        ("POK_CORS_ORIGINS", "https://shop.example/"),
        ("POK_TRUSTED_PROXIES", "everyone"),
        ("POK_PUBLIC_URL", "help.example.org"),
        ("POK_RATE_LOGIN", "many"),
    ],
)
def test_malformed_setting_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load(Settings, {**FIT, name: value})
