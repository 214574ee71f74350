"""All relay callers of a worker process."""

import asyncio
import os
import time

import aiohttp
import numpy as np

from loadtest.callers.call_outcome import counted, up
from loadtest.callers.failed_call import FailedCallError
from loadtest.callers.fleet import FleetContext, FleetError
from loadtest.callers.relay.call_loop import speak, talk
from loadtest.callers.relay.call_rows import WINDOW_FULL, CallState, unanswered_seconds
from loadtest.callers.relay.call_sockets import CallSockets
from loadtest.callers.relay.caller_checks import CallerChecks
from loadtest.callers.relay.loop_findings import by_fault
from loadtest.callers.relay.loop_runner import LoopRunner
from loadtest.callers.relay.reflected_check import HEALING_NS
from loadtest.callers.relay.relay_call import RelayCall
from loadtest.callers.relay.session_pool import TIMEOUT_S, SessionPool
from loadtest.measures.names import Failure, Latency
from loadtest.scenario.call_plan import CallPlan
from loadtest.scenario.scenario import CallerProfile, Kind, Network, Talk, TalkModel

AGAIN_S = 0.25
"""How often a call in set-up repeats what was not answered."""
SET_UP_S = 10.0
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
        self._sockets = CallSockets(context.addresses, time.monotonic_ns())
        self._loop = self._sockets.loop
        self._runner = LoopRunner(context, self._loop, self._sockets.epoll.fileno())

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
        self._runner.start()

    async def call(self, plan: CallPlan, profile: CallerProfile) -> None:
        await counted(self._call(plan, profile), plan.number, self._measures)

    async def close(self) -> None:
        await self._runner.close()
        for pool in self._pools:
            await pool.close()
        await self._http.close()
        self._sockets.close()

    async def _call(self, plan: CallPlan, profile: CallerProfile) -> None:
        call = await self._open(plan, profile)
        try:
            await self._carry_out(call, plan, profile.talk.patience_seconds)
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
        self._runner.add(call)
        self._fill_row(call, plan, profile.talk)
        return call

    def _fill_row(self, call: RelayCall, plan: CallPlan, how: Talk) -> None:
        row, session = self._loop.rows[call.row], call.pooled.session
        row["descriptor"], row["state"] = call.socket.fileno(), CallState.QUIET
        row["session"], row["ssrc"], row["tag"] = session.number, session.ssrc, session.tag
        row["same_clock"] = call.pooled.same_clock
        row["sent"], row["highest"], row["window"] = 0, -1, WINDOW_FULL
        row["promptest_ns"] = np.iinfo(np.int64).max
        row["unanswered_ns"] = row["silent_ns"] = row["resumed_ns"] = 0
        row["gap_ns"] = int(1e9 / how.packets_per_second)
        endless = how.model is TalkModel.CONTINUOUS
        row["spurt_ns"] = ENDLESS_NS if endless else how.spurt_seconds * 1e9
        row["pause_ns"] = 0.0 if endless else how.pause_seconds * 1e9
        row["random"] = plan.seed & 0xFFFFFFFFFFFFFFFF | 1

    async def _carry_out(self, call: RelayCall, plan: CallPlan, patience_s: float) -> None:
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
            await self._hold(call, planned + plan.length_s)
        if unanswered_seconds(self._loop.rows[call.row]) > patience_s:
            raise FailedCallError(Failure.NO_MEDIA, "nothing came back to the hang-up")

    def _begin(self, call: RelayCall, now: float) -> None:
        """Send what has to be answered, and again until the call is up."""
        if call.reflected.done() or not self._runner.has(call):
            return
        if call.checks.answered and call.checks.checked:
            speak(self._loop, call.row)
        else:
            call.check(now)
        loop = asyncio.get_running_loop()
        loop.call_later(AGAIN_S, lambda: self._begin(call, time.monotonic()))

    async def _hold(self, call: RelayCall, ends_at: float) -> None:
        talk(self._loop, call.row)
        self._runner.keep_consent(call, time.monotonic())
        loop = asyncio.get_running_loop()
        # Its tick is coarser than this clock's: the difference does not matter to a hang-up.
        left = max(0.0, ends_at - time.monotonic())
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
        self._runner.remove(call)
        call.end(None)
        self._sockets.rest(call.row, call.socket, time.monotonic())
        call.pool.end(call.pooled.session.number)


def _check(profile: CallerProfile) -> None:
    """Raises FleetError for what relay callers cannot do."""
    if profile.talk.model is TalkModel.TURNS:
        raise FleetError("relay callers ask no questions: talk.model must be continuous or on_off")
    if profile.network != Network():
        raise FleetError("relay callers' packets are not impaired: leave network out")
