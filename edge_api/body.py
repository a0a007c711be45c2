"""Reading what clients send: strictly, and with an answer they can act on."""

import functools
import json
import math
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.exceptions import HTTPException, InternalServerException

from edge_api.backend import Backend
from edge_api.event_stream import Live
from edge_api.login_throttle import LoginThrottle
from edge_api.schemas.fields import requirement
from edge_api.tokens import AccessTokens
from runtime.rpc.context import Principal
from runtime.rpc.errors import FieldViolation, InvalidArgument

MAX_BODY = 256 * 1024
MAX_NAMED = 20
"""As many wrong fields as an answer names."""

VERBATIM = frozenset({"password"})  # every other text loses the white space around it
# Lone surrogates have no UTF-8; of the control characters, text needs tab and line ends.
FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

T = TypeVar("T", bound=msgspec.Struct)


class EdgeRequest(Request[Principal, None, State]):
    """A request whose JSON body is the Struct that its handler asks for, and that knows the services behind."""

    @property
    def backend(self) -> Backend:
        """The inquiry service."""
        backend: Backend = self.app.state.backend
        return backend

    @property
    def tokens(self) -> AccessTokens:
        """What signs access tokens."""
        tokens: AccessTokens = self.app.state.tokens
        return tokens

    @property
    def login_throttle(self) -> LoginThrottle:
        """What makes guessing passwords slow."""
        throttle: LoginThrottle = self.app.state.login_throttle
        return throttle

    @property
    def live(self) -> Live:
        """The live feed."""
        live: Live = self.app.state.live
        return live

    @property
    def token_seconds(self) -> float:
        """How long the access token still holds; for operations that need one."""
        expiry: int = self.scope["state"]["token_expiry"]
        return max(0.0, expiry - time.time())

    async def body(self) -> bytes:
        """The body, which a handler that asks for one gets; raises InvalidArgument when it is empty or breaks off."""
        try:
            body = await super().body()
        except InternalServerException:  # the client has gone, or its framing is broken: no defect of ours
            raise InvalidArgument("The body breaks off before its end.") from None
        if not body:
            raise InvalidArgument("Send a JSON object as the body.")
        return body

    async def json(self) -> Any:
        """The body as the type of the handler's `data`; raises InvalidArgument with every wrong field."""
        if self.content_type[0].lower() != "application/json":
            raise HTTPException(status_code=415)
        model = self.route_handler.parsed_fn_signature.parameters["data"].annotation
        return validated(model, strict_object(await self.body()))

    def query(self, model: type[T]) -> T:
        """The query string as `model`: lists may be repeated or separated by commas, everything else stands once."""
        lists = _list_fields(model)
        values: dict[str, Any] = {}
        for name, value in self.query_params.multi_items():
            text = clean_text(name, value)
            if name in lists:
                values.setdefault(name, []).extend(part.strip() for part in text.split(","))
            elif name in values:
                raise InvalidArgument.field(name[:100], f"{name[:100]} may be given once.")
            else:
                values[name] = text
        return validated(model, values, strict=False)


def sent(change: msgspec.Struct) -> dict[str, Any]:
    """The fields of a change that the client has sent. Raises InvalidArgument for none."""
    values = {name: value for name in change.__struct_fields__ if (value := getattr(change, name)) is not msgspec.UNSET}
    if not values:
        raise InvalidArgument("Name at least one field to change.")
    return values


def validated(model: type[T], values: Mapping[str, Any], *, strict: bool = True) -> T:
    """`values` as `model`; raises InvalidArgument that names every wrong field."""
    try:
        return msgspec.convert(values, model, strict=strict)
    except msgspec.ValidationError:
        violations = list(_violations(model, values, strict=strict))[:MAX_NAMED]
    sentence = "; ".join(f"{field} {description}" for field, description in violations[:3])
    raise InvalidArgument(f"{sentence}.", violations=violations)


def _violations(model: type[T], values: Mapping[str, Any], *, strict: bool) -> Iterator[FieldViolation]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(model)}
    for name in values.keys() - fields.keys():
        yield FieldViolation(name[:100], f"is not known here; known are {', '.join(sorted(fields))}")
    for name, field in fields.items():
        if name in values:
            try:
                msgspec.convert(values[name], field.type, strict=strict)
            except msgspec.ValidationError:
                yield FieldViolation(name, requirement(field.type))
        elif field.required:
            yield FieldViolation(name, "is required")


def strict_object(body: bytes) -> dict[str, Any]:
    """A JSON object whose names are different and whose texts are clean. Raises InvalidArgument."""
    try:
        value = json.loads(
            body.decode(), object_pairs_hook=_clean_object, parse_float=_number, parse_constant=_refuse_constant
        )
    except RecursionError:
        raise InvalidArgument("The body is nested too deeply.") from None
    except ValueError:  # malformed JSON, wrong UTF-8, numbers of thousands of digits
        raise InvalidArgument("The body is not valid JSON in UTF-8.") from None
    if not isinstance(value, dict):
        raise InvalidArgument("The body must be a JSON object.")
    return value


def _clean_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    cleaned = {clean_text("body", name): value if name in VERBATIM else _clean(name, value) for name, value in pairs}
    if len(cleaned) < len(pairs):
        raise InvalidArgument("The body names a field twice.")
    for name in VERBATIM & cleaned.keys():
        _clean(name, cleaned[name])
    return cleaned


def _clean(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(name, value)
    if isinstance(value, list):
        return [_clean(name, item) for item in value]
    return value


def clean_text(name: str, value: str) -> str:
    """The text without the space around it. Raises InvalidArgument for one that is no text."""
    if FORBIDDEN.search(value):
        field = FORBIDDEN.sub("?", name)[:100]
        raise InvalidArgument.field(field, f"{field} contains control characters or broken Unicode.")
    return value.strip()


def _number(written: str) -> int | float:
    number = float(written)
    if not math.isfinite(number):
        raise ValueError(written)
    return int(number) if number.is_integer() else number  # 1.0 is as whole as 1, to JSON Schema as well


def _refuse_constant(constant: str) -> None:
    raise ValueError(constant)  # NaN and Infinity are not JSON


@functools.cache
def _list_fields(model: type[msgspec.Struct]) -> frozenset[str]:
    fields = msgspec.structs.fields(model)
    return frozenset(field.encode_name for field in fields if field.default_factory is list)
