"""One call from its offer to its hang-up."""

import asyncio
import random
import time

from loadtest.callers.call_outcome import up
from loadtest.callers.failed_call import FailedCallError
from loadtest.callers.webrtc.call_events import CallEvents
from loadtest.callers.webrtc.call_parts import (
    CallParts,
    Shared,
    new_local_description,
    new_path,
    put_together,
)
from loadtest.callers.webrtc.caller import Caller
from loadtest.callers.webrtc.event_channel import EventChannel
from loadtest.callers.webrtc.network_path import NetworkPath
from loadtest.callers.webrtc.session_description import offer
from loadtest.measures.names import Failure, Latency
from loadtest.scenario.call_plan import CallPlan
from loadtest.scenario.scenario import CallerProfile

CONNECT_S = 15.0
"""For ICE and DTLS together."""
EVENTS_S = 30.0
"""From keys to session.created: on a bad path SCTP needs several tries, seconds apart."""


class Call:
    """`carry_out` does it all."""

    def __init__(self, shared: Shared, plan: CallPlan, profile: CallerProfile) -> None:
        self._shared = shared
        self._profile = profile
        self._number = plan.number
        self._planned = shared.context.clock.planned(plan)
        self._ends_at = self._planned + plan.length_s
        self._measures = shared.context.measures
        self._chance = random.Random(plan.seed)  # noqa: S311 - repeatable

    async def carry_out(self) -> None:
        """Raises FailedCallError."""
        try:
            path = new_path(self._shared, self._profile, self._number, self._chance)
        except OSError as error:
            raise FailedCallError(Failure.UNREACHABLE, str(error)) from error
        try:
            parts = await self._place(path)
            await self._talk(parts)
        finally:
            path.close()
        if parts.media.silent:
            raise FailedCallError(Failure.NO_MEDIA, "nothing was heard where something was due")

    async def _place(self, path: NetworkPath) -> CallParts:
        shared, profile, chance = self._shared, self._profile, self._chance
        local = new_local_description(shared, profile, path, chance)
        began = time.monotonic()
        remote = await shared.signaling.place(offer(local))
        answered = time.monotonic()
        self._measures.note(Latency.SET_UP_SIGNALING, answered - began)
        if profile.data_channel and not remote.data_channel:
            raise FailedCallError(Failure.BAD_ANSWER, "the data channel was declined")
        return put_together(shared, profile, path, local, remote, chance, starts_at=answered)

    async def _talk(self, parts: CallParts) -> None:
        caller, pace = parts.caller, self._shared.pace
        pace.join(caller.tick)
        try:
            caller.start()
            await self._connected(caller)
            with up(self._measures, self._ends_at):
                await self._until_the_end(parts)
        finally:
            pace.leave(caller.tick)
            caller.close()

    async def _connected(self, caller: Caller) -> None:
        waited = (caller.connected, caller.over)
        await asyncio.wait(waited, timeout=CONNECT_S, return_when=asyncio.FIRST_COMPLETED)
        if caller.over.done():
            raise caller.over.result()
        if not caller.connected.done():
            raise FailedCallError(caller.stage)
        self._measures.note(Latency.SET_UP, time.monotonic() - self._planned)

    async def _until_the_end(self, parts: CallParts) -> None:
        if not self._profile.data_channel:
            await self._wait(parts.caller, self._ends_at)
            return
        channel = self._channel(parts)
        try:
            await channel.open()
            await self._created(parts.caller)
            await self._wait(parts.caller, self._ends_at)
        finally:
            await channel.close()

    def _channel(self, parts: CallParts) -> EventChannel:
        caller = parts.caller
        self._session = asyncio.get_running_loop().create_future()
        events = CallEvents(parts.conversation, parts.judge, self._measures, self._note_session)
        channel = EventChannel(caller.send_record, events.received, dtls_client=caller.dtls_client)
        caller.record_received = channel.receive
        return channel

    def _note_session(self) -> None:
        if not self._session.done():
            self._session.set_result(None)

    async def _created(self, caller: Caller) -> None:
        began = time.monotonic()
        waited = (self._session, caller.over)
        await asyncio.wait(waited, timeout=EVENTS_S, return_when=asyncio.FIRST_COMPLETED)
        if caller.over.done():
            raise caller.over.result()
        if not self._session.done():
            raise FailedCallError(Failure.EVENTS_TIMEOUT, "no session.created")
        self._measures.note(Latency.SET_UP_DATA_CHANNEL, time.monotonic() - began)

    async def _wait(self, caller: Caller, until: float) -> None:
        await asyncio.wait((caller.over,), timeout=max(until - time.monotonic(), 0))
        if caller.over.done():
            raise caller.over.result()
