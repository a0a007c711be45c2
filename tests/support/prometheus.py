"""What a process shows Prometheus."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def scrape(address: str) -> Samples:
    """Every sample at host:port, by its name and labels."""
    async with httpx.AsyncClient(timeout=10) as client:
        answer = (await client.get(f"http://{address}/metrics")).raise_for_status()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    """The sum of the samples of this name that have these labels."""
    wanted = labels.items()
    return sum(value for (found, held), value in samples.items() if found == name and wanted <= dict(held).items())
