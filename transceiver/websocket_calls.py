"""The sessions over WebSockets of one worker: made here, given the time, forgotten here."""

import logging
import secrets
from collections.abc import Callable

from antiphon_proto.realtime import RealtimeSession
from transceiver.admission import Admission, why_unanswered
from transceiver.call_environment import CallEnvironment
from transceiver.close_reason import CloseReason
from transceiver.resumption.continuity import Continuities, TakenUp
from transceiver.resumption.live_sessions import GOES_ON, LiveSessions
from transceiver.resumption.resume_token import Origin
from transceiver.transport import Transport
from transceiver.websocket_call import WebSocketCall

logger = logging.getLogger(__name__)


class WebSocketCalls:
    """Admission and environment are those of the worker's other calls."""

    def __init__(
        self,
        environment: CallEnvironment,
        admission: Admission,
        *,
        flush: Callable[[], None],
        continuities: Continuities,
        live: LiveSessions,
    ) -> None:
        """`flush` sends what is queued for the engines; the sessions here are among the
        worker's `live` ones."""
        self.flush = flush
        self._continuities = continuities
        self._live = live
        self._endings: dict[str, Callable[[], None]] = {}
        self._environment = environment
        self._admission = admission
        self._counters = environment.counters
        self._calls: dict[str, WebSocketCall] = {}

    def __len__(self) -> int:
        return len(self._calls)

    async def open(
        self,
        session: RealtimeSession,
        origin: Origin,
        on_end: Callable[[], None],
        taken_up: TakenUp | None = None,
    ) -> WebSocketCall:
        """A session that an engine has taken; `leave` it when its connection is over.

        `on_end` is called when it is over itself, `taken_up` is what it goes on with.
        Raises CallRefusedError; `on_end` is not called then.
        """
        self._admission.check(self._counters.open.total())
        call = WebSocketCall(
            f"ws_{secrets.token_urlsafe(12)}",
            session=session,
            environment=self._environment,
            continuity=self._continuities.of(origin, taken_up),
        )
        self._admission.admitted(self._environment.clock())
        self._calls[call.call_id] = call
        self._counters.open[Transport.WEBSOCKET] += 1
        try:
            await self._admission.wait_taken(call)
        except BaseException as error:
            self.forget(call, why_unanswered(error))
            raise
        self._endings[call.call_id] = on_end
        self._live.add(call)
        self._counters.opened += 1
        logger.info("call %s opened", call.call_id, extra=call.logged.extra)
        return call

    def forget(self, call: WebSocketCall, reason: CloseReason) -> None:
        """Close a session, if it is not closed, and let go of it."""
        call.close(reason)
        if self._calls.pop(call.call_id, None) is None:
            return
        self._counters.open[Transport.WEBSOCKET] -= 1
        self._live.remove(call, over=call.closed not in GOES_ON)
        call.release()
        if on_end := self._endings.pop(call.call_id, None):
            on_end()

    def leave(self, call: WebSocketCall) -> None:
        """A connection of the session is over; where its client is lost it may come again."""
        if call.closed is not None or not call.has_come:
            self.forget(call, CloseReason.CANCELLED)

    def give_up(self, call: WebSocketCall) -> None:
        """End the session if its client is lost: it comes too late."""
        if call.deserted:
            self.forget(call, CloseReason.CLIENT_LOST)

    def tick(self) -> None:
        """Let time pass; call it ten times a second."""
        now = self._environment.clock()
        self._live.tick(now)
        for call in list(self._calls.values()):
            call.tick(now)
            if call.closed is not None and call.deserted:
                self.forget(call, call.closed)

    def close_all(self) -> None:
        for call in list(self._calls.values()):
            call.close(CloseReason.SHUTDOWN)
