"""A far side that costs next to nothing: ICE lite, DTLS, SRTP, and each packet straight back.

It takes the same POSTs as a transceiver, without a data channel. What comes is authenticated,
gets the echo's own SSRC and sequence numbers, and is sent back as it is: nothing is decoded, so
that what a caller finds wrong was put there, by `POST /faults` (see `Faults`; those of the last
one hold) and by `POST /stall?seconds=S`, which stops all of it for so long.
`--http`, `--ready-fd`.
"""

import argparse
import asyncio
import secrets
import socket
import time

import msgspec
import uvloop
from aiohttp import web

from antiphon_proto import stun
from antiphon_proto.address import Address
from chassis.host_port import HostPort
from chassis.readiness import report_ready
from transceiver.dtls import DtlsCertificate, DtlsEndpoint, DtlsError
from transceiver.fingerprint import Fingerprint
from transceiver.srtp import SrtpError, SrtpReceiver, SrtpSender

BUFFER_BYTES = 8 << 20
AT_ONCE = 64
"""Datagrams that are read in a row before others have their turn."""


class Faults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is done to the echoes of each call, by the numbers of its packets."""

    lose_every: int = 0
    repeat_every: int = 0
    late_every: int = 0
    late_ms: float = 0.0
    forge_every: int = 0
    """A forgery is sent besides."""


class Call:
    """One, from its offer on."""

    def __init__(self, sdp: str, certificate: DtlsCertificate) -> None:
        self.ufrag, self.password = secrets.token_hex(4), secrets.token_hex(12)
        algorithm, digest = _after(sdp, "a=fingerprint:").split()
        self._dtls = DtlsEndpoint(certificate, [Fingerprint.parse(algorithm, digest)], client=False)
        self._ssrc = secrets.token_bytes(4)
        self._sequence = secrets.randbits(15)
        self._echoes = 0
        self._sender: SrtpSender | None = None
        self._receiver: SrtpReceiver | None = None

    def shake_hands(self, datagram: bytes) -> list[bytes]:
        """The answer to a datagram of DTLS."""
        try:
            self._dtls.receive(datagram)
        except DtlsError:
            return []
        if self._sender is None and self._dtls.srtp_keys is not None:
            self._sender = SrtpSender(self._dtls.srtp_keys)
            self._receiver = SrtpReceiver(self._dtls.srtp_keys)
        return self._dtls.take_datagrams()

    @property
    def over(self) -> bool:
        return self._dtls.closed

    def echo(self, datagram: bytes, faults: Faults) -> list[tuple[float, bytes]]:
        """What is sent for a packet of SRTP, and after how many seconds."""
        if self._sender is None or self._receiver is None or 192 <= datagram[1] < 224:
            return []
        try:
            packet = self._receiver.unprotect(datagram)
        except SrtpError:
            return []
        self._sequence = self._sequence + 1 & 0xFFFF
        self._echoes += 1
        sequence = self._sequence.to_bytes(2, "big")
        back = self._sender.protect(packet[:2] + sequence + packet[4:8] + self._ssrc + packet[12:])
        return self._spoiled(back, faults)

    def _spoiled(self, packet: bytes, faults: Faults) -> list[tuple[float, bytes]]:
        def falls_on(every: int) -> bool:
            return every > 0 and self._echoes % every == 0

        sent = [] if falls_on(faults.lose_every) else [(0.0, packet)]
        if falls_on(faults.repeat_every):
            sent.append((0.0, packet))
        if falls_on(faults.late_every):
            sent = [(faults.late_ms / 1000, packet)]
        if falls_on(faults.forge_every):
            # Of a number to come: what came already is not even verified.
            number = self._sequence + 100 & 0xFFFF
            sent.append((0.0, packet[:2] + number.to_bytes(2, "big") + packet[4:]))
        return sent


class MediaEcho:
    """All calls, on one UDP port."""

    def __init__(self, host: str) -> None:
        self.faults = Faults()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            self._socket.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
        self._socket.bind((host, 0))
        self._certificate = DtlsCertificate()
        self._by_ufrag: dict[str, Call] = {}
        self._by_address: dict[Address, Call] = {}

    def start(self) -> None:
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def answer(self, sdp: str) -> str:
        """To an offer."""
        call = Call(sdp, self._certificate)
        self._by_ufrag[call.ufrag] = call
        host, port = self._socket.getsockname()
        formats = _after(sdp, "m=audio ").split()[2:]
        lines = (
            *("v=0", f"o=- 1 1 IN IP4 {host}", "s=-", "t=0 0", "a=group:BUNDLE 0", "a=ice-lite"),
            f"m=audio {port} UDP/TLS/RTP/SAVPF {formats[0]}",
            *(f"c=IN IP4 {host}", f"a=ice-ufrag:{call.ufrag}", f"a=ice-pwd:{call.password}"),
            *(f"a=fingerprint:{self._certificate.fingerprint}", "a=setup:passive", "a=mid:0"),
            *("a=sendrecv", "a=rtcp-mux", f"a=rtpmap:{formats[0]} opus/48000/2"),
            f"a=candidate:1 1 udp 2130706431 {host} {port} typ host",
        )
        return "".join(f"{line}\r\n" for line in lines)

    def _read(self) -> None:
        for _ in range(AT_ONCE):
            try:
                datagram, source = self._socket.recvfrom(2048)
            except OSError:
                return
            self._receive(datagram, source)

    def _receive(self, datagram: bytes, source: Address) -> None:
        call, first = self._by_address.get(source), datagram[0] if datagram else 255
        if first < 4:
            self._check(datagram, source)
        elif call is None:
            return
        elif first >= 128:
            for after_s, packet in call.echo(datagram, self.faults):
                self._send_after(after_s, packet, source)
        elif first < 64:
            for answer in call.shake_hands(datagram):
                self._send(answer, source)
            if call.over:
                del self._by_address[source]
                self._by_ufrag.pop(call.ufrag, None)

    def _check(self, datagram: bytes, source: Address) -> None:
        try:
            message = stun.parse(datagram)
        except stun.StunError:
            return
        call = self._by_ufrag.get((message.local_ufrag or b"").decode(errors="replace"))
        if call is None or not message.verify(call.password.encode()):
            return
        self._by_address[source] = call
        answer = stun.binding_success(
            message.transaction_id, mapped=source, password=call.password.encode()
        )
        self._send(answer, source)

    def _send_after(self, after_s: float, packet: bytes, to: Address) -> None:
        if after_s:
            asyncio.get_running_loop().call_later(after_s, self._send, packet, to)
        else:
            self._send(packet, to)

    def _send(self, datagram: bytes, to: Address) -> None:
        try:
            self._socket.sendto(datagram, to)
        except OSError:
            return


def _after(sdp: str, start: str) -> str:
    return next(line[len(start) :] for line in sdp.splitlines() if line.startswith(start))


async def serve(arguments: argparse.Namespace) -> None:
    echo = MediaEcho(arguments.http.host)
    echo.start()

    async def create(request: web.Request) -> web.Response:
        answer = echo.answer(await request.text())
        return web.Response(status=201, text=answer, content_type="application/sdp")

    async def spoil(request: web.Request) -> web.Response:
        echo.faults = msgspec.json.decode(await request.read(), type=Faults)
        return web.Response()

    async def stall(request: web.Request) -> web.Response:
        time.sleep(float(request.query["seconds"]))
        return web.Response()

    app = web.Application()
    routes = [web.post("/v1/realtime/calls", create), web.post("/faults", spoil)]
    app.add_routes([*routes, web.post("/stall", stall)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, arguments.http.host, arguments.http.port, backlog=1024).start()
    host, port = runner.addresses[0][:2]
    report_ready(arguments.ready_fd, {"http": f"{host}:{port}"})
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--http", type=HostPort.parse, default=HostPort("127.0.0.1", 0))
    parser.add_argument("--ready-fd", type=int)
    uvloop.run(serve(parser.parse_args()))
