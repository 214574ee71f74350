"""The product's ears: its receiver, and the half of the embedded engine that hears."""

from collections.abc import Callable
from dataclasses import dataclass

from antiphon_proto.trunk import SessionConfig, SpeechStarted, TurnDetection, TurnEnded
from bench.dtx.conversation import Turn
from bench.dtx.microphone import FRAME_S, OPUS, RED
from inference.engine_output import EngineOutput
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.cascade.listener import Listener
from inference.engines.cascade.recogniser import SAMPLE_RATE, RecogniserStream
from inference.engines.cascade.vad import SileroModel, VoiceBatch
from transceiver.audio.format import AudioFormat, Codec
from transceiver.audio.receiver import AudioFrame, AudioReceiver
from transceiver.rtp.packet import RtpPacket

TICK_PHASE_S = 0.007
"""Of the receiver's tick, after a packet's arrival."""


@dataclass(slots=True)
class Heard:
    """A turn as the engine found it, on the media clock; `begun_s` and `found_s` are when it
    found the start and the end."""

    start_s: float
    begun_s: float
    end_s: float = 0.0
    found_s: float = 0.0
    text: str = ""

    def overlaps(self, turn: Turn) -> bool:
        return self.start_s < turn.end_s and turn.start_s < self.end_s


class Ears:
    """The engine's half that hears, on a virtual clock."""

    def __init__(self, model: SileroModel, recogniser: RecogniserStream) -> None:
        self.now = 0.0
        self.heard: list[Heard] = []
        self._waiting: list[Callable[[], None]] = []
        self._ended = False
        batch = VoiceBatch(model, CascadeCounters(), self._waiting.append)
        config = SessionConfig(turn_detection=TurnDetection())
        self._listener = Listener(config, batch, recogniser, self._take, lambda: self.now)

    async def push(self, frames: list[AudioFrame]) -> None:
        for frame in frames:
            self._listener.push_audio(frame.position, frame.pcm)
        while self._waiting:
            self._waiting.pop()()
        if self._ended:
            self._ended = False
            self.heard[-1].text = await self._listener.commit().transcript(lambda: self.now)

    def _take(self, output: EngineOutput) -> None:
        if isinstance(output, SpeechStarted):
            self.heard.append(Heard(output.audio_start_ms / 1000, self.now))
        elif isinstance(output, TurnEnded):
            self.heard[-1].end_s = output.voiced_end_ms / 1000
            self.heard[-1].found_s = self.now
            self._ended = True


async def listen(arrivals: list[tuple[float, RtpPacket]], ears: Ears) -> None:
    """Have the ears hear packets at the times at which they arrive."""
    receiver = AudioReceiver(AudioFormat(Codec.OPUS, OPUS, RED), SAMPLE_RATE)
    tick_at = TICK_PHASE_S
    for arrived, packet in arrivals:
        while tick_at < arrived:
            ears.now = tick_at
            await ears.push(receiver.tick(tick_at))
            tick_at += FRAME_S
        ears.now = arrived
        await ears.push(receiver.receive(packet, arrived))
