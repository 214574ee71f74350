"""One caller of the load: a UDP socket, ICE, DTLS, SRTP and speech that was encoded before.

It does for a call what a browser does, with as little work for each packet as can be: the
machine that is measured makes its load too. What arrives is stamped by the kernel
(SO_TIMESTAMPNS), so that nothing of this process counts as lateness of the server.
"""

import os
import secrets
import socket
import struct
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiortc import rtp

from antiphon_proto import stun
from antiphon_proto.demux import PacketKind, packet_kind
from bench.transceiver.arrivals import Arrivals
from bench.transceiver.session_description import (
    OPUS,
    RED,
    Answer,
    LocalParameters,
    offer,
    parse_answer,
)
from bench.transceiver.speech import FRAME_TICKS
from transceiver.dtls import DtlsCertificate, DtlsEndpoint
from transceiver.rtp.red import RedBlock, encode_red
from transceiver.srtp import SrtpReceiver, SrtpSender

RECEIVE_BYTES = 2048
BUFFER_BYTES = 1 << 20
NTP_UNIX_S = 2_208_988_800

_SO_TIMESTAMPNS = 35
"""https://www.kernel.org/doc/html/latest/networking/timestamping.html"""
_TIMESPEC = struct.Struct("@ll")
_RTP = struct.Struct(">BBHII")
_TIMESTAMPS = 1 << 32


@dataclass(frozen=True, slots=True)
class Habits:
    """What all clients of a load do alike."""

    speech: Sequence[bytes]
    """Opus packets of 20 ms, repeated for ever."""
    red: bool = False
    """Send each frame again along with the next."""
    data_channel: bool = False
    named: bool = False
    """Say in the session's instructions who calls, for an engine that takes notes."""
    host: str = "127.0.0.1"
    """The address that they call from."""


class LoadClient:
    """A call from its offer on; `drop_next` and `lose` leave packets out as a network would.

    Its user calls `receive` when the socket is readable, and `speak` every 20 ms.
    """

    def __init__(
        self,
        certificate: DtlsCertificate,
        habits: Habits,
        *,
        starts_at: int = 0,
        lose: Callable[[], bool] = lambda: False,
        data_received: Callable[[bytes], None] = lambda _record: None,
    ) -> None:
        """`starts_at` is the frame of the speech that it says first."""
        self.arrivals = Arrivals()
        self.connected_at: float | None = None
        self.round_trips = 0
        """Turns of the handshakes by UDP: how often it had to wait for what the server sends."""
        self.sent = 0
        """Frames spoken, lost ones too."""
        self.spoken_at = array("d")
        """When each of them left, by the monotonic clock."""
        self.unheard = 0
        """Of its packets, those that the server misses, by its last report."""
        self.left_out: list[int] = []
        """The numbers of those that `lose` and `drop_next` took from the server."""
        self.socket = _stamping_socket(habits.host)
        self._habits = habits
        self._certificate = certificate
        self._speech = habits.speech
        self._starts_at = starts_at
        self._lose = lose
        self._drop_next = 0
        self._data_received = data_received
        self._local = LocalParameters(
            ufrag=secrets.token_hex(4),
            password=secrets.token_hex(12),
            address=self.socket.getsockname(),
            fingerprint=certificate.fingerprint,
            ssrc=secrets.randbits(32),
            red=habits.red,
            data_channel=habits.data_channel,
        )
        self._sequence = secrets.randbits(15)
        self._remote: Answer
        self._dtls: DtlsEndpoint
        self._sender: SrtpSender | None = None
        self._receiver: SrtpReceiver | None = None
        self._remote_ssrc = 0
        self._highest_sequence = 0
        self._sender_report: tuple[int, float] = (0, 0.0)
        self._awaiting = False

    @property
    def offer(self) -> str:
        return offer(self._local)

    @property
    def name(self) -> str | None:
        """What its session's instructions say, if anything."""
        return self._local.ufrag if self._habits.named else None

    @property
    def connected(self) -> bool:
        """Whether media can flow."""
        return self._sender is not None

    @property
    def speaks_redundantly(self) -> bool:
        """Whether it repeats frames: it can, and the server wants it."""
        return self._habits.red and self._remote.payload_type == RED

    @property
    def dtls_client(self) -> bool:
        return not self._remote.dtls_client

    def answered(self, sdp: str) -> None:
        """Take the answer, and start. Raises AnswerError."""
        self._remote = remote = parse_answer(sdp)
        self.socket.connect(remote.address)
        self._dtls = DtlsEndpoint(self._certificate, [remote.fingerprint], client=self.dtls_client)
        self.check()

    def check(self) -> None:
        """Send a connectivity check that nominates; also what keeps the server's consent."""
        self._send(
            stun.binding_request(
                os.urandom(12),
                username=self._remote.ufrag + b":" + self._local.ufrag.encode(),
                password=self._remote.password,
                priority=1845501695,
                tie_breaker=1,
                controlling=True,
                use_candidate=True,
            )
        )

    def receive(self) -> None:
        """Take one datagram from the socket."""
        try:
            datagram, stamps, _flags, _address = self.socket.recvmsg(RECEIVE_BYTES, 64)
        except (BlockingIOError, ConnectionRefusedError):
            return
        kind = packet_kind(datagram)
        if kind is PacketKind.RTP:
            self._highest_sequence = datagram[2] << 8 | datagram[3]
            self.arrivals.note(datagram, _nanoseconds(stamps[0][2]))
            return
        if kind is PacketKind.STUN:
            self._receive_stun(datagram)
        elif kind is PacketKind.DTLS:
            self._receive_dtls(datagram)
        elif kind is PacketKind.RTCP:
            self._receive_rtcp(datagram)

    def speak(self) -> None:
        """Send the next frame, or leave it out."""
        sender, frame = self._sender, self.sent
        if sender is None:
            return
        self.sent += 1
        self.spoken_at.append(time.monotonic())
        self._sequence = self._sequence + 1 & 0xFFFF
        if self._drop_next or self._lose():
            self._drop_next = max(0, self._drop_next - 1)
            self.left_out.append(frame)
            return
        payload = self._frame(frame)
        payload_type = OPUS
        if frame and self.speaks_redundantly:
            earlier = RedBlock(OPUS, FRAME_TICKS, self._frame(frame - 1))
            payload_type, payload = RED, encode_red([earlier, RedBlock(OPUS, 0, payload)])
        header = _RTP.pack(
            0x80,
            payload_type,
            self._sequence,
            frame * FRAME_TICKS % _TIMESTAMPS,
            self._local.ssrc,
        )
        self._send(sender.protect(header + payload))

    def drop_next(self, frames: int = 1) -> None:
        """Lose the next frames on their way to the server."""
        self._drop_next = frames

    def report(self) -> None:
        """Send a sender report, with what we hear of the server if it speaks."""
        if self._sender is None:
            return
        now = time.time()
        middle, received_at = self._sender_report
        heard = rtp.RtcpReceiverInfo(
            ssrc=self._remote_ssrc,
            fraction_lost=0,
            packets_lost=0,
            highest_sequence=self._highest_sequence,
            jitter=0,
            lsr=middle,
            dlsr=int((now - received_at) * 65536) if middle else 0,
        )
        info = rtp.RtcpSenderInfo(
            ntp_timestamp=int((now + NTP_UNIX_S) * (1 << 32)),
            rtp_timestamp=self.sent * FRAME_TICKS % _TIMESTAMPS,
            packet_count=self.sent,
            octet_count=0,
        )
        report = rtp.RtcpSrPacket(self._local.ssrc, info, [heard] if self._remote_ssrc else [])
        self._send(self._sender.protect_rtcp(bytes(report)))

    def send_data(self, record: bytes) -> None:
        """Send an SCTP packet."""
        self._dtls.send(record)
        self._flush_dtls()

    def close(self) -> None:
        """Say goodbye by DTLS, which ends the call."""
        if self.connected:
            self._dtls.close()
            self._flush_dtls()
        self.socket.close()

    def _frame(self, number: int) -> bytes:
        return self._speech[(self._starts_at + number) % len(self._speech)]

    def _send(self, datagram: bytes) -> None:
        self._awaiting = True
        try:
            self.socket.send(datagram)
        except (BlockingIOError, ConnectionRefusedError):
            return  # Lost: the server's counts tell.

    def _count_turn(self) -> None:
        if self._awaiting and not self.connected:
            self.round_trips += 1
        self._awaiting = False

    def _receive_stun(self, datagram: bytes) -> None:
        message = stun.parse(datagram)
        if message.message_class is stun.StunClass.REQUEST:
            answer = stun.binding_success(
                message.transaction_id,
                mapped=self._remote.address,
                password=self._local.password.encode(),
            )
            self.socket.send(answer)
            return
        self._count_turn()
        if self.dtls_client and not self.connected:
            self._dtls.start()
            self._flush_dtls()

    def _receive_dtls(self, datagram: bytes) -> None:
        self._count_turn()
        self._dtls.receive(datagram)
        self._flush_dtls()
        keys = self._dtls.srtp_keys
        if keys is not None and self._sender is None:
            self._sender, self._receiver = SrtpSender(keys), SrtpReceiver(keys)
            self.connected_at = time.monotonic()
        for record in self._dtls.take_application_data():
            self._data_received(record)

    def _flush_dtls(self) -> None:
        for datagram in self._dtls.take_datagrams():
            self._send(datagram)

    def _receive_rtcp(self, datagram: bytes) -> None:
        if self._receiver is None:
            return
        for packet in rtp.RtcpPacket.parse(self._receiver.unprotect_rtcp(datagram)):
            if isinstance(packet, rtp.RtcpSrPacket):
                self._remote_ssrc = packet.ssrc
                middle = packet.sender_info.ntp_timestamp >> 16 & 0xFFFFFFFF
                self._sender_report = (middle, time.time())
                self.unheard = max([0, *(each.packets_lost for each in packet.reports)])


def _stamping_socket(host: str) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    made.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    made.bind((host, 0))
    return made


def _nanoseconds(timespec: bytes) -> int:
    seconds, nanoseconds = _TIMESPEC.unpack(timespec)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)
