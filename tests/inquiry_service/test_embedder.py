"""What was never analysed, or by an older encoder, is embedded in the background."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest

from inquiry_service.embedder import BATCH, Embedder
from inquiry_service.storage.database import Database
from inquiry_service.storage.records import Embedded
from runtime.rpc import errors
from tests.support.embeddings import embedding
from tests.support.inquiry import Service
from tests.support.projections import projected

NOW = timedelta(minutes=-1)


class Encoder:
    """Embeds whatever it is asked for; `failure` is raised instead."""

    def __init__(self) -> None:
        self.version = "first"
        self.failure: errors.RpcError | None = None
        self.texts: list[str] = []

    async def __call__(self, texts: Sequence[str], *, timeout: float) -> Embedded:
        if self.failure:
            raise self.failure
        self.texts += filter(None, texts)
        return Embedded([embedding(1, 2) for _ in texts], self.version)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, 2)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def encoder() -> Encoder:
    return Encoder()


@pytest.fixture
async def embedder(service: Service, database: Database, encoder: Encoder) -> Embedder:
    return Embedder(database, encoder)


async def versions(service: Service) -> list[str]:
    rows = await service.sql(
        """select e.encoder_version from inquiry_embedding e
        join inquiry_meaning m using (inquiry_id, encoder_version) where bits is not null"""
    )
    return [row["encoder_version"] for row in rows]


async def test_inquiries_without_embedding_get_one_batch_by_batch(
    service: Service, embedder: Embedder, encoder: Encoder
) -> None:
    for number in range(BATCH + 3):
        await service.create(subject=f"S{number}", message="M")
    await projected(service, "search")
    assert [await embedder.advance(NOW) for _ in range(3)] == [BATCH, 3, 0]
    assert await versions(service) == ["first"] * (BATCH + 3)
    assert set(encoder.texts) == {f"S{number}\nM" for number in range(BATCH + 3)}


async def test_what_just_came_is_left_to_its_analysis(service: Service, embedder: Embedder) -> None:
    await service.create()
    await projected(service, "search")
    assert await embedder.advance() == 0


async def test_new_encoder_embeds_everything_again(service: Service, embedder: Embedder, encoder: Encoder) -> None:
    for name in ("first", "third"):
        inquiry_id = (await service.create()).inquiry.id
        await service.complete(await service.must_claim(inquiry_id), encoder_version=name)
    await projected(service, "search")
    encoder.version = "second"
    assert await embedder.advance() == 2
    assert await versions(service) == ["second"] * 2
    assert await embedder.advance() == 0


async def test_analysis_that_came_first_is_not_overwritten(
    service: Service, embedder: Embedder, encoder: Encoder
) -> None:
    inquiry_id = (await service.create()).inquiry.id
    await projected(service, "search")
    await service.complete(await service.must_claim(inquiry_id), encoder_version="first", embedding=embedding(5, 1))
    await embedder.advance(NOW)
    (row,) = await service.sql("select embedding::text from inquiry_embedding")
    await service.sql("update inquiry_meaning set encoder_version = null, bits = null")
    await embedder.advance(NOW)
    assert await service.sql("select embedding::text from inquiry_embedding") == [row]


async def test_erased_inquiry_gets_no_embedding(service: Service, embedder: Embedder) -> None:
    inquiry_id = (await service.create()).inquiry.id
    await projected(service, "search")
    await service.sql("delete from inquiry where id = $1", inquiry_id)
    await embedder.advance(NOW)
    assert await service.sql("select from inquiry_embedding") == []


async def test_only_start_and_end_of_a_long_text_are_sent(
    service: Service, embedder: Embedder, encoder: Encoder
) -> None:
    await service.create(subject="S", message="a" * 10_000 + "b" * 10_000)
    await projected(service, "search")
    await embedder.advance(NOW)
    (text,) = encoder.texts
    assert (text.count("a"), text.count("b")) == (3998, 1000)


async def test_absent_ai_service_leaves_everything_for_later(
    service: Service, embedder: Embedder, encoder: Encoder
) -> None:
    await service.create()
    await projected(service, "search")
    encoder.failure = errors.Unavailable("Away.", reason="UNREACHABLE")
    with pytest.raises(errors.Unavailable):
        await embedder.advance(NOW)
    encoder.failure = None
    assert await embedder.advance(NOW) == 1
