"""Admins edit the taxonomy; every change reaches AI processes, and no inquiry is left with a category that is gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from pok.inquiry.v1 import catalog_pb2 as pb
from pok.inquiry.v1 import inquiry_pb2, knowledge_pb2

from inquiry_service.domain.categories import MOST_CATEGORIES, moved
from runtime.rpc import context, errors
from tests.support.inquiry import Service, act_as

SOMEBODY = "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f"
WITHIN = 5.0


@pytest.fixture(autouse=True)
def admin(service: Service) -> None:
    act_as("admin", SOMEBODY)


async def create(service: Service, key: str = "warranty", **fields: Any) -> knowledge_pb2.Category:
    category = knowledge_pb2.Category(
        **{"key": key, "name_es": "Garantía", "name_en": "Warranty", "description": "Broken in time.", **fields}
    )
    return (await service.catalog.CreateCategory(pb.CreateCategoryRequest(category=category))).category


async def update(service: Service, key: str, if_version: int = 0, **fields: Any) -> knowledge_pb2.Category:
    request = pb.UpdateCategoryRequest(
        category=knowledge_pb2.Category(key=key, **fields),
        update_mask=FieldMask(paths=list(fields)),
        if_version=if_version,
    )
    return (await service.catalog.UpdateCategory(request)).category


async def delete(service: Service, key: str) -> None:
    await service.catalog.DeleteCategory(pb.DeleteCategoryRequest(key=key))


async def listed(service: Service) -> list[knowledge_pb2.Category]:
    return list((await service.catalog.ListCategories(pb.ListCategoriesRequest())).categories)


@asynccontextmanager
async def watched(service: Service) -> AsyncIterator[AsyncIterator[knowledge_pb2.WatchKnowledgeResponse]]:
    """What an AI process receives."""
    stream: Any = service.knowledge.WatchKnowledge(knowledge_pb2.WatchKnowledgeRequest())
    async with asyncio.timeout(4 * WITHIN), aclosing(stream.__aiter__()) as snapshots:
        yield snapshots


async def test_new_category_stands_at_the_end(service: Service) -> None:
    created = await create(service, examples=["¿Tiene garantía?"])
    assert (await listed(service))[-1] == created
    assert (created.position, list(created.examples), created.inactive) == (11, ["¿Tiene garantía?"], False)


async def test_every_change_reaches_ai_processes_under_a_higher_version(service: Service) -> None:
    async with watched(service) as snapshots:
        versions = [(await anext(snapshots)).version]
        for change in (
            create(service),
            update(service, "warranty", name_en="Guarantee"),
            update(service, "warranty", inactive=True),
            delete(service, "warranty"),
        ):
            await change
            async with asyncio.timeout(WITHIN):
                snapshot = await anext(snapshots)
            versions.append(snapshot.version)
            known = {category.key: category.name_en for category in snapshot.categories}
            assert known.get("warranty") == {1: "Warranty", 2: "Guarantee"}.get(len(versions) - 1)
    assert versions == sorted(set(versions))


async def test_process_that_watches_from_a_version_gets_only_what_is_newer(service: Service) -> None:
    async with watched(service) as snapshots:
        first = await anext(snapshots)
    request = knowledge_pb2.WatchKnowledgeRequest(after_version=first.version)
    stream: Any = service.knowledge.WatchKnowledge(request)
    async with asyncio.timeout(4 * WITHIN), aclosing(stream.__aiter__()) as later:
        await create(service)
        assert (await anext(later)).version == first.version + 1


async def test_category_moves_between_the_others(service: Service) -> None:
    before = [category.key for category in await listed(service)]
    await update(service, before[0], position=3)
    after = await listed(service)
    assert [category.key for category in after] == [before[1], before[2], before[0], *before[3:]]
    assert [category.position for category in after] == list(range(1, 11))


@pytest.mark.parametrize(("position", "order"), [(1, "cab"), (2, "acb"), (3, "abc"), (99, "abc")])
def test_position_counts_from_one_and_ends_at_the_end(position: int, order: str) -> None:
    assert "".join(moved(list("abc"), "c", position)) == order


async def test_change_of_what_another_admin_has_changed_is_refused(service: Service) -> None:
    created = await create(service)
    theirs = await update(service, "warranty", created.version, description="Broken within two years.")
    with pytest.raises(errors.FailedPrecondition) as caught:
        await update(service, "warranty", created.version, name_en="Guarantee")
    assert caught.value.reason == "VERSION_MISMATCH"
    assert (await listed(service))[-1] == theirs
    assert (await update(service, "warranty", theirs.version, name_en="Guarantee")).name_en == "Guarantee"
    assert (await update(service, "warranty", name_en="Warranty")).name_en == "Warranty"


async def test_category_that_was_moved_has_another_version(service: Service) -> None:
    before = {category.key: (category.position, category.version) for category in await listed(service)}
    await update(service, "returns_refunds", position=1)
    for category in await listed(service):
        position, version = before[category.key]
        assert (category.version > version) == (category.position != position or category.key == "returns_refunds")


async def test_admins_who_add_at_the_same_time_get_places_of_their_own(service: Service) -> None:
    await asyncio.gather(*(create(service, f"added_{number}") for number in range(8)))
    assert [category.position for category in await listed(service)] == list(range(1, 19))


async def test_inactive_category_is_kept_and_given_to_nothing_new(service: Service) -> None:
    inquiry = (await service.create()).inquiry
    claim = await service.must_claim(inquiry.id)
    await update(service, "billing_payment", inactive=True)
    assert await service.complete(claim, category="billing_payment", confidence=0.99)
    found = await service.get(inquiry.id)
    assert (found.category, found.suggested_category) == ("", "returns_refunds")
    assert "billing_payment" in [category.key for category in await listed(service)]
    with pytest.raises(errors.InvalidArgument):
        await set_category(service, inquiry.id, "billing_payment")


async def set_category(service: Service, inquiry_id: str, key: str) -> None:
    await service.inquiries.UpdateInquiry(
        inquiry_pb2.UpdateInquiryRequest(
            id=inquiry_id, inquiry=inquiry_pb2.Inquiry(category=key), update_mask=FieldMask(paths=["category"])
        )
    )


async def test_category_in_use_is_not_removed(service: Service) -> None:
    inquiry = (await service.create()).inquiry
    await set_category(service, inquiry.id, "billing_payment")
    with pytest.raises(errors.FailedPrecondition) as refused:
        await delete(service, "billing_payment")
    assert refused.value.reason == "CATEGORY_IN_USE"
    assert len(await listed(service)) == 10


async def test_category_that_is_set_while_it_is_removed_is_either_gone_or_kept(service: Service) -> None:
    for number in range(10):
        key = f"short_lived_{number}"
        await create(service, key)
        inquiry = (await service.create()).inquiry
        results = await asyncio.gather(
            set_category(service, inquiry.id, key), delete(service, key), return_exceptions=True
        )
        keys = [category.key for category in await listed(service)]
        assert (await service.get(inquiry.id)).category in {*keys, ""}
        assert [type(result) for result in results] in (
            [type(None), errors.FailedPrecondition],
            [errors.InvalidArgument, type(None)],
        )


async def test_removed_category_leaves_no_gap(service: Service) -> None:
    await delete(service, "billing_payment")
    assert [category.position for category in await listed(service)] == list(range(1, 10))


@pytest.mark.parametrize("removed", [True, False])
async def test_one_active_category_stays(service: Service, removed: bool) -> None:
    *others, last = [category.key for category in await listed(service)]
    for key in others:
        await update(service, key, inactive=True)
    with pytest.raises(errors.FailedPrecondition) as refused:
        await (delete(service, last) if removed else update(service, last, inactive=True))
    assert refused.value.reason == "LAST_CATEGORY"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("key", ""),
        ("key", "Warranty"),
        ("key", "1st"),
        ("key", "a" * 101),
        ("name_es", " "),
        ("name_en", "x" * 101),
        ("description", ""),
        ("description", "x" * 1001),
        ("examples", [""]),
        ("examples", ["x" * 301]),
        ("examples", ["x"] * 21),
    ],
)
async def test_wrong_field_is_named(service: Service, field: str, value: Any) -> None:
    with pytest.raises(errors.InvalidArgument) as refused:
        await create(service, **{field: value})
    assert {violation.field for violation in refused.value.violations} == {field}


async def test_taken_key_is_refused(service: Service) -> None:
    with pytest.raises(errors.AlreadyExists):
        await create(service, "billing_payment")


async def test_taxonomy_does_not_grow_for_ever(service: Service) -> None:
    await service.sql(
        "insert into category select 'c' || n, n, 'a', 'a', 'a' from generate_series(11, $1) n", MOST_CATEGORIES
    )
    with pytest.raises(errors.FailedPrecondition):
        await create(service)


async def test_key_and_names_are_all_that_others_than_staff_get(service: Service) -> None:
    await create(service, examples=["¿Tiene garantía?"])
    for role in ("anonymous", "user"):
        act_as("user" if role == "user" else "anonymous", SOMEBODY)
        for category in await listed(service):
            assert category.name_es and category.name_en
            assert (category.description, list(category.examples)) == ("", [])


@pytest.mark.parametrize("role", ["anonymous", "user", "support"])
async def test_only_admins_change_the_taxonomy(service: Service, role: context.Role) -> None:
    act_as(role, SOMEBODY)
    for change in (
        create(service),
        update(service, "billing_payment", name_es="x"),
        delete(service, "billing_payment"),
    ):
        with pytest.raises(errors.PermissionDenied):
            await change


async def test_unknown_category_is_not_found(service: Service) -> None:
    for key in ("nothing", "\0", ""):
        with pytest.raises(errors.NotFound):
            await service.catalog.GetCategory(pb.GetCategoryRequest(key=key))
    for change in (update(service, "nothing", name_es="x"), delete(service, "nothing")):
        with pytest.raises(errors.NotFound):
            await change


async def test_changes_stand_in_the_audit_log(service: Service) -> None:
    await create(service)
    await update(service, "warranty", name_en="Guarantee", position=1)
    await delete(service, "warranty")
    entries = await service.sql("select action, target, actor_id, detail from audit order by number")
    assert [(entry["action"], entry["target"], str(entry["actor_id"])) for entry in entries] == [
        (f"category.{verb}", "warranty", SOMEBODY) for verb in ("create", "update", "delete")
    ]
    assert entries[1]["detail"] == '{"fields": ["name_en", "position"]}'
