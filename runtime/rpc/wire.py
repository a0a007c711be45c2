"""Typed errors on the wire: `google.rpc.Status` with ErrorInfo, BadRequest and RetryInfo, and back."""

from typing import cast

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from runtime.rpc import errors


def to_status(error: errors.RpcError, request_id: str) -> status_pb2.Status:
    """The error as a status whose details name its reason, its request and every wrong field."""
    info = error_details_pb2.ErrorInfo(
        reason=error.reason, domain=errors.DOMAIN, metadata={**error.metadata, "request_id": request_id}
    )
    details: list[Message] = [info]
    if error.violations:
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=field, description=description)
            for field, description in error.violations
        ]
        details.append(error_details_pb2.BadRequest(field_violations=violations))
    if error.retry_delay is not None:
        delay = Duration()
        delay.FromMilliseconds(round(error.retry_delay * 1000))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    code: int = grpc.StatusCode[error.code].value[0]
    return status_pb2.Status(code=code, message=error.message, details=[_packed(detail) for detail in details])


def from_call(call: grpc.aio.AioRpcError) -> errors.RpcError:
    """The exception that the server raised; Unreachable or Internal where no server of ours answered."""
    status = rpc_status.from_call(cast("grpc.Call", call))
    if status is None:
        return _without_details(call)
    info, violations, delay = error_details_pb2.ErrorInfo(), [], None
    bad_request, retry = error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    for detail in status.details:
        if detail.Unpack(info):
            continue
        if detail.Unpack(bad_request):
            violations = [
                errors.FieldViolation(violation.field, violation.description)
                for violation in bad_request.field_violations
            ]
        elif detail.Unpack(retry):
            delay = retry.retry_delay.ToTimedelta().total_seconds()
    kind = errors.BY_CODE.get(call.code().name, errors.Internal)
    return kind(
        status.message, reason=info.reason, metadata=dict(info.metadata), violations=violations, retry_delay=delay
    )


def _without_details(call: grpc.aio.AioRpcError) -> errors.RpcError:
    code = call.code()
    # A server that stops drops what has just reached it; calls that we cancel ourselves never come here.
    if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
        return errors.Unreachable("The service cannot be reached.")
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return errors.DeadlineExceeded("The service did not answer in time.")
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return errors.Unimplemented("The service does not know this method.")
    return errors.Internal("The service answered with an unexpected error.", metadata={"grpc_code": code.name})


def _packed(message: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed
