"""What one AI run made of an inquiry, and what of it the inquiry takes over."""

from typing import Any

import msgspec

from inquiry_service.storage.records import CategoryScore, HeldJob, Usage

MOST_ALTERNATIVES = 4
FIELDS = (
    *("triage_state", "category", "suggested_category", "category_confidence", "sentiment", "sentiment_score"),
    *("priority", "priority_reason", "language"),
)
"""What the event of a result tells, before and after."""


class Analysis(msgspec.Struct, frozen=True, kw_only=True):
    """What one AI run made of an inquiry. `record` is the whole decision record, kept as it is."""

    categories: list[CategoryScore]
    sentiment: str
    sentiment_score: float
    priority: str
    priority_reason: str
    language: str
    draft: str
    model: str
    usage: Usage
    embedding: bytes
    encoder_version: str
    record: dict[str, Any]


def within(taxonomy: list[str], analysis: Analysis) -> Analysis | None:
    """Without what is not in the taxonomy; None if nothing is left; pure."""
    # What was switched off while the AI worked is no longer given to anything.
    categories = [score for score in analysis.categories if score.category in taxonomy]
    return msgspec.structs.replace(analysis, categories=categories) if categories else None


def decide(held: HeldJob, analysis: Analysis, threshold: float) -> dict[str, Any]:
    """The inquiry's new triage fields. What a person has set stays; an unsure category is suggested, not set; pure."""
    best, *others = analysis.categories
    human = held.human_versions
    fields: dict[str, Any] = {
        "triage_state": "done",
        "category": held.category,
        "suggested_category": None,
        "category_confidence": held.category_confidence,
        "alternatives": held.alternatives,
        "sentiment": held.sentiment if "sentiment" in human else analysis.sentiment,
        "sentiment_score": held.sentiment_score if "sentiment" in human else analysis.sentiment_score,
        "priority": held.priority if "priority" in human else analysis.priority,
        "priority_reason": held.priority_reason if "priority" in human else analysis.priority_reason,
        "language": analysis.language,
    }
    if "category" in human:
        return fields
    sure = best.confidence >= threshold
    fields |= {
        "triage_state": "done" if sure else "needs_review",
        "category": best.category if sure else None,
        "suggested_category": None if sure else best.category,
        "category_confidence": best.confidence,
        "alternatives": [msgspec.to_builtins(other) for other in others[:MOST_ALTERNATIVES]],
    }
    return fields


def row_of(job: HeldJob, analysis: Analysis, threshold: float) -> dict[str, Any]:
    """What is written of a result: the new fields, its record, and the event that tells of it; pure."""
    fields = decide(job, analysis, threshold)
    before = {name: getattr(job, name) for name in FIELDS}
    event = {
        "claim": job.claim,
        "model": analysis.model,
        "changes": {name: [before[name], fields[name]] for name in FIELDS if before[name] != fields[name]},
        # What statistics count as the machine's choice, also when it is what it was before.
        **({} if "category" in job.human_versions else {"category": _chosen(fields)}),
    }
    return {
        **fields,
        "inquiry_id": job.inquiry_id,
        "claim": job.claim,
        "outcome": "suggested" if fields["triage_state"] == "needs_review" else "applied",
        "record": analysis.record,
        "draft": analysis.draft,
        "encoder_version": analysis.encoder_version,
        "event_body": event,
    }


def _chosen(fields: dict[str, Any]) -> Any:
    return fields["suggested_category"] or fields["category"]
