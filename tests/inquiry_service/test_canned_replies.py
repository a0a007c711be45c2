"""Canned replies: staff read them, admins write them, and their variables are those that can be filled in."""

from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from pok.inquiry.v1 import catalog_pb2 as pb

from inquiry_service.domain import text
from inquiry_service.domain.canned_replies import MOST
from runtime.rpc import context, errors
from tests.support.inquiry import Service, act_as

SOMEBODY = "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f"
BODY = "Hola, {{customer_name}}: sobre {{ subject }} ({{reference}}). {{agent_name}}"


@pytest.fixture(autouse=True)
def admin(service: Service) -> None:
    act_as("admin", SOMEBODY)


async def create(service: Service, **fields: Any) -> pb.CannedReply:
    reply = pb.CannedReply(**{"title": "Saludo", "body": BODY, "language": "es", **fields})
    return (await service.catalog.CreateCannedReply(pb.CreateCannedReplyRequest(canned_reply=reply))).canned_reply


async def update(service: Service, id_: str, if_version: int = 0, **fields: Any) -> pb.CannedReply:
    request = pb.UpdateCannedReplyRequest(
        canned_reply=pb.CannedReply(id=id_, **fields),
        update_mask=FieldMask(paths=list(fields)),
        if_version=if_version,
    )
    return (await service.catalog.UpdateCannedReply(request)).canned_reply


async def titles(service: Service, **filters: str) -> list[str]:
    response = await service.catalog.ListCannedReplies(pb.ListCannedRepliesRequest(**filters))
    return [reply.title for reply in response.canned_replies]


async def test_created_reply_is_read_changed_and_removed(service: Service) -> None:
    created = await create(service, category="billing_payment")
    changed = await update(service, created.id, title="Bienvenida", category="")
    assert (changed.title, changed.category, changed.body) == ("Bienvenida", "", BODY)
    request = pb.GetCannedReplyRequest(id=created.id)
    assert (await service.catalog.GetCannedReply(request)).canned_reply == changed
    await service.catalog.DeleteCannedReply(pb.DeleteCannedReplyRequest(id=created.id))
    with pytest.raises(errors.NotFound):
        await service.catalog.GetCannedReply(request)


async def test_change_of_what_another_admin_has_changed_is_refused(service: Service) -> None:
    created = await create(service)
    theirs = await update(service, created.id, created.version, body="Hola.")
    with pytest.raises(errors.FailedPrecondition) as caught:
        await update(service, created.id, created.version, title="Bienvenida")
    assert caught.value.reason == "VERSION_MISMATCH"
    assert (await update(service, created.id, theirs.version, title="Bienvenida")).body == "Hola."


async def test_replies_are_found_by_language_and_category_with_those_for_any(service: Service) -> None:
    await create(service, title="b", category="billing_payment")
    await create(service, title="a")
    await create(service, title="c", category="returns_refunds")
    await create(service, title="d", language="en")
    assert await titles(service) == ["d", "a", "b", "c"]
    assert await titles(service, language="ES") == ["a", "b", "c"]
    assert await titles(service, language="es", category="billing_payment") == ["a", "b"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", " "),
        ("title", "x" * 101),
        ("body", ""),
        ("body", "x" * 10_001),
        ("body", "Hola {{name}}"),
        ("body", "Hola {{}}"),
        ("body", "Hola {{customer_name\n.__class__}}"),
        ("language", ""),
        ("language", "español"),
        ("language", "x" * 36),
        ("category", "nothing"),
    ],
)
async def test_wrong_field_is_named(service: Service, field: str, value: str) -> None:
    with pytest.raises(errors.InvalidArgument) as refused:
        await create(service, **{field: value})
    assert {violation.field for violation in refused.value.violations} == {field}


@pytest.mark.parametrize(
    ("written", "spelled"), [("ES", "es"), ("pt-br", "pt-BR"), ("zh-hans-cn", "zh-Hans-CN"), ("e", ""), ("es_MX", "")]
)
def test_language_is_spelled_in_one_way(written: str, spelled: str) -> None:
    assert text.language_tag(written) == spelled


async def test_title_is_unique_within_its_language(service: Service) -> None:
    await create(service)
    other = await create(service, language="en")
    with pytest.raises(errors.AlreadyExists):
        await create(service)
    with pytest.raises(errors.AlreadyExists):
        await update(service, other.id, language="es")


async def test_reply_of_a_removed_category_is_for_any(service: Service) -> None:
    created = await create(service, category="billing_payment")
    await service.catalog.DeleteCategory(pb.DeleteCategoryRequest(key="billing_payment"))
    response = await service.catalog.GetCannedReply(pb.GetCannedReplyRequest(id=created.id))
    assert response.canned_reply.category == ""
    assert response.canned_reply.version > created.version


async def test_replies_do_not_grow_for_ever(service: Service) -> None:
    await service.sql(
        "insert into canned_reply (title, body, language) select n, 'x', 'es' from generate_series(1, $1) n", MOST
    )
    with pytest.raises(errors.FailedPrecondition):
        await create(service)


@pytest.mark.parametrize("role", ["anonymous", "user"])
async def test_only_staff_reads_replies(service: Service, role: context.Role) -> None:
    created = await create(service)
    act_as(role, SOMEBODY)
    with pytest.raises(errors.PermissionDenied):
        await titles(service)
    with pytest.raises(errors.PermissionDenied):
        await service.catalog.GetCannedReply(pb.GetCannedReplyRequest(id=created.id))


async def test_support_reads_and_does_not_write(service: Service) -> None:
    created = await create(service)
    act_as("support", SOMEBODY)
    assert await titles(service) == ["Saludo"]
    for change in (
        create(service, title="x"),
        update(service, created.id, title="x"),
        service.catalog.DeleteCannedReply(pb.DeleteCannedReplyRequest(id=created.id)),
    ):
        with pytest.raises(errors.PermissionDenied):
            await change


async def test_changes_stand_in_the_audit_log_without_their_texts(service: Service) -> None:
    created = await create(service)
    await update(service, created.id, title="Bienvenida")
    await service.catalog.DeleteCannedReply(pb.DeleteCannedReplyRequest(id=created.id))
    entries = await service.sql("select action, target, detail from audit order by number")
    assert [entry["action"] for entry in entries] == [f"canned_reply.{verb}" for verb in ("create", "update", "delete")]
    assert {entry["target"] for entry in entries} == {created.id}
    assert "Bienvenida" not in str(entries)
