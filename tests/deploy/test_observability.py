"""What is drawn and alerted on is what processes show."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
SOURCES = (
    *("runtime/metrics.py", "edge_api/metrics.py", "inquiry_service/metrics.py", "inquiry_service/counters.py"),
    *("ai_service/metrics.py", "worker/metrics.py"),
)
PARTS = re.compile(r"_(bucket|sum|count)$")
OF_THE_LIBRARY = {
    *("process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds"),
    *("process_virtual_memory_bytes", "process_start_time_seconds", "up"),
}


def shown() -> set[str]:
    """Every name of a metric in the code."""
    return {name for source in SOURCES for name in re.findall(r'"(pok_\w+)"', (ROOT / source).read_text())}


def expressions() -> Iterator[str]:
    """Every query of the dashboard and the rules."""
    dashboard: dict[str, Any] = json.loads((DEPLOY / "grafana/pok.json").read_text())
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel.get("targets", []))
    for group in yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"]:
        yield from (rule["expr"] for rule in group["rules"])


def asked_by(query: str) -> list[str]:
    """The names of the metrics in it."""
    return re.findall(r"\b((?:pok|process)_\w+|up(?=\{))", query)


def test_dashboard_and_rules_ask_for_metrics_that_exist() -> None:
    asked = {name for query in expressions() for name in asked_by(query)}
    assert {PARTS.sub("", name) for name in asked} - shown() == asked & OF_THE_LIBRARY


def test_every_metric_is_drawn_or_alerted_on() -> None:
    asked = {PARTS.sub("", name) for query in expressions() for name in re.findall(r"\bpok_\w+", query)}
    assert shown() - asked == {"pok_rpc_called_total", "pok_rpc_called_seconds"}


def test_rules_say_what_to_do() -> None:
    for group in yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
            assert rule["annotations"].keys() == {"summary", "action"}, rule["alert"]


def test_panels_stand_side_by_side_and_not_upon_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads((DEPLOY / "grafana/pok.json").read_text())["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


@pytest.mark.parametrize("file", sorted(path.relative_to(DEPLOY).as_posix() for path in DEPLOY.rglob("*.yml")))
def test_configuration_can_be_read(file: str) -> None:
    assert all(yaml.safe_load_all((DEPLOY / file).read_text()))
