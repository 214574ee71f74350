"""What a user who says nothing costs a transceiver worker: `python -m bench.silent_users`.

`cpu_ms`: many calls at once through a whole deployment, whose engine hears them and says
nothing; `receiver_ms`: the part of it from an unprotected packet to the engine's frames, alone.
Both are milliseconds of the worker's CPU for a second of one call, the least of all rounds,
since whatever else the machine does only adds to it:

- absent: connected, but sending no media;
- room: an open microphone in a quiet room, 50 packets a second;
- muted: a muted microphone, as many packets, their audio level not negotiated;
- levelled: the same with its audio level, by which nothing is decoded;
- dtx: the muted microphone with discontinuous transmission: what it comes to in a pause.
"""

import argparse
import asyncio
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from antiphon.wav import RATE, Samples
from bench.dtx.conversation import hiss
from bench.dtx.microphone import Microphone
from bench.figures import publish
from bench.measured_process import cpu_clock
from bench.transceiver.generator import Generator, Service
from bench.transceiver.load_client import Habits, LoadClient
from bench.transceiver.session_description import OPUS
from bench.transceiver.speech import FRAME_MS, FRAME_TICKS
from tests.e2e.running_deployment import RunningDeployment, running_deployment
from transceiver.audio.format import AudioFormat, Codec, HeaderExtensionIds
from transceiver.audio.receiver import AudioReceiver
from transceiver.rtp.packet import RtpPacket

RECORDED_S = 20.0
WARM_UP_S = 2.0
RECEIVER_RUNS = 5
ENGINE_RATE = 16_000
ROOM_RMS = 16
"""Of its noise: 66 dB below full scale."""

LEVEL = "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
DIGITAL_SILENCE = bytes.fromhex("bede0001 107f0000")
_RTP = struct.Struct(">BBHII")


@dataclass(frozen=True, slots=True)
class Silence:
    """A way of saying nothing: what is sent each 20 ms, and whether its level is told."""

    payloads: Sequence[bytes | None]
    levelled: bool = False


class SilentClient(LoadClient):
    """A load client that says nothing."""

    silence: Silence

    @property
    def offer(self) -> str:
        return super().offer + (LEVEL if self.silence.levelled else "")

    def speak(self) -> None:
        payload = self.silence.payloads[self.sent % len(self.silence.payloads)]
        timestamp = self.sent * FRAME_TICKS
        self.sent += 1
        if payload is None or self._sender is None:
            return
        self._sequence = self._sequence + 1 & 0xFFFF
        extension = DIGITAL_SILENCE if self.silence.levelled else b""
        first = 0x90 if extension else 0x80
        header = _RTP.pack(first, OPUS, self._sequence, timestamp, self._local.ssrc)
        self._send(self._sender.protect(header + extension + payload))


class SilentCalls(Generator):
    """Calls of silent clients."""

    def __init__(self, service: Service, silence: Silence) -> None:
        super().__init__(service, Habits(speech=[b""]))
        self._silence = silence

    def _new_client(self) -> LoadClient:
        client = SilentClient(self._certificate, self._habits)
        client.silence = self._silence
        return client


def ways() -> dict[str, Silence]:
    count = int(RECORDED_S * RATE)
    noise = hiss(count)
    room: Samples = (ROOM_RMS * noise / noise.std()).astype(np.int16)
    nothing = np.zeros(count, np.int16)
    muted = list(Microphone(dtx=False).payloads(nothing))
    return {
        "absent": Silence([None]),
        "room": Silence(list(Microphone(dtx=False).payloads(room))),
        "muted": Silence(muted),
        "levelled": Silence(muted, levelled=True),
        "dtx": Silence(list(Microphone(dtx=True).payloads(nothing))),
    }


async def cost_ms(
    deployment: RunningDeployment, silence: Silence, calls: int, seconds: float
) -> float:
    """CPU of the worker for a second of one call."""
    workers = deployment.tier("transceiver").children()
    clock = cpu_clock(worker.pid for worker in workers)
    generator = SilentCalls(Service(deployment.url, deployment.api_key), silence)
    loop = asyncio.get_running_loop()
    try:
        await generator.place(calls)
        generator.start()
        await asyncio.sleep(WARM_UP_S)
        used, start = clock(), loop.time()
        await asyncio.sleep(seconds)
        return 1000 * (clock() - used) / (loop.time() - start) / calls
    finally:
        await generator.close()


def receiver_ms(silence: Silence) -> float:
    """From packets to frames."""
    packets = list(_packets(silence))
    level_id = 1 if silence.levelled else None
    audio_format = AudioFormat(
        Codec.OPUS, OPUS, extensions=HeaderExtensionIds(audio_level=level_id)
    )
    runs = []
    for _ in range(RECEIVER_RUNS):
        receiver = AudioReceiver(audio_format, ENGINE_RATE)
        start = time.process_time()
        for place, packet in enumerate(packets):
            now = place * FRAME_MS / 1000
            if packet is not None:
                receiver.receive(RtpPacket.parse(packet), now)
            receiver.tick(now + FRAME_MS / 2000)
        runs.append(time.process_time() - start)
    return 1000 * min(runs) / (len(packets) * FRAME_MS / 1000)


def _packets(silence: Silence) -> Iterator[bytes | None]:
    extension, sequence = DIGITAL_SILENCE if silence.levelled else b"", 0
    for place, payload in enumerate(silence.payloads):
        if payload is None:
            yield None
        else:
            timestamp = place * FRAME_TICKS
            yield RtpPacket(
                OPUS, sequence & 0xFFFF, timestamp, 1, payload, extension=extension
            ).encode()
            sequence += 1


async def measure(
    deployment: RunningDeployment, calls: int, seconds: float, rounds: int
) -> dict[str, float | str]:
    figures: dict[str, float | str] = {"calls": calls, "seconds": seconds, "rounds": rounds}
    silences = ways()
    costs: dict[str, list[float]] = {name: [] for name in silences}
    for _ in range(rounds):
        for name, silence in silences.items():
            costs[name].append(await cost_ms(deployment, silence, calls, seconds))
    for name, silence in silences.items():
        packets = sum(payload is not None for payload in silence.payloads) / len(silence.payloads)
        figures[f"{name}.receiver_ms"] = round(receiver_ms(silence), 3)
        figures[f"{name}.cpu_ms"] = round(min(costs[name]), 3)
        figures[f"{name}.packets_per_second"] = round(50 * packets, 1)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.silent_users")
    parser.add_argument("--calls", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with running_deployment() as deployment:
        figures = asyncio.run(
            measure(deployment, arguments.calls, arguments.seconds, arguments.rounds)
        )
    publish("silent_users", figures)


if __name__ == "__main__":
    main()
