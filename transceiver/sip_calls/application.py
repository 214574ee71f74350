"""The server behind the SIP user agent: its calls, and its phones' registrations."""

from collections.abc import Callable

from sipmessage import Request

from transceiver.sip.application import Reply
from transceiver.sip.flow import Flow
from transceiver.sip.gatekeeper import Caller
from transceiver.sip.invite_session import InviteHandler, InviteSession
from transceiver.sip.registrar import Registrar
from transceiver.sip_calls.incoming_calls import IncomingCalls


class SipApplication:
    """Implements `sip.application.Application`; `clock` is monotonic."""

    def __init__(
        self, calls: IncomingCalls, registrar: Registrar, clock: Callable[[], float]
    ) -> None:
        self._calls = calls
        self._registrar = registrar
        self._clock = clock

    def invited(
        self, request: Request, caller: Caller, flow: Flow, session: InviteSession
    ) -> InviteHandler | Reply:
        return self._calls.invited(request, caller, flow, session)

    def registered(self, request: Request, caller: Caller, flow: Flow) -> Reply:
        return self._registrar.register(request, caller, flow, self._clock())
