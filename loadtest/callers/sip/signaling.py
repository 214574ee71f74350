"""The UDP socket that the calls of a fleet share for SIP."""

import asyncio
import secrets
import socket
import time
from collections.abc import Callable

from sipmessage import Message, Request

from loadtest.callers.address import Address
from loadtest.callers.failed_call import FailedCallError
from loadtest.callers.sip.digest import Credentials
from loadtest.callers.sip.outgoing_call import CallState, OutgoingCall
from loadtest.callers.sip.requests import CallIdentity, response_to
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count, Failure

RING_S = 60.0
"""How long a call may ring."""
HANG_UP_S = 4.0
"""How long the answer to our BYE is waited for; it is counted for nothing. At a run's end workers
wait no less for calls."""

RECEIVE_BYTES = 1 << 16

_IP_RECVERR = 11
"""https://www.man7.org/linux/man-pages/man7/ip.7.html: else no ICMP of a socket that is not
connected is heard of."""
_IPV6_RECVERR = 25


class Signaling:
    """Calls by their Call-ID.

    A socket of its own that the loop watches, no transport: uvloop's cannot be told of ICMP.
    """

    def __init__(self, host: str, measures: Measures) -> None:
        """At a port of its own. Raises OSError."""
        self._measures = measures
        self._calls: dict[str, SignaledCall] = {}
        ipv6 = ":" in host
        self._socket = socket.socket(socket.AF_INET6 if ipv6 else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        if ipv6:
            self._socket.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
        else:
            self._socket.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
        self._socket.bind((host, 0))
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    @property
    def address(self) -> Address:
        host, port = self._socket.getsockname()[:2]
        return host, port

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def call(
        self,
        number: str,
        server: Address,
        user: str,
        credentials: Credentials | None,
        offer: bytes,
    ) -> "SignaledCall":
        """Dial."""
        call_id = secrets.token_hex(12)
        identity = CallIdentity(
            number, server, user, self.address, call_id, tag=secrets.token_hex(6)
        )
        core = OutgoingCall(
            identity,
            server,
            offer,
            credentials,
            lambda: secrets.token_hex(8),
            time.monotonic(),
        )
        call = SignaledCall(core, self._send, lambda: self._calls.pop(call_id, None))
        self._calls[call_id] = call
        call.follow()
        return call

    def _read(self) -> None:
        while True:
            try:
                data, source = self._socket.recvfrom(RECEIVE_BYTES)
            except BlockingIOError:
                return
            except OSError as error:
                self._note_error(error)
            else:
                self._receive(data, source[:2])

    def _receive(self, data: bytes, source: Address) -> None:
        self._measures.count(Count.BYTES_RECEIVED, len(data))
        try:
            message = Message.parse(data)
            call = self._calls.get(message.call_id)
            if call is not None:
                call.receive(message, source)
            elif isinstance(message, Request) and message.method != "ACK":
                self._refuse(message, source)
        except (ValueError, LookupError):
            return  # Of keep-alives and what is no SIP, nothing can be made.

    def _note_error(self, error: OSError) -> None:
        """ICMP does not say which call it is about: it tells of the server, to all that wait."""
        if isinstance(error, ConnectionRefusedError):
            for call in list(self._calls.values()):
                call.unreachable(str(error))

    def _refuse(self, request: Request, source: Address) -> None:
        """https://www.rfc-editor.org/rfc/rfc3261#section-12.2.2"""
        identity = CallIdentity("", source, "", self.address, request.call_id, tag="")
        gone = response_to(request, 481, "Call/Transaction Does Not Exist", identity)
        self._send(bytes(gone), source)

    def _send(self, datagram: bytes, address: Address) -> None:
        self._measures.count(Count.BYTES_SENT, len(datagram))
        try:
            self._socket.sendto(datagram, address)
        except OSError as error:
            # An earlier datagram's error may be told here; then this one was not sent.
            asyncio.get_running_loop().call_soon(self._note_error, error)


class SignaledCall:
    """A call, its timers and who waits for it."""

    def __init__(
        self,
        core: OutgoingCall,
        send: Callable[[bytes, Address], None],
        forget: Callable[[], object],
    ) -> None:
        self._core = core
        self._send = send
        self._forget = forget
        self._changed = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    async def answered(self) -> bytes:
        """The SDP of its answer. Raises FailedCallError."""
        try:
            async with asyncio.timeout(RING_S):
                await self._left(CallState.CALLING)
        except TimeoutError as error:
            raise FailedCallError(Failure.SIGNALING_TIMEOUT, "it rang in vain") from error
        if self._core.answer is None:
            raise self._failure()
        return self._core.answer

    async def ended(self) -> FailedCallError:
        """Waits until the other side hangs up."""
        await self._left(CallState.UP)
        return self._failure()

    async def hang_up(self) -> None:
        self._core.hang_up(time.monotonic())
        self.follow()
        try:
            async with asyncio.timeout(HANG_UP_S):
                await self._left(CallState.ENDING)
        except TimeoutError:
            return
        finally:
            self._forget()
            if self._timer is not None:
                self._timer.cancel()

    def receive(self, message: Message, source: Address) -> None:
        """Raises ValueError and LookupError."""
        try:
            self._core.receive(message, source, time.monotonic())
        finally:
            self.follow()

    def unreachable(self, detail: str) -> None:
        self._core.unreachable(detail)
        self.follow()

    def follow(self) -> None:
        """Send what there is to send, and wait for what comes next."""
        for datagram, address in self._core.take_datagrams():
            self._send(datagram, address)
        self._changed.set()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._core.next_at is not None:
            wait_s = max(0.0, self._core.next_at - time.monotonic())
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._tick)

    def _tick(self) -> None:
        self._core.tick(time.monotonic())
        self.follow()

    def _failure(self) -> FailedCallError:
        end = self._core.end
        if end is None:
            return FailedCallError(Failure.ENDED_EARLY)
        return FailedCallError(end.reason, end.detail)

    async def _left(self, state: CallState) -> None:
        """Wait while it is in that state."""
        while self._core.state is state:
            self._changed.clear()
            await self._changed.wait()
