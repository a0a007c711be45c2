"""What a reply may build on beside canned replies: how look-alikes were answered, without what is their customers'."""

import re
from uuid import UUID

from inquiry_service.storage import findings, search
from inquiry_service.storage.database import Database
from inquiry_service.storage.records import SimilarRecord

MOST_ANSWERS = 3
LOOKED_AT = 10
"""Look-alikes among which answered ones are looked for."""

LONGEST = 5_000
CUSTOMER_NAME = "{{customer_name}}"
LEFT_OUT = "[…]"

_ADDRESS = re.compile(r"\S+@\S+\w")
_WORD = re.compile(r"(?:\+?\d[\d\s()/.-]{5,}|[\w+](?:[\w\-+()/.]*))(?<=\w)")
MOST_DIGITS = 3
"""In one word; with more of them it is somebody's number."""

_PART = re.compile(r"[^\W\d_]{2,}")


async def answers(database: Database, inquiry_id: UUID) -> list[dict[str, str]]:
    """How up to three resolved look-alikes were answered, the closest first; none before the inquiry is embedded."""
    async with database.transaction() as connection:
        embedding, encoder_version = await findings.embedding_of(connection, inquiry_id) or (None, None)
        if embedding is None or encoder_version is None:
            return []
        await search.careful(connection)
        found = await findings.similar(connection, inquiry_id, embedding, encoder_version, LOOKED_AT)
    return [_source(one) for one in found if 0 < len(one.reply) <= LONGEST][:MOST_ANSWERS]


def impersonal(text: str, name: str) -> str:
    """A text to a customer without their name, addresses and numbers; pure."""
    parts = sorted({part for part in _PART.findall(name) if len(part) > 2}, key=len, reverse=True)
    if parts:
        anyone = "|".join(map(re.escape, parts))
        named = re.compile(rf"(?<!\w)(?:{anyone})(?:\s+(?:{anyone}))*(?!\w)", re.IGNORECASE)
        text = named.sub(CUSTOMER_NAME, text)
    return _WORD.sub(_without_number, _ADDRESS.sub(LEFT_OUT, text))


def _without_number(word: re.Match[str]) -> str:
    return LEFT_OUT if sum(map(str.isdigit, word[0])) > MOST_DIGITS else word[0]


def _source(found: SimilarRecord) -> dict[str, str]:
    inquiry = found.inquiry
    return {
        "id": f"reply:{inquiry.id}",
        "title": impersonal(inquiry.subject, inquiry.customer_name),
        "text": impersonal(found.reply, inquiry.customer_name),
        "category": inquiry.category or "",
        "language": inquiry.language or "",
    }
