"""Leases, backoff and order go by the database's clock: no worker can send a time, however wrong its own clock is."""

from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor
from google.protobuf.timestamp_pb2 import Timestamp
from pok.inquiry.v1 import triage_pb2


def fields_of(message: Descriptor, path: str = "", seen: frozenset[str] = frozenset()) -> Iterator[tuple[str, str]]:
    """Every field, at any depth, with the type of its message."""
    for field in message.fields:
        name = f"{path}.{field.name}"
        if field.message_type is not None:
            yield name, field.message_type.full_name
            if field.message_type.full_name not in seen:
                yield from fields_of(field.message_type, name, seen | {field.message_type.full_name})


def test_workers_send_no_times() -> None:
    methods = triage_pb2.DESCRIPTOR.services_by_name["TriageService"].methods
    sent = {(method.name, *field) for method in methods for field in fields_of(method.input_type)}
    assert sent
    assert {field for field in sent if field[-1] == Timestamp.DESCRIPTOR.full_name} == set()
