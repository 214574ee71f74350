"""All relay callers of a worker process."""

import asyncio
import heapq
import os
import time
from contextlib import suppress
from itertools import count

import aiohttp
import numpy as np

from loadtest.callers.call_outcome import counted, up
from loadtest.callers.failed_call import FailedCallError
from loadtest.callers.fleet import FleetContext, FleetError
from loadtest.callers.relay.call_loop import finish, new_loop, run, speak, talk
from loadtest.callers.relay.call_rows import WINDOW_FULL, CallState, unanswered_seconds
from loadtest.callers.relay.call_sockets import CallSockets
from loadtest.callers.relay.caller_checks import CallerChecks
from loadtest.callers.relay.loop_findings import by_fault, tell_findings
from loadtest.callers.relay.reflected_check import HEALING_NS
from loadtest.callers.relay.relay_call import RelayCall
from loadtest.callers.relay.session_pool import TIMEOUT_S, SessionPool
from loadtest.measures.names import Count, Failure, Latency
from loadtest.scenario.call_plan import CallPlan
from loadtest.scenario.scenario import CallerProfile, Kind, Network, Talk, TalkModel

TICK_S = 0.001
BUDGET_NS = 4_000_000
"""Of the compiled loop, before the calls' tasks get their turn."""
TELL_S = 0.1
"""How often the measures are told."""
AGAIN_S = 0.25
"""How often a call in set-up repeats what was not answered."""
SET_UP_S = 10.0
CONSENT_S = 5.0
CONSENT_LOST_S = 30.0
"""https://datatracker.ietf.org/doc/html/rfc7675#section-5.1"""
LINGER_S = 1.0
"""How long packets that are on their way at the hang-up are waited for."""
LINGER_STEP_S = 0.05
ENDLESS_NS = 1e15


class RelayFleet:
    """A `Fleet` of `relay` callers.

    SET_UP is from the planned start until the first packet came back from the reflector, which is
    sent when the call's check is answered and so is the owner's; SET_UP_ICE until the former.
    """

    def __init__(self, context: FleetContext) -> None:
        self._context, self._measures = context, context.measures
        self._faults = tuple(fault.at_seconds for fault in context.scenario.faults)
        self._on_schedule_ns = int(context.scenario.on_schedule_ms * 1e6)
        self._sockets = CallSockets(context.addresses, time.monotonic_ns())
        self._loop = self._sockets.loop
        self._calls: dict[int, RelayCall] = {}
        self._consents: list[tuple[float, int, RelayCall]] = []
        """A heap: when each call checks next, and a number that tells those of one time apart."""
        self._numbers = count()
        self._told_at = 0.0

    async def start(self) -> None:
        """Reach the reflectors, and compile. Raises FleetError."""
        for profile in self._context.scenario.callers:
            if profile.kind is Kind.RELAY:
                _check(profile)
        urls = [url.strip() for url in self._context.target.reflector.split(",") if url.strip()]
        if not urls:
            raise FleetError("callers of kind relay need a reflector: none was named")
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        self._http = aiohttp.ClientSession(timeout=timeout)
        self._pools = [SessionPool(self._http, url) for url in urls]
        try:
            await asyncio.gather(*(pool.start() for pool in self._pools))
        except FailedCallError as error:
            await self._http.close()
            raise FleetError(f"reflector {error.detail}") from error
        self._compile()
        self._running = asyncio.ensure_future(self._run())

    async def call(self, plan: CallPlan, profile: CallerProfile) -> None:
        await counted(self._call(plan, profile), plan.number, self._measures)

    async def close(self) -> None:
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running
        for pool in self._pools:
            await pool.close()
        await self._http.close()
        self._sockets.close()

    # One call.

    async def _call(self, plan: CallPlan, profile: CallerProfile) -> None:
        call = await self._open(plan, profile)
        try:
            await self._carry_out(call, plan)
        finally:
            self._close(call)

    async def _open(self, plan: CallPlan, profile: CallerProfile) -> RelayCall:
        pool = self._pools[plan.number % len(self._pools)]
        pooled = await pool.take()
        try:
            row, opened = self._sockets.open(pooled.relay, time.monotonic())
        except FailedCallError:
            pool.end(pooled.session.number)
            raise
        loop = asyncio.get_running_loop()
        checks = CallerChecks(pooled.session, pooled.relay, os.urandom)
        call = RelayCall(
            row, opened, pooled, pool, checks, loop.create_future(), loop.create_future()
        )
        self._calls[row] = call
        self._fill_row(call, plan, profile.talk)
        return call

    def _fill_row(self, call: RelayCall, plan: CallPlan, how: Talk) -> None:
        row, session = self._loop.rows[call.row], call.pooled.session
        row["descriptor"], row["state"] = call.socket.fileno(), CallState.QUIET
        row["session"], row["ssrc"], row["tag"] = session.number, session.ssrc, session.tag
        row["same_clock"] = call.pooled.same_clock
        row["sent"], row["highest"], row["window"] = 0, -1, WINDOW_FULL
        row["promptest_ns"] = np.iinfo(np.int64).max
        row["unanswered_ns"] = row["silent_ns"] = 0
        row["gap_ns"] = int(1e9 / how.packets_per_second)
        endless = how.model is TalkModel.CONTINUOUS
        row["spurt_ns"] = ENDLESS_NS if endless else how.spurt_seconds * 1e9
        row["pause_ns"] = 0.0 if endless else how.pause_seconds * 1e9
        row["random"] = plan.seed & 0xFFFFFFFFFFFFFFFF | 1

    async def _carry_out(self, call: RelayCall, plan: CallPlan) -> None:
        planned = self._context.clock.planned(plan)
        began = time.monotonic()
        self._begin(call, began)
        try:
            async with asyncio.timeout(SET_UP_S):
                up_at = await call.reflected
        except TimeoutError:
            reason = Failure.NO_MEDIA if call.checks.answered else Failure.ICE_TIMEOUT
            raise FailedCallError(reason) from None
        self._measures.note(Latency.SET_UP, up_at - planned)
        with up(self._measures, planned + plan.length_s):
            await self._hold(call, plan, planned)

    def _begin(self, call: RelayCall, now: float) -> None:
        """Send what has to be answered, and again until the call is up."""
        if call.reflected.done() or call.row not in self._calls:
            return
        if call.checks.answered and call.checks.checked:
            speak(self._loop, call.row)
        else:
            call.check(now)
        loop = asyncio.get_running_loop()
        loop.call_later(AGAIN_S, lambda: self._begin(call, time.monotonic()))

    async def _hold(self, call: RelayCall, plan: CallPlan, planned: float) -> None:
        talk(self._loop, call.row)
        self._plan_consent(call, time.monotonic())
        loop = asyncio.get_running_loop()
        # Its tick is coarser than this clock's: the difference does not matter to a hang-up.
        left = max(0.0, planned + plan.length_s - time.monotonic())
        ending = loop.call_later(left, lambda: call.end(None))
        try:
            failure = await call.over
        finally:
            ending.cancel()
            self._loop.rows[call.row]["state"] = CallState.QUIET
            self._note_silence(call)
        if failure is not None:
            raise FailedCallError(failure)
        await self._linger(call)

    def _note_silence(self, call: RelayCall) -> None:
        """That from which nothing came back to the hang-up: a fault that did not heal."""
        silent_s = unanswered_seconds(self._loop.rows[call.row])
        run_seconds = time.monotonic() - self._context.clock.started_at
        if silent_s >= HEALING_NS * 1e-9 and by_fault(silent_s, self._faults, run_seconds):
            self._measures.note(Latency.HEALING, silent_s)

    async def _linger(self, call: RelayCall) -> None:
        until = time.monotonic() + LINGER_S
        row = self._loop.rows[call.row]
        while row["unanswered_ns"] and time.monotonic() < until:  # noqa: ASYNC110 - compiled code writes it
            await asyncio.sleep(LINGER_STEP_S)

    def _close(self, call: RelayCall) -> None:
        lost = finish(self._loop, call.row)
        if lost:
            self._measures.count(Count.FRAMES_LOST, lost)
        del self._calls[call.row]
        call.end(None)
        self._sockets.rest(call.row, call.socket, time.monotonic())
        call.pool.end(call.pooled.session.number)
        if not self._calls:
            self._tell(time.monotonic())

    # The loop.

    def _compile(self) -> None:
        """Have all compiled code in memory, which would else keep the first calls waiting."""
        none = new_loop(1, 1, time.monotonic_ns())
        none.rows["descriptor"] = -1
        run(none, self._sockets.epoll.fileno(), 0, self._on_schedule_ns, 0)
        speak(none, 0)
        talk(none, 0)
        finish(none, 0)

    async def _run(self) -> None:
        try:
            while True:
                more = self._slice()
                await asyncio.sleep(0.0 if more else TICK_S)
        finally:
            self._tell(time.monotonic())

    def _slice(self) -> bool:
        """One turn of the loop, and what it left to Python; whether there is more to do."""
        epoll = self._sockets.epoll.fileno()
        more = run(self._loop, epoll, BUDGET_NS, self._on_schedule_ns, 0)
        now = time.monotonic()
        self._take_firsts()
        self._take_punts(now)
        self._check_consents(now)
        if more or now - self._told_at >= TELL_S:
            self._tell(now)
        return bool(more)

    def _tell(self, now: float) -> None:
        self._told_at = now
        run_seconds = now - self._context.clock.started_at
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

    def _plan_consent(self, call: RelayCall, now: float) -> None:
        heapq.heappush(self._consents, (now + CONSENT_S, next(self._numbers), call))

    def _check_consents(self, now: float) -> None:
        while self._consents and self._consents[0][0] <= now:
            _due, _number, call = heapq.heappop(self._consents)
            if call.over.done():
                continue
            if now - call.heard_at > CONSENT_LOST_S:
                call.end(Failure.CONSENT_LOST)
                continue
            call.check(now)
            self._plan_consent(call, now)


def _check(profile: CallerProfile) -> None:
    """Raises FleetError for what relay callers cannot do."""
    if profile.talk.model is TalkModel.TURNS:
        raise FleetError("relay callers ask no questions: talk.model must be continuous or on_off")
    if profile.network != Network():
        raise FleetError("relay callers' packets are not impaired: leave network out")
