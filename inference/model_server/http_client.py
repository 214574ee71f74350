"""HTTP to the model servers of one kind: affinity, retries, time-outs, one kind of error."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from chassis.tracing.tracer import SpanScope, current_scope
from inference.model_server.affinity import session_token
from inference.model_server.counters import ModelServerCounters, Outcome, ServerKind
from inference.model_server.model_server_error import ModelServerError
from inference.model_server.request_spans import TRACEPARENT, RequestSpans
from inference.model_server.retry import retry_after_s
from inference.model_server.server_pool import Attempts, ServerPool

logger = logging.getLogger(__name__)

MAX_DETAIL_BYTES = 4096
"""So much of an error's body is read."""
BROKEN_MESSAGES = {
    Outcome.UNREACHABLE: "could not be reached",
    Outcome.BROKEN_OFF: "broke off",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAccess:
    """Where the servers of one kind are, and how to ask them."""

    urls: tuple[str, ...]
    """Base URLs of equal servers, such as http://10.0.0.7:8000/v1."""
    api_key: str | None = None
    connect_timeout_s: float = 2.0
    session_header: str | None = None
    """Request header that carries the call's token, for proxies that keep a call on a server."""


@dataclass(slots=True)
class ServerAnswer:
    """A response with status 200 whose body is unread."""

    response: aiohttp.ClientResponse
    deadline: float
    """On the event loop's clock: until then the first useful part must have come."""
    useful: bool = False
    """Set it with the first useful part: from then on, hanging up says nothing bad of the
    server."""


class ModelServerClient:
    """The connections to all servers of one kind, shared by all sessions."""

    def __init__(
        self, kind: ServerKind, access: ServerAccess, counters: ModelServerCounters
    ) -> None:
        self.pool = ServerPool(
            kind, access.urls, counters, random=random.random, tell=logger.warning
        )
        self._access = access
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def post(
        self,
        session_key: str,
        path: str,
        budget_s: float,
        body: Callable[[], Mapping[str, Any]],
        scope: SpanScope | None = None,
    ) -> AsyncIterator[ServerAnswer]:
        """Ask the call's server; leaving the block early hangs up at once.

        `path` goes behind the base URL; `body` gives aiohttp's arguments for the body, anew for
        each try; `budget_s`: the first useful part of the answer must come within it; `scope`:
        what its spans are below, by default what the task works for. Raises ModelServerError,
        also for what goes wrong with the body within the block.
        """
        attempts = self.pool.attempts(session_key, asyncio.get_running_loop().time(), budget_s)
        tries = RequestSpans(scope or current_scope.get(), path)
        with tries.ended():
            response = await self._first_answer(attempts, tries, session_key, path, body)
            tries.answered(response.status)
            answer = ServerAnswer(response, attempts.deadline)
            with (
                closing(response),
                reported(attempts, answer),
                translated_errors(Outcome.BROKEN_OFF),
            ):
                yield answer

    def headers(self, session_key: str) -> dict[str, str]:
        """What every request of a call carries."""
        access = self._access
        headers = {"Accept-Encoding": "identity"}
        if traceparent := current_scope.get().traceparent:
            headers[TRACEPARENT] = traceparent
        if access.api_key is not None:
            headers["Authorization"] = f"Bearer {access.api_key}"
        if access.session_header is not None:
            headers[access.session_header] = session_token(session_key)
        return headers

    def session(self) -> aiohttp.ClientSession:
        """Made at first use, as it needs a running loop."""
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=self._access.connect_timeout_s)
            connector = aiohttp.TCPConnector(limit=0)
            self._session = aiohttp.ClientSession(
                timeout=timeout, connector=connector, trust_env=True
            )
        return self._session

    async def _first_answer(
        self,
        attempts: Attempts,
        tries: RequestSpans,
        session_key: str,
        path: str,
        body: Callable[[], Mapping[str, Any]],
    ) -> aiohttp.ClientResponse:
        loop = asyncio.get_running_loop()
        while True:
            url = attempts.begin(loop.time())
            headers = self.headers(session_key) | tries.begin(url)
            try:
                with translated_errors(Outcome.UNREACHABLE):
                    async with asyncio.timeout_at(attempts.deadline):
                        return await self._ask(url + path, headers, body())
            except ModelServerError as error:
                tries.failed(error)
                pause_s = attempts.failed(error, loop.time())
                if pause_s is None:
                    raise
            except BaseException:
                attempts.abandoned()
                raise
            await asyncio.sleep(pause_s)

    async def _ask(
        self, url: str, headers: Mapping[str, str], body: Mapping[str, Any]
    ) -> aiohttp.ClientResponse:
        """A response with status 200. Raises ModelServerError for any other."""
        response = await self.session().post(url, headers=headers, allow_redirects=False, **body)
        if response.status == 200:
            return response
        with closing(response):
            raise await refusal(response)


@contextmanager
def reported(attempts: Attempts, answer: ServerAnswer) -> Iterator[None]:
    """Tell `attempts` how the block ended."""
    try:
        yield
    except ModelServerError as error:
        attempts.failed(error, asyncio.get_running_loop().time())
        raise
    except BaseException:
        if answer.useful:
            attempts.succeeded()
        else:
            attempts.abandoned()
        raise
    attempts.succeeded()


@contextmanager
def translated_errors(broken: Outcome) -> Iterator[None]:
    """Raise what aiohttp and time-outs raise as ModelServerError.

    `broken`: what a connection that breaks means here.
    """
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise ModelServerError(Outcome.UNREACHABLE, "could not be reached") from error
    except TimeoutError as error:
        raise ModelServerError(Outcome.TIMED_OUT, "did not answer in time") from error
    except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, ConnectionError) as error:
        raise ModelServerError(broken, BROKEN_MESSAGES[broken]) from error
    except aiohttp.ClientError as error:
        raise ModelServerError(Outcome.GARBLED, "sent what is no answer") from error


async def refusal(response: aiohttp.ClientResponse) -> ModelServerError:
    """What a response with a status other than 200 means."""
    detail = await response.content.read(MAX_DETAIL_BYTES)
    return refused(response.status, response.headers, detail.decode("utf-8", "replace"))


def refused(
    status: int, headers: Mapping[str, str] | None = None, detail: str = ""
) -> ModelServerError:
    """What a status means that is not the one of success."""
    outcome = Outcome.REFUSED
    if status in (429, 503):
        outcome = Outcome.OVERLOADED
    elif status >= 500:
        outcome = Outcome.FAILED
    retry_after = retry_after_s((headers or {}).get("Retry-After"))
    return ModelServerError(
        outcome,
        f"answered {status}",
        retry_after_s=retry_after,
        detail=detail,
        status=status,
    )
