"""A telephone's side of a call that it makes: INVITE, ACK, BYE, over UDP.

https://www.rfc-editor.org/rfc/rfc3261, as far as a caller needs it. What is left out: 2xx of ours
are not repeated until they are acknowledged, for only re-INVITEs ask for them, and they change
nothing; of several answers by forking proxies the first is taken.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from sipmessage import Message, Request, Response

from loadtest.callers.address import Address
from loadtest.callers.sip.client_transaction import ClientTransaction
from loadtest.callers.sip.dialog import Dialog
from loadtest.callers.sip.digest import Credentials, DigestError, first_answerable
from loadtest.callers.sip.requests import CallIdentity, acknowledgement, cancellation, response_to
from loadtest.measures.names import Failure

_CHALLENGES = {
    401: ("WWW-Authenticate", "Authorization"),
    407: ("Proxy-Authenticate", "Proxy-Authorization"),
}


class CallState(Enum):
    CALLING = auto()
    UP = auto()
    ENDING = auto()
    """We hung up, and what we said of it was not answered yet."""
    OVER = auto()


@dataclass(frozen=True, slots=True)
class CallEnd:
    """Why a call was over before we hung up."""

    reason: Failure
    detail: str


class OutgoingCall:
    """Hand it each message of its Call-ID, call `tick` at `next_at`, and send what it gives.

    Raises ValueError for messages that nothing can be made of; they change nothing.
    """

    def __init__(
        self,
        identity: CallIdentity,
        server: Address,
        offer: bytes,
        credentials: Credentials | None,
        random_token: Callable[[], str],
        now: float,
    ) -> None:
        self.state = CallState.CALLING
        self.end: CallEnd | None = None
        self.answer: bytes | None = None
        """The body of the answer, once the call is up."""
        self._identity = identity
        self._server = server
        self._offer = offer
        self._credentials = credentials
        self._random_token = random_token
        self._sequence = 0
        self._rings = self._gives_up = False
        self._dialog: Dialog | None = None
        self._acknowledged = b""
        self._outgoing: list[tuple[bytes, Address]] = []
        self._transactions: list[ClientTransaction] = []
        self._invite(None, now)

    @property
    def next_at(self) -> float | None:
        times = [each.next_at for each in self._transactions if each.next_at is not None]
        return min(times, default=None)

    def take_datagrams(self) -> list[tuple[bytes, Address]]:
        """What to send, and where."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def tick(self, now: float) -> None:
        """Send again what was not answered."""
        for each in self._transactions:
            if each.due(now):
                self._send(each.request)
            elif each.timed_out and self.state is not CallState.OVER:
                self._finish(Failure.SIGNALING_TIMEOUT, f"{each.method} was not answered")
        self._transactions = [each for each in self._transactions if each.next_at is not None]

    def unreachable(self, detail: str) -> None:
        """The network says that nobody is there."""
        if self.state is CallState.CALLING and not self._rings:
            self._finish(Failure.UNREACHABLE, detail)

    def receive(self, message: Message, source: Address, now: float) -> None:
        if isinstance(message, Response):
            self._responded(message, now)
        elif isinstance(message, Request):
            self._requested(message, source)

    def hang_up(self, now: float) -> None:
        """End it, whatever it has come to."""
        if self.state is CallState.UP:
            assert self._dialog is not None
            self.state = CallState.ENDING
            branch = self._branch()
            self._begin("BYE", branch, self._dialog.bye(branch), now)
        elif self.state is CallState.CALLING:
            self.state = CallState.ENDING
            self._gives_up = True
            if self._rings:
                self._cancel(now)

    def _invite(self, authorization: tuple[str, str] | None, now: float) -> None:
        self._sequence += 1
        branch = self._branch()
        self._request = self._identity.invite(self._sequence, branch, self._offer)
        if authorization is not None:
            self._request.headers.add(*authorization)
        self._begin("INVITE", branch, bytes(self._request), now)

    def _begin(self, method: str, branch: str, request: bytes, now: float) -> None:
        self._transactions.append(ClientTransaction(method, branch, request, now))
        self._send(request)

    def _cancel(self, now: float) -> None:
        """https://www.rfc-editor.org/rfc/rfc3261#section-9.1"""
        branch = self._request.via[0].parameters["branch"]
        assert branch is not None
        self._begin("CANCEL", branch, cancellation(self._request), now)

    def _responded(self, response: Response, now: float) -> None:
        cseq = response.cseq
        branch = response.via[0].parameters.get("branch")
        for each in self._transactions:
            if (each.branch, each.method) == (branch, cseq.method):
                each.responded(response.code)
        if cseq.method == "INVITE":
            self._invite_responded(response, now)
        elif cseq.method == "BYE" and response.code >= 200:
            self.state = CallState.OVER

    def _invite_responded(self, response: Response, now: float) -> None:
        if response.code < 200:
            ringing, self._rings = self._rings, True
            if self._gives_up and not ringing:
                self._cancel(now)
        elif response.code < 300:
            self._accepted(response, now)
        else:
            if response.cseq.sequence == self._sequence:
                self._send(acknowledgement(self._request, response))
            self._refused(response, now)

    def _accepted(self, response: Response, now: float) -> None:
        """A 2xx, or the same again because our ACK was lost."""
        if self._dialog is None:
            self._dialog = Dialog.begun(self._identity, response, self._sequence)
            self._acknowledged = self._dialog.ack(self._branch())
            self.answer = response.body
            gives_up, self.state = self._gives_up, CallState.UP
            self._send(self._acknowledged)
            if gives_up:
                self.hang_up(now)
        else:
            self._send(self._acknowledged)

    def _refused(self, response: Response, now: float) -> None:
        if self.state is CallState.ENDING:
            self.state = CallState.OVER
        if self.state is not CallState.CALLING or response.cseq.sequence != self._sequence:
            return
        if response.code in _CHALLENGES and self._credentials is not None and self._sequence == 1:
            try:
                self._prove(response, self._credentials, now)
            except DigestError as error:
                self._finish(Failure.REFUSED, f"SIP {response.code}: {error}")
        else:
            self._finish(Failure.REFUSED, f"SIP {response.code} {response.phrase}")

    def _prove(self, response: Response, credentials: Credentials, now: float) -> None:
        """Ask again, with what was asked for."""
        challenged, header = _CHALLENGES[response.code]
        challenge = first_answerable(response.headers.getlist(challenged))
        uri, cnonce = str(self._request.uri), self._random_token()
        answer = challenge.answer(credentials, "INVITE", uri, cnonce)
        self._rings = False
        self._invite((header, answer), now)

    def _requested(self, request: Request, source: Address) -> None:
        if request.method == "ACK":
            return
        code, phrase, body = 405, "Method Not Allowed", b""
        if request.method == "BYE":
            code, phrase = 200, "OK"
        elif request.method in ("INVITE", "OPTIONS"):
            code, phrase, body = 200, "OK", self._offer
        answer = response_to(request, code, phrase, self._identity, body)
        self._outgoing.append((bytes(answer), source))
        if request.method == "BYE" and self.state is not CallState.OVER:
            reason = request.headers.get("Reason", "")
            self._finish(Failure.ENDED_EARLY, f"BYE {reason}".strip())

    def _finish(self, reason: Failure, detail: str) -> None:
        if self.state is not CallState.ENDING:
            self.end = CallEnd(reason, detail)
        self.state = CallState.OVER
        for each in self._transactions:
            each.answered = True

    def _send(self, datagram: bytes) -> None:
        address = self._server if self._dialog is None else self._dialog.next_hop or self._server
        self._outgoing.append((datagram, address))

    def _branch(self) -> str:
        """https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.7"""
        return f"z9hG4bK{self._random_token()}"
