"""One WebRTC call from its answer on: ICE, DTLS, SRTP, speech and hearing over one path."""

import asyncio
import random
import time
from collections.abc import Callable

import pylibsrtp

from loadtest.callers.failed_call import FailedCallError
from loadtest.callers.webrtc.dtls_endpoint import DtlsEndpoint, DtlsError
from loadtest.callers.webrtc.ice_agent import IceAgent, Sent
from loadtest.callers.webrtc.media import Media
from loadtest.callers.webrtc.network_path import NetworkPath
from loadtest.callers.webrtc.srtp_session import SrtpSession, is_replay
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count, Failure, Latency

SECOND_TICKS = 50
TIMER_TICKS = 5
"""How often is asked for what is to be sent again, or to be checked."""


class Caller:
    """`start` it, and `tick` it every 20 ms.

    `connected` is set once media can flow; `over` gets what ended the call before its time.
    """

    def __init__(
        self,
        path: NetworkPath,
        ice: IceAgent,
        dtls: DtlsEndpoint,
        media: Media,
        measures: Measures,
        chance: random.Random,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.connected: asyncio.Future[None] = loop.create_future()
        self.over: asyncio.Future[FailedCallError] = loop.create_future()
        self.record_received: Callable[[bytes], None] = lambda _record: None
        """Takes what comes for the data channel."""
        self._path = path
        self._ice = ice
        self._dtls = dtls
        self._media = media
        self._measures = measures
        self._srtp: SrtpSession | None = None
        self._dtls_began_at: float | None = None
        self._ticks = chance.randrange(SECOND_TICKS)
        """So that not all callers of a fleet do at once what is done each second."""
        self._bytes_sent = self._bytes_received = 0
        self._dropped = self._unauthenticated = self._duplicated = 0

    @property
    def dtls_client(self) -> bool:
        return self._dtls.client

    @property
    def stage(self) -> Failure:
        """What went wrong, if it is not connected by now."""
        return Failure.ICE_TIMEOUT if self._ice.selected is None else Failure.DTLS_TIMEOUT

    def start(self) -> None:
        """Send the first check, and listen to what comes of it."""
        self._path.listen(self.receive)
        self._serve_timers()

    def receive(self) -> None:
        """Take what came; where more did, the event loop will say so again."""
        try:
            if (received := self._path.receive()) is not None:
                self._receive(*received)
            if self._path.impaired:
                self._receive_delayed()
        except FailedCallError as failed:
            self._end(failed)
        except Exception as defect:  # noqa: BLE001 - the run goes on, and its report tells
            self._end(FailedCallError(Failure.CALLER_DEFECT, repr(defect)))

    def tick(self, due: float) -> bool:
        """The turn of 20 ms that begins then; whether a frame was sent."""
        if self.over.done():
            return False
        if self._path.impaired:
            self.receive()
        try:
            return self._take_turn(due)
        except FailedCallError as failed:
            self._end(failed)
        except Exception as defect:  # noqa: BLE001 - as above
            self._end(FailedCallError(Failure.CALLER_DEFECT, repr(defect)))
        return False

    def send_record(self, record: bytes) -> None:
        """Of the data channel."""
        self._dtls.send(record)
        self._flush_dtls()

    def close(self) -> None:
        """Hang up."""
        self._media.close(time.monotonic())
        if self._srtp is not None:
            self._dtls.close()
            self._flush_dtls()
        self._settle()

    def dropped(self, datagram: bytes) -> None:
        """One that came was taken on purpose."""
        if len(datagram) >= 12 and 128 <= datagram[0] < 192 and not 192 <= datagram[1] < 224:
            self._dropped += 1
            self._media.heard.dropped(datagram[2] << 8 | datagram[3])

    def _take_turn(self, due: float) -> bool:
        self._ticks += 1
        if self._ticks % TIMER_TICKS == 0:
            self._serve_timers()
        srtp = self._srtp
        if srtp is None:
            return False
        self._speak(srtp, due)
        if self._ticks % SECOND_TICKS == 0:
            self._each_second(srtp)
        return True

    def _serve_timers(self) -> None:
        for check in self._ice.due(time.monotonic()):
            self._send(check)
        if self._dtls_began_at is not None and self._srtp is None:
            self._shake(self._dtls.retransmit)

    def _speak(self, srtp: SrtpSession, due: float) -> None:
        packet = srtp.protect(self._media.packet(due))
        assert self._ice.selected is not None
        self._bytes_sent += len(packet)
        if not self._path.send(packet, self._ice.selected):
            self._dropped += 1

    def _receive_delayed(self) -> None:
        while (received := self._path.receive()) is not None:
            self._receive(*received)

    def _receive(self, datagram: bytes, arrived_at: float, source: tuple[str, int]) -> None:
        """https://www.rfc-editor.org/rfc/rfc7983"""
        self._bytes_received += len(datagram)
        first = datagram[0] if datagram else 255
        if 128 <= first < 192 and len(datagram) >= 12:
            self._receive_srtp(datagram, arrived_at)
        elif first < 4:
            self._receive_stun(datagram, source, arrived_at)
        elif 20 <= first < 64:
            self._receive_dtls(datagram)

    def _receive_srtp(self, datagram: bytes, arrived_at: float) -> None:
        srtp = self._srtp
        if srtp is None:
            return  # It overtook the end of the handshake.
        try:
            if 192 <= datagram[1] < 224:
                self._media.report(srtp.unprotect_rtcp(datagram), arrived_at)
            else:
                self._media.heard.packet(srtp.unprotect(datagram), arrived_at)
        except pylibsrtp.Error as error:
            if is_replay(error):
                self._duplicated += 1
            else:
                self._unauthenticated += 1
        except ValueError:
            self._unauthenticated += 1

    def _receive_stun(self, datagram: bytes, source: tuple[str, int], at: float) -> None:
        ice = self._ice
        connecting = ice.selected is None
        answer = ice.receive(datagram, source, at)
        if answer is not None:
            self._send(answer)
        if connecting and ice.selected is not None:
            self._path.connect(ice.selected)
            self._measures.note(Latency.SET_UP_ICE, ice.selected_at - (ice.began_at or 0.0))
            self._begin_dtls()
            self._shake(self._dtls.start)

    def _receive_dtls(self, datagram: bytes) -> None:
        if self._ice.selected is None:
            return  # It will be sent again.
        self._begin_dtls()
        records: list[bytes] = []
        self._shake(lambda: records.extend(self._dtls.receive(datagram)))
        if self._srtp is None and self._dtls.keys is not None:
            self._srtp = SrtpSession(self._dtls.keys)
            assert self._dtls_began_at is not None
            self._measures.note(Latency.SET_UP_DTLS, time.monotonic() - self._dtls_began_at)
            self.connected.set_result(None)
        for record in records:
            self.record_received(record)
        if self._dtls.closed:
            raise FailedCallError(Failure.ENDED_EARLY, "the far side closed DTLS")

    def _begin_dtls(self) -> None:
        if self._dtls_began_at is None:
            self._dtls_began_at = time.monotonic()

    def _shake(self, step: Callable[[], None]) -> None:
        try:
            step()
        except DtlsError as error:
            raise FailedCallError(Failure.DTLS_ERROR, str(error)) from error
        finally:
            self._flush_dtls()

    def _flush_dtls(self) -> None:
        to = self._ice.selected
        for datagram in self._dtls.take_datagrams():
            if to is not None:
                self._send(Sent(datagram, to))

    def _send(self, sent: Sent) -> None:
        self._bytes_sent += len(sent.datagram)
        self._path.send(sent.datagram, sent.to)

    def _each_second(self, srtp: SrtpSession) -> None:
        now = time.monotonic()
        if not self._ice.consents(now):
            raise FailedCallError(Failure.CONSENT_LOST)
        if (report := self._media.due_report(now)) is not None:
            assert self._ice.selected is not None
            self._send(Sent(srtp.protect_rtcp(report), self._ice.selected))
        if change := self._path.change_address(now):
            self._measures.count(Count.ADDRESS_CHANGES)
            if change == "move":
                # A client knows its own address, and not what a NAT makes of it.
                self._ice.check_soon()
        self._settle()

    def _settle(self) -> None:
        self._media.settle()
        round_trips = self._ice.take_round_trips()
        self._measures.note_many(Latency.ROUND_TRIP, round_trips)
        self._measures.note_many(Latency.ONE_WAY_DELAY, [each / 2 for each in round_trips])
        self._unauthenticated += self._ice.unauthenticated
        for what, number in (
            (Count.BYTES_SENT, self._bytes_sent),
            (Count.BYTES_RECEIVED, self._bytes_received),
            (Count.FRAMES_DROPPED, self._dropped),
            (Count.FRAMES_UNAUTHENTICATED, self._unauthenticated),
            (Count.FRAMES_DUPLICATED, self._duplicated),
        ):
            if number:
                self._measures.count(what, number)
        self._ice.unauthenticated = 0
        self._bytes_sent = self._bytes_received = 0
        self._dropped = self._unauthenticated = self._duplicated = 0

    def _end(self, failed: FailedCallError) -> None:
        if not self.over.done():
            self.over.set_result(failed)
