"""`make eval DATA=… PROVIDER=…` measures who answers on anybody's own texts, and nobody in their place."""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.openai_stub import OpenAIStub, answering, failing, in_turn

PATIENCE = 60.0
Rows = Sequence[dict[str, str]]
ROWS: Rows = (
    {"text": "I was charged twice", "category": "billing_payment", "lang": "en", "sentiment": "negative"},
    {"text": "Where is my parcel?", "category": "shipping_delivery", "lang": "en", "sentiment": "neutral"},
    {"text": "Nobody answers me", "category": "complaint_feedback", "also": "general_other", "sentiment": "negative"},
    {"text": "Nobody has labelled this"},
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return labelled(tmp_path, ROWS)


def labelled(folder: Path, rows: Rows) -> Path:
    file = folder / "own.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


async def measured(data: Path, *options: str, **environment: str) -> tuple[int, str, Any]:
    """The exit code, what was said of errors, and the written report."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ai_service.embedded.eval", "--data", str(data), "--out", str(data.parent), *options),
        env={**environment, "PATH": ""},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
    written = data.parent / "eval.json"
    return process.returncode or 0, errors.decode(), json.loads(written.read_text()) if written.exists() else None


async def test_own_texts_are_measured_with_the_embedded_model(data: Path) -> None:
    code, errors, found = await measured(data)
    assert code == 0, errors
    overview = found["Category: embedded on own.jsonl"]
    assert [(group["of"], group["texts"]) for group in overview] == [("all", 3), ("en", 2)]
    assert overview[1]["first choice"] == 1
    assert "embedded on own.jsonl: confusion" in found
    assert [group["texts"] for group in found["Sentiment: embedded on own.jsonl"]] == [3, 2]


@pytest.mark.parametrize("policy", ["embedded", "wait"])
async def test_texts_that_the_provider_did_not_answer_count_for_nobody(
    policy: str, data: Path, openai_stub: OpenAIStub
) -> None:
    openai_stub.behave = in_turn(answering(), failing(401))
    environment = {
        "POK_OPENAI_BASE_URL": openai_stub.base_url,
        "POK_OPENAI_MODEL": "stub",
        "POK_AI_FALLBACK": policy,
    }
    code, errors, found = await measured(data, "--provider", "openai", **environment)
    assert code == 0, errors
    assert found["Left out, since the provider did not answer"] == [{"why": "provider_rejected", "texts": 2}]
    assert found["Category: openai on own.jsonl"][0]["texts"] == 1
    assert found["Category: openai on own.jsonl"][0]["first choice"] == 1


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        (ROWS[3:], [], "has a category"),
        (ROWS, ["--provider", "openai"], "neither its key nor its address is configured"),
    ],
)
async def test_what_cannot_be_measured_is_said(tmp_path: Path, rows: Rows, options: list[str], said: str) -> None:
    code, errors, found = await measured(labelled(tmp_path, rows), *options)
    assert (code, found) == (2, None)
    assert said in errors
    assert "Traceback" not in errors
