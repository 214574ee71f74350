"""A request of ours that is no INVITE, until it is answered.

https://www.rfc-editor.org/rfc/rfc3261#section-17.1.2
"""

from collections.abc import Callable
from enum import Enum

from sipmessage import Response

from transceiver.sip.flow import Flow
from transceiver.sip.next_hop import NextHop
from transceiver.sip.outgoing_request import OutgoingRequest
from transceiver.sip.retransmission import Retransmission
from transceiver.sip.timers import T2, T4, Timers


class Failure(Enum):
    """Why there is no answer; counts as the response that the value is.

    https://www.rfc-editor.org/rfc/rfc3261#section-8.1.3.1
    """

    TIMEOUT = 408
    TRANSPORT = 503


Outcome = Response | Failure

_GONE = (408, 481)


def status_of(outcome: Outcome) -> int:
    return outcome.code if isinstance(outcome, Response) else outcome.value


def ends_dialog(outcome: Outcome) -> bool:
    """https://www.rfc-editor.org/rfc/rfc3261#section-12.2.1.2"""
    return isinstance(outcome, Failure) or outcome.code in _GONE


OnOutcome = Callable[[Outcome], None]
"""Told every provisional response, and then one final one or a failure."""


class ClientTransaction:
    """Sends its request when made."""

    repeats_longest = T2
    lingers_s = T4
    """How long repetitions of the answer may still come, over UDP."""

    def __init__(
        self,
        request: OutgoingRequest,
        via: str,
        hop: Flow | NextHop,
        *,
        send: Callable[[bytes, Flow | NextHop], None],
        timers: Timers,
        on_outcome: OnOutcome,
        on_terminated: Callable[[], None],
    ) -> None:
        self.request = request
        self.via = via
        self.hop = hop
        self._bytes = request.encode(via)
        self._send = send
        self._timers = timers
        self._on_outcome = on_outcome
        self._on_terminated = on_terminated
        self._final: Response | None = None
        self._waiting = Retransmission(
            timers,
            self._send_again,
            lambda: self.fail(Failure.TIMEOUT),
            repeats=not self.reliable,
            longest=self.repeats_longest,
        )
        self._send_again()

    @property
    def reliable(self) -> bool:
        return self.hop.transport.reliable

    def received(self, response: Response) -> None:
        if self._final is not None:
            return
        if response.code < 200:
            self._waiting.slow()
        else:
            self._finish(response)
        self._on_outcome(response)

    def fail(self, failure: Failure) -> None:
        """It cannot be sent, or nobody answers."""
        if self._final is None:
            self._waiting.stop()
            self._on_terminated()
            self._on_outcome(failure)

    def _finish(self, response: Response) -> None:
        self._final = response
        self._waiting.stop()
        self._linger()

    def _linger(self) -> None:
        if self.reliable:
            self._on_terminated()
        else:
            self._timers.after(self.lingers_s, self._on_terminated)

    def _send_again(self) -> None:
        self._send(self._bytes, self.hop)
