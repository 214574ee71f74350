"""Has MCP servers asked by a process of its own.

The `mcp` package takes seconds to import, some 50 MiB to keep, and milliseconds to read an
answer. In the process that carries the audio, in whichever thread, all calls would be late by what
that holds the interpreter for. The process begins with the first request, and after it died
with the next.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from antiphon_proto.realtime.mcp import HttpError
from transceiver.mcp.allowed_servers import AllowedServers
from transceiver.mcp.child import McpChild
from transceiver.mcp.counters import McpCounters
from transceiver.mcp.messages import Answered, Ask, Begin, Leave, MessageError
from transceiver.mcp.requests import McpFailed, McpOutcome, McpRequest

logger = logging.getLogger(__name__)

RESTARTS_AFTER_S = 2.0
"""Since its last start: a process that dies at once is not started for every request."""

GRACE_S = 30.0
"""That the process has, beside the server's time, to begin and to answer."""

FORBIDDEN = HttpError(code=403, message="--mcp-servers allows no server.")
LOST = HttpError(code=500, message="The request was lost: ask again.")
TOO_MANY = HttpError(code=503, message="Too many requests to MCP servers are waiting.")
TOO_LONG = HttpError(code=500, message="The server was not asked: the request is too long.")
UNAVAILABLE = HttpError(code=503, message="MCP servers cannot be asked at the moment.")

Deliver = Callable[[McpOutcome], None]


class McpClient:
    """For all conversations of a worker, on the worker's loop: `open` one for each."""

    def __init__(
        self,
        allowed: AllowedServers,
        timeout_s: float,
        counters: McpCounters,
        flush: Callable[[], None],
    ) -> None:
        """`flush` sends what a conversation, told of an outcome, has for its engine."""
        self._allowed = allowed
        self._timeout_s = timeout_s
        self._counters = counters
        self._flush = flush
        self._child: McpChild | None = None
        self._began = float("-inf")
        self._numbers = count(1)
        self._conversations = count(1)
        self._waiting: dict[int, _Waiting] = {}

    @property
    def pid(self) -> int | None:
        """Of the process that asks."""
        return self._child.pid if self._child is not None else None

    def open(self, deliver: Deliver) -> "McpRequests":
        return McpRequests(self, next(self._conversations), deliver)

    def ask(self, asker: "McpRequests", request: McpRequest) -> None:
        """Have it asked; `asker` is told later, whatever comes of it."""
        loop = asyncio.get_running_loop()
        number = next(self._numbers)
        expiry = loop.call_later(self._timeout_s + GRACE_S, self._expire, number)
        self._waiting[number] = _Waiting(asker, request, expiry)
        if error := self._refusal(Ask.of(number, asker.number, request)):
            loop.call_soon(self._fail, number, error)

    def leave(self, asker: "McpRequests") -> None:
        """Its requests need not be answered."""
        for number in [each for each, its in self._waiting.items() if its.asker is asker]:
            self._waiting.pop(number).expiry.cancel()
        if self._child is None or self._child.over:
            return
        try:
            self._child.send(Leave(asker.number))
        except BufferError:
            self._child.kill()

    async def close(self) -> None:
        """Ask nobody any more."""
        for waiting in self._waiting.values():
            waiting.expiry.cancel()
        self._waiting.clear()
        if self._child is not None:
            await self._child.close()

    def _refusal(self, ask: Ask) -> HttpError | None:
        """Why the process is not asked; None when it is."""
        if not self._allowed.any:
            return FORBIDDEN
        try:
            self._running().send(ask)
        except OSError:
            return UNAVAILABLE
        except BufferError:
            return TOO_MANY
        except MessageError:
            return TOO_LONG
        return None

    def _running(self) -> McpChild:
        """Raises OSError."""
        if self._child is None or self._child.over:
            now = asyncio.get_running_loop().time()
            if now - self._began < RESTARTS_AFTER_S:
                raise OSError("it has ended a moment ago")
            self._began = now
            begin = Begin.of(self._allowed, self._timeout_s)
            self._child = McpChild(begin, self._answered, self._lost)
        return self._child

    def _answered(self, answer: Answered) -> None:
        self._hand_over(answer.number, answer.outcome)

    def _fail(self, number: int, error: HttpError) -> None:
        if waiting := self._waiting.get(number):
            self._hand_over(number, McpFailed(waiting.request.item_id, error))

    def _expire(self, number: int) -> None:
        """It has had time enough for any server: it is stuck, or has forgotten the request."""
        logger.error("the process that asks MCP servers does not answer: it is started anew")
        if self._child is not None and not self._child.over:
            self._child.kill()
        self._fail(number, LOST)

    def _lost(self) -> None:
        numbers = list(self._waiting)
        logger.error("the process that asks MCP servers ended, with %d requests", len(numbers))
        for number in numbers:
            self._fail(number, LOST)

    def _hand_over(self, number: int, outcome: McpOutcome) -> None:
        waiting = self._waiting.pop(number, None)
        if waiting is None:
            return
        waiting.expiry.cancel()
        self._counters.count(waiting.request, outcome)
        waiting.asker.deliver(outcome)
        self._flush()


@dataclass(frozen=True, slots=True)
class _Waiting:
    asker: "McpRequests"
    request: McpRequest
    expiry: asyncio.TimerHandle


class McpRequests:
    """One conversation's requests."""

    def __init__(self, client: McpClient, number: int, deliver: Deliver) -> None:
        self.number = number
        self._client = client
        self._used = False
        self._deliver: Deliver | None = deliver

    def run(self, request: McpRequest) -> None:
        """Ask the server; `deliver` is told, unless `close` comes first."""
        self._used = True
        self._client.ask(self, request)

    def deliver(self, outcome: McpOutcome) -> None:
        if self._deliver is not None:
            self._deliver(outcome)

    def close(self) -> None:
        """Nothing more is delivered."""
        if self._used and self._deliver is not None:
            self._client.leave(self)
        self._deliver = None
