"""What a process shows Prometheus."""

import re

import httpx
from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def scrape(address: str) -> Samples:
    """Every sample at host:port, by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(await _text(address))
        for sample in family.samples
    }


async def names(address: str) -> set[str]:
    """What host:port has metrics of, also without any sample so far."""
    return set(re.findall(r"^# TYPE (\w+)", await _text(address), re.MULTILINE))


async def _text(address: str) -> str:
    async with httpx.AsyncClient(timeout=10) as client:
        return (await client.get(f"http://{address}/metrics")).raise_for_status().text


def value(samples: Samples, name: str, **labels: str) -> float:
    """The sum of the samples of this name that have these labels."""
    wanted = labels.items()
    return sum(value for (found, held), value in samples.items() if found == name and wanted <= dict(held).items())
