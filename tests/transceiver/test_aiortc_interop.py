"""The media parts against aiortc's full stack, which shares none of their code but SCTP.

A server of a few lines joins them behind one UDP socket on the loopback interface.
"""

import asyncio
import fractions
import math
import os
import random
import time
from collections.abc import AsyncIterator, Callable

import aiortc
import av
import numpy as np
import pytest

from antiphon_proto import stun
from antiphon_proto.address import Address
from antiphon_proto.demux import PacketKind, packet_kind
from transceiver.audio.codec_factory import make_encoder
from transceiver.audio.format import Codec
from transceiver.audio.receiver import AudioFrame, AudioReceiver
from transceiver.data_channel import ChannelEnd, DataChannel
from transceiver.dtls import DtlsCertificate, DtlsEndpoint
from transceiver.ice import IceAgent, IceCredentials
from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.reports import RtcpSession
from transceiver.rtp.sender import RtpSender
from transceiver.sdp import AnswerParameters, Offer, build_answer, parse_offer
from transceiver.srtp import SrtpReceiver, SrtpSender

RATE = 24000
FRAME = RATE // 50
CERTIFICATE = DtlsCertificate()
CREDENTIALS = IceCredentials("serverufrag", "p" * 24)


class Server(asyncio.DatagramProtocol):
    """One call: answers checks, shakes hands, echoes messages, plays a tone."""

    def __init__(self, offer: Offer) -> None:
        self.offer = offer
        self.heard: list[AudioFrame] = []
        self.messages: list[str] = []
        self.ends: list[ChannelEnd] = []
        self.ice = IceAgent(CREDENTIALS, offer.ice, random_bytes=os.urandom)
        self.dtls = DtlsEndpoint(CERTIFICATE, offer.fingerprints, client=offer.dtls_client)
        self.audio = AudioReceiver(offer.format, RATE)
        self.sender = RtpSender(
            payload_type=offer.format.payload_type,
            ssrc=77,
            sequence=65530,
            timestamp=2**32 - 10,
            clock_rate=offer.format.codec.clock_rate,
        )
        self.rtcp = RtcpSession(
            self.sender, cname="antiphon", epoch_s=4e9, random=random.Random(1).random
        )
        self.encoder = make_encoder(offer.format, RATE)
        self.channel: DataChannel | None = None
        self.srtp: tuple[SrtpSender, SrtpReceiver] | None = None
        self.started = False
        self.played = 0

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport
        self.ticker = asyncio.get_running_loop().create_task(self._tick())

    def datagram_received(self, data: bytes, client: Address) -> None:
        now = time.monotonic()
        match packet_kind(data):
            case PacketKind.STUN:
                self.ice.receive(stun.parse(data), len(data), client, now)
                if self.ice.selected is not None and not self.started:
                    self.started = True
                    self.dtls.start()
            case PacketKind.DTLS:
                self.dtls.receive(data)
                self._follow_dtls()
            case PacketKind.RTP if self.srtp is not None:
                packet = RtpPacket.parse(self.srtp[1].unprotect(data))
                self.rtcp.receive_rtp(packet, now)
                self.heard += self.audio.receive(packet, now)
            case PacketKind.RTCP if self.srtp is not None:
                self.rtcp.receive(self.srtp[1].unprotect_rtcp(data), now)
        self._flush()

    def _follow_dtls(self) -> None:
        if self.srtp is None and self.dtls.srtp_keys is not None:
            self.srtp = SrtpSender(self.dtls.srtp_keys), SrtpReceiver(self.dtls.srtp_keys)
            self.channel = DataChannel(
                self,
                self.dtls.send,
                client=self.dtls.client,
                remote_port=self.offer.sctp_port,
                max_message_bytes=self.offer.max_message_bytes,
            )
            self.channel.start()
        for record in self.dtls.take_application_data():
            assert self.channel is not None
            self.channel.receive(record)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(0.02)
            now = time.monotonic()
            self.ice.tick(now)
            self.dtls.tick()
            self.heard += self.audio.tick(now)
            if self.srtp is not None and self.ice.selected is not None:
                packet = self.sender.send(self.encoder.encode(tone(self.played)))
                self.played += 1
                self.transport.sendto(self.srtp[0].protect(packet), self.ice.selected)
                report = self.rtcp.tick(now)
                if report is not None:
                    self.transport.sendto(self.srtp[0].protect_rtcp(report), self.ice.selected)
            self._flush()

    def _flush(self) -> None:
        for datagram, client in self.ice.take_datagrams():
            self.transport.sendto(datagram, client)
        for datagram in self.dtls.take_datagrams():
            assert self.ice.selected is not None
            self.transport.sendto(datagram, self.ice.selected)

    def channel_opened(self) -> None:
        assert self.channel is not None
        self.channel.send("session.created")

    def message_received(self, text: str) -> None:
        assert self.channel is not None
        self.messages.append(text)
        self.channel.send("re: " + text)

    def channel_closed(self, end: ChannelEnd) -> None:
        self.ends.append(end)

    async def stop(self) -> None:
        self.ticker.cancel()
        if self.channel is not None:
            self.channel.close()
        self.dtls.close()
        self._flush()
        await asyncio.sleep(0.05)
        self.transport.close()


def tone(frame: int, frequency: float = 440, rate: int = RATE) -> bytes:
    time = (np.arange(rate // 50) + frame * (rate // 50)) / rate
    return (8000 * np.sin(2 * math.pi * frequency * time)).astype("<i2").tobytes()


class ToneTrack(aiortc.mediastreams.AudioStreamTrack):
    """A microphone that hears 440 Hz."""

    frames = 0

    async def recv(self) -> av.AudioFrame:
        await asyncio.sleep(0.02)
        samples = np.frombuffer(tone(self.frames, rate=48000), "<i2").reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, layout="mono")
        frame.sample_rate = 48000
        frame.pts, frame.time_base = self.frames * 960, fractions.Fraction(1, 48000)
        self.frames += 1
        return frame


def pitch(pcm: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(pcm))
    return float(np.argmax(spectrum) * rate / len(pcm))


def snr(pcm: np.ndarray, rate: int, frequency: float = 440) -> float:
    """Decibels of a tone over all else: the median of its tenths of a second."""
    angles = 2 * math.pi * frequency * np.arange(rate // 10) / rate
    tones = np.stack((np.sin(angles), np.cos(angles)), axis=1)
    found = []
    for at in range(0, len(pcm) - len(angles) + 1, len(angles)):
        piece = pcm[at : at + len(angles)].astype(float)
        fit = tones @ np.linalg.lstsq(tones, piece, rcond=None)[0]
        found.append(10 * math.log10(np.mean(fit**2) / np.mean((piece - fit) ** 2)))
    return float(np.median(found))


def left(frames: list[av.AudioFrame]) -> np.ndarray:
    """The samples of the first channel."""
    return np.concatenate([frame.to_ndarray()[0, :: frame.layout.nb_channels] for frame in frames])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
async def peer() -> AsyncIterator[aiortc.RTCPeerConnection]:
    connection = aiortc.RTCPeerConnection()
    yield connection
    await connection.close()


async def call(peer: aiortc.RTCPeerConnection, setup: str = "actpass") -> Server:
    """Negotiate with a new server, without trickling."""
    await peer.setLocalDescription(await peer.createOffer())
    offered = peer.localDescription.sdp.replace("setup:actpass", f"setup:{setup}")
    server = Server(parse_offer(offered))
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: server, ("127.0.0.1", 0)
    )
    host, port = transport.get_extra_info("sockname")
    answer = AnswerParameters(
        ice=CREDENTIALS,
        host=host,
        port=port,
        fingerprint=CERTIFICATE.fingerprint,
        ssrc=77,
        cname="antiphon",
        session_id=1,
    )
    description = aiortc.RTCSessionDescription(build_answer(server.offer, answer), "answer")
    await peer.setRemoteDescription(description)
    return server


@pytest.mark.parametrize("setup", ["actpass", "active"])
async def test_audio_and_messages_cross_both_ways(
    peer: aiortc.RTCPeerConnection, setup: str
) -> None:
    peer.addTrack(ToneTrack())
    channel = peer.createDataChannel("oai-events")
    received: list[str] = []
    channel.on("message", received.append)
    channel.on("open", lambda: channel.send("hello"))
    tracks: list[aiortc.MediaStreamTrack] = []
    peer.on("track", tracks.append)

    server = await call(peer, setup)
    try:
        await until(lambda: received == ["session.created", "re: hello"])
        assert server.messages == ["hello"]
        await until(lambda: server.audio.position > RATE)
        assert server.ice.known == {server.ice.selected: True}
        assert server.ice.rtt is not None

        heard = b"".join(frame.pcm for frame in server.heard)[-RATE:]
        assert pitch(np.frombuffer(heard, "<i2"), RATE) == pytest.approx(440, abs=10)
        assert all(frame.waited_s == 0 for frame in server.heard[:20])

        frames = [await tracks[0].recv() for _ in range(60)]
        assert pitch(left(frames[-25:]), frames[0].sample_rate) == pytest.approx(440, abs=10)

        await until(lambda: server.rtcp.rtt is not None)
        assert server.rtcp.rtt is not None
        assert 0 <= server.rtcp.rtt < 5
    finally:
        await server.stop()


@pytest.mark.parametrize(("codec", "payload_type"), [(Codec.PCMU, 0), (Codec.PCMA, 8)])
async def test_a_client_without_opus_is_heard_and_hears(
    peer: aiortc.RTCPeerConnection, codec: Codec, payload_type: int
) -> None:
    """A tone keeps 30 dB over what eight bits a sample and two resamplers add to it."""
    peer.addTrack(ToneTrack())
    offered = aiortc.RTCRtpSender.getCapabilities("audio").codecs
    peer.getTransceivers()[0].setCodecPreferences(
        [each for each in offered if each.name == codec.value]
    )
    tracks: list[aiortc.MediaStreamTrack] = []
    peer.on("track", tracks.append)

    server = await call(peer)
    try:
        agreed = server.offer.format
        assert (agreed.codec, agreed.payload_type) == (codec, payload_type)
        await until(lambda: server.audio.position > 2 * RATE)
        heard = np.frombuffer(b"".join(frame.pcm for frame in server.heard), "<i2")
        assert snr(heard[-RATE:], RATE) > 30
        assert server.audio.counts.malformed == 0

        frames = [await tracks[0].recv() for _ in range(75)]
        assert {frame.sample_rate for frame in frames} == {8000}
        assert snr(left(frames[25:]), 8000) > 30
    finally:
        await server.stop()


async def test_the_client_hanging_up_is_noticed(peer: aiortc.RTCPeerConnection) -> None:
    peer.addTrack(ToneTrack())
    channel = peer.createDataChannel("oai-events")
    server = await call(peer)
    try:
        await until(lambda: channel.readyState == "open")
        await until(lambda: server.channel is not None and server.channel.open)
        await peer.close()
        await until(lambda: server.dtls.closed and server.ends == [ChannelEnd.PEER])
    finally:
        await server.stop()


async def test_our_hanging_up_is_noticed_by_the_client(peer: aiortc.RTCPeerConnection) -> None:
    peer.addTrack(ToneTrack())
    channel = peer.createDataChannel("oai-events")
    server = await call(peer)
    await until(lambda: channel.readyState == "open")
    await server.stop()
    await until(lambda: channel.readyState == "closed")
