"""A call to the Realtime API over WebRTC, as a browser places it."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import aiohttp
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.codecs.opus import OpusDecoder
from aiortc.contrib.media import MediaBlackhole
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtp import RtpPacket
from av import AudioFrame

from antiphon.microphone import Microphone
from antiphon.received_audio import ReceivedAudio
from antiphon.unreachable import why_unreachable
from antiphon.wav import Samples

Event = Mapping[str, Any]
"""A server event's JSON object."""

CONNECT_TIMEOUT_S = 15.0


class CallError(Exception):
    """The call could not be placed, or broke; the text is one clear line."""


@dataclass(frozen=True, slots=True)
class TimedEvent:
    """A server event and the event loop's time at which it arrived."""

    at: float
    event: Event


class RealtimeCall:
    """Use as `async with`; leaving hangs up."""

    def __init__(self, on_event: Callable[[TimedEvent], None] = lambda event: None) -> None:
        self.microphone = Microphone()
        self.heard = ReceivedAudio()
        self.events: list[TimedEvent] = []
        self.posted_at = 0.0
        """When the offer was sent, on the event loop's clock."""
        self.call_id = ""
        self.answer = ""
        """The SDP of the server."""
        self._on_event = on_event
        self._news = asyncio.Event()
        self._failure: str | None = None
        self._unused_tracks = MediaBlackhole()
        # No STUN server: the server learns the client's address from its packets.
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peer.addTrack(self.microphone)
        self._channel = self._peer.createDataChannel("oai-events")
        self._channel.on("message", self._receive_event)
        self._peer.on("connectionstatechange", self._note_state)
        self._peer.on("track", self._unused_tracks.addTrack)
        self._tap(self._peer.getTransceivers()[0].receiver)

    async def __aenter__(self) -> "RealtimeCall":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._unused_tracks.stop()
        await self._peer.close()

    async def place(self, url: str, api_key: str, session: Mapping[str, object]) -> None:
        """Exchange SDP and wait until the session is created. Raises CallError."""
        await self._peer.setLocalDescription(await self._peer.createOffer())
        offer = self._peer.localDescription.sdp
        if "a=candidate" not in offer:
            raise CallError("this machine has no network address to call from")
        answer = await self._post(f"{url.rstrip('/')}/v1/realtime/calls", api_key, offer, session)
        self.answer = answer
        try:
            await self._peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        except ValueError as error:
            raise CallError(f"{url} answered with an SDP that cannot be used: {error}") from error
        await self._unused_tracks.start()
        try:
            await self.event("session.created", timeout_s=CONNECT_TIMEOUT_S)
        except CallError:
            if self._peer.iceConnectionState != "completed":
                raise CallError(no_media_path(answer)) from None
            raise

    async def event(self, kind: str, *, since: int = 0, timeout_s: float) -> TimedEvent:
        """The first event of this type from index `since` of `events` on; waits for it.

        Raises CallError when the call breaks or the time runs out first.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while (found := self.find(kind, since)) is None:
                    self.check()
                    await self._news.wait()
        except TimeoutError:
            raise CallError(f"no {kind} event within {timeout_s:g} s") from None
        return found

    def find(self, kind: str, since: int = 0) -> TimedEvent | None:
        """The first event of this type from index `since` of `events` on."""
        return next((e for e in self.events[since:] if e.event["type"] == kind), None)

    def check(self) -> None:
        """Raises CallError if the call broke."""
        if self._failure is not None:
            raise CallError(self._failure)

    def send(self, event: Event) -> None:
        """Send a client event on the data channel."""
        self._channel.send(json.dumps(event))

    async def _post(self, url: str, api_key: str, offer: str, session: Mapping[str, object]) -> str:
        form = aiohttp.FormData()
        form.add_field("sdp", offer, content_type="application/sdp")
        form.add_field("session", json.dumps(session), content_type="application/json")
        self.posted_at = asyncio.get_running_loop().time()
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(CONNECT_TIMEOUT_S)) as http,
                http.post(
                    url, data=form, headers={"Authorization": f"Bearer {api_key}"}
                ) as response,
            ):
                text = await response.text()
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise CallError(f"cannot reach {url}: {why_unreachable(error)}") from error
        if response.status != 201:
            raise CallError(f"{url} refused the call: {response.status} {_reason(text)}")
        self.call_id = response.headers.get("Location", "").rpartition("/")[2]
        return text

    def _tap(self, receiver: RTCRtpReceiver) -> None:
        """Listen to packets as they arrive.

        A track of aiortc holds four packets back, for good when the sender then
        falls silent: an answer would lose its end, and latencies gain 80 ms.
        """
        decoder = OpusDecoder()
        handle = receiver._handle_rtp_packet
        loop = asyncio.get_running_loop()

        async def listen(packet: RtpPacket, arrival_time_ms: int) -> None:
            arrived_at = loop.time()
            await handle(packet, arrival_time_ms)
            if packet.payload:
                samples = _decode(decoder, packet)
                self.heard.add(packet.timestamp, samples, arrived_at)

        receiver._handle_rtp_packet = listen  # type: ignore[method-assign]

    def _receive_event(self, text: str | bytes) -> None:
        event = TimedEvent(asyncio.get_running_loop().time(), json.loads(text))
        self.events.append(event)
        self._on_event(event)
        self._tell()

    def _note_state(self) -> None:
        if self._peer.connectionState in ("failed", "closed"):
            self._failure = f"the connection {self._peer.connectionState}"
        self._tell()

    def _tell(self) -> None:
        """Wake whoever waits for news."""
        self._news.set()
        self._news = asyncio.Event()


def _decode(decoder: OpusDecoder, packet: RtpPacket) -> Samples:
    """The packet's samples, mono. A lost packet is heard as silence, not concealed."""
    frames = decoder.decode(JitterFrame(packet.payload, packet.timestamp))
    stereo = [
        frame.to_ndarray().reshape(-1, 2) for frame in frames if isinstance(frame, AudioFrame)
    ]
    if not stereo:
        return np.zeros(0, dtype=np.int16)
    samples: Samples = np.concatenate(stereo).mean(axis=1).astype(np.int16)
    return samples


def _reason(body: str) -> str:
    """The message of an OpenAI-shaped error, else the body's first line."""
    with contextlib.suppress(ValueError, TypeError, KeyError):
        return str(json.loads(body)["error"]["message"])
    return body.strip().partition("\n")[0][:200]


def no_media_path(answer: str) -> str:
    """What to tell of a call whose answer's candidates stayed silent."""
    candidates = [line.split() for line in answer.splitlines() if line.startswith("a=candidate:")]
    # Each bundled section repeats the candidates.
    addresses = dict.fromkeys(f"{fields[4]}:{fields[5]}" for fields in candidates)
    where = ", ".join(addresses) or "no address at all"
    return f"no media path: nothing answered on UDP at {where}"
