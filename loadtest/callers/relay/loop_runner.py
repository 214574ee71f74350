"""Runs the compiled loop in turn with the calls' tasks, and does what it leaves to Python."""

import asyncio
import heapq
import time
from contextlib import suppress
from itertools import count

from loadtest.callers.fleet import FleetContext
from loadtest.callers.relay.call_loop import CallLoop, finish, load_compiled, run, speak
from loadtest.callers.relay.loop_findings import tell_findings
from loadtest.callers.relay.relay_call import RelayCall
from loadtest.measures.names import Count, Failure, Latency

TICK_S = 0.001
BUDGET_NS = 4_000_000
"""Of the compiled loop, before the calls' tasks get their turn."""
TELL_S = 0.1
"""How often the measures are told."""
CONSENT_S = 5.0
CONSENT_LOST_S = 30.0
"""https://datatracker.ietf.org/doc/html/rfc7675#section-5.1"""


class LoopRunner:
    """Of all calls of a fleet, from their socket's being opened to its being given up."""

    def __init__(self, context: FleetContext, loop: CallLoop, epoll: int) -> None:
        """`epoll`: descriptor of the one that hears all sockets."""
        self._measures, self._clock = context.measures, context.clock
        self._faults = tuple(fault.at_seconds for fault in context.scenario.faults)
        self._on_schedule_ns = int(context.scenario.on_schedule_ms * 1e6)
        self._loop = loop
        self._epoll = epoll
        self._calls: dict[int, RelayCall] = {}
        """By their rows."""
        self._consents: list[tuple[float, int, RelayCall]] = []
        """A heap: when each call checks next, and a number that tells those of one time apart."""
        self._numbers = count()
        self._told_at = 0.0

    def start(self) -> None:
        """Compile, and run from now on."""
        load_compiled(self._epoll)
        self._running = asyncio.ensure_future(self._run())

    async def close(self) -> None:
        """Raises what ended it before, if anything did."""
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running

    def add(self, call: RelayCall) -> None:
        self._calls[call.row] = call

    def has(self, call: RelayCall) -> bool:
        return call.row in self._calls

    def remove(self, call: RelayCall) -> None:
        """Give up what has not come back to it."""
        if lost := finish(self._loop, call.row):
            self._measures.count(Count.FRAMES_LOST, lost)
        del self._calls[call.row]
        if not self._calls:
            self._tell(time.monotonic())

    def keep_consent(self, call: RelayCall, now: float) -> None:
        """Have it check again and again that it is still wanted, until it is over."""
        heapq.heappush(self._consents, (now + CONSENT_S, next(self._numbers), call))

    async def _run(self) -> None:
        try:
            while True:
                more = self._slice()
                await asyncio.sleep(0.0 if more else TICK_S)
        finally:
            self._tell(time.monotonic())

    def _slice(self) -> bool:
        """One turn of the loop, and what it left to Python; whether there is more to do."""
        more = run(self._loop, self._epoll, BUDGET_NS, self._on_schedule_ns, 0)
        now = time.monotonic()
        self._take_firsts()
        self._take_punts(now)
        self._check_consents(now)
        if more or now - self._told_at >= TELL_S:
            self._tell(now)
        return bool(more)

    def _tell(self, now: float) -> None:
        self._told_at = now
        run_seconds = now - self._clock.started_at
        tell_findings(self._loop.findings, self._measures, self._faults, run_seconds)

    def _take_firsts(self) -> None:
        for at in range(int(self._loop.first_count[0])):
            call = self._calls.get(int(self._loop.firsts[at]))
            if call is not None and not call.reflected.done():
                call.reflected.set_result(int(self._loop.firsts_at[at]) * 1e-9)
        self._loop.first_count[0] = 0

    def _take_punts(self, now: float) -> None:
        for punt in range(int(self._loop.punted[0])):
            call = self._calls.get(int(self._loop.punt_calls[punt]))
            if call is not None:
                size = int(self._loop.punt_sizes[punt])
                self._receive(call, self._loop.punts[punt, :size].tobytes(), now)
        self._loop.punted[0] = 0

    def _receive(self, call: RelayCall, datagram: bytes, now: float) -> None:
        was_up = call.checks.answered and call.checks.checked
        first = not call.checks.answered
        heard = call.receive(datagram, now)
        if not heard.genuine:
            self._measures.count(Count.FRAMES_UNAUTHENTICATED)
        elif heard.sent_at is not None:
            self._measures.note(Latency.ROUND_TRIP, now - heard.sent_at)
            if first:
                self._measures.note(Latency.SET_UP_ICE, now - heard.sent_at)
        if not was_up and call.checks.answered and call.checks.checked:
            speak(self._loop, call.row)

    def _check_consents(self, now: float) -> None:
        while self._consents and self._consents[0][0] <= now:
            _due, _number, call = heapq.heappop(self._consents)
            if call.over.done():
                continue
            if now - call.heard_at > CONSENT_LOST_S:
                call.end(Failure.CONSENT_LOST)
                continue
            call.check(now)
            self.keep_consent(call, now)
