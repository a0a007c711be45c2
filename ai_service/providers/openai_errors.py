"""What the OpenAI client raises, as a Failure with a stable reason."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import aiohttp
import httpx2
import openai

from ai_service.providers.failure import Failure, bad_answer

LONGEST_RETRY_DELAY = 3600.0


@contextmanager
def failures() -> Iterator[None]:
    """Turns what the client raises into Failure."""
    try:
        yield
    except (TimeoutError, openai.APITimeoutError, httpx2.TimeoutException) as error:
        if _is_no_connection(error):
            raise Failure("The provider cannot be reached.", reason="PROVIDER_UNREACHABLE") from None
        raise Failure("The provider did not answer in time.", reason="PROVIDER_TIMEOUT") from None
    except openai.APIStatusError as error:
        raise _from_status(error.status_code, error.response.headers.get("retry-after", "")) from None
    except (openai.APIConnectionError, httpx2.TransportError):  # of a body that breaks off, the client tells as it is
        raise Failure("The provider cannot be reached.", reason="PROVIDER_UNREACHABLE") from None
    except openai.APIError:  # what a stream says instead of going on
        raise Failure("The provider failed.", reason="PROVIDER_FAILED") from None
    except ValueError:  # a piece of a stream that is no JSON
        raise bad_answer("no_completion") from None


def _is_no_connection(error: BaseException | None) -> bool:
    """Whether there is or was none: what aiohttp says of that, the client takes for a timeout as well."""
    if error is None:
        return False
    lost = isinstance(error, aiohttp.ClientConnectionError) and not isinstance(error, TimeoutError)
    return lost or _is_no_connection(error.__cause__)


def _from_status(status: int, retry_after: str) -> Failure:
    delay = _retry_after(retry_after)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Failure("The provider limits our rate.", reason="PROVIDER_RATE_LIMITED", retry_delay=delay)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Failure("The provider failed.", reason="PROVIDER_FAILED", retry_delay=delay)
    return Failure(
        f"The provider rejects our requests with status {status}; check its key, address and model.",
        reason="PROVIDER_REJECTED",
    )


def _retry_after(value: str) -> float | None:
    """Seconds, at most an hour, from a number of seconds or an HTTP date; None where absent or unreadable."""
    if value.strip().isdecimal():
        seconds = float(value)
    else:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return None
    return min(max(0.0, seconds), LONGEST_RETRY_DELAY)
