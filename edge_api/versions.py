"""Versions of things as HTTP tells them: `ETag` and `If-Match`."""

import re

from litestar.datastructures import ResponseHeader
from litestar.params import Parameter, ParameterKwarg

from runtime.rpc.errors import InvalidArgument

ETAG = ResponseHeader(name="ETag", documentation_only=True, description="The version, for `If-Match`; staff only.")

_ENTITY_TAG = re.compile(r'"([1-9]\d{0,17})"')


def if_match(refusal: str) -> ParameterKwarg:
    """The header that a change may carry, with the sentence on when it is refused."""
    parameter: ParameterKwarg = Parameter(
        header="If-Match",
        required=False,
        description=f"The ETag that was read. {refusal}; without it the last writer wins. `*` stands for any version.",
        schema_extra={"pattern": r'^("[1-9][0-9]{0,17}"|\*)$', "examples": ['"3"']},
    )
    return parameter


def if_version(header: str | None) -> int:
    """The version that `If-Match` names; 0 for any. Raises InvalidArgument."""
    if header is None or header == "*":
        return 0
    match = _ENTITY_TAG.fullmatch(header)
    if match is None:
        raise InvalidArgument.field("If-Match", 'If-Match takes one ETag as it was answered, such as "3".')
    return int(match[1])


def entity_tag(version: int) -> dict[str, str]:
    """The header that names the version."""
    return {"ETag": f'"{version}"'}
