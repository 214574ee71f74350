"""What is said and heard: `voice`, `heard_audio`, `reports`."""

import random

import pytest

from loadtest.callers.fault_gaps import FaultGaps
from loadtest.callers.fleet import RunClock
from loadtest.callers.rtcp_reports import Reports
from loadtest.callers.silence_watch import SilenceWatch
from loadtest.callers.speech import recorded_speech
from loadtest.callers.stream_check import StreamCheck
from loadtest.callers.talk_spurts import SpokenFrame
from loadtest.callers.webrtc.heard_audio import HeardAudio, has_voice
from loadtest.callers.webrtc.voice import Voice, VoiceFormat
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count, Latency
from loadtest.scenario.scenario import Fault, FaultAction, Talk, TalkModel
from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.red import parse_red

SPEECH = recorded_speech()


class Ear:
    def __init__(self) -> None:
        self.at: list[float] = []

    def heard(self, at: float) -> None:
        self.at.append(at)


def voice(red: int | None = None) -> Voice:
    return Voice(SPEECH, VoiceFormat(111, red), 77, random.Random(1))


def test_packets_are_what_another_implementation_reads() -> None:
    microphone = voice()
    silent, spoken = (
        RtpPacket.parse(microphone.packet(each)) for each in (None, SpokenFrame(0, 3, True))
    )

    assert (silent.payload, silent.marker) == (SPEECH.silence, False)
    assert (spoken.payload, spoken.marker) == (SPEECH.utterances[0].packets[3], True)
    assert spoken.ssrc == 77
    assert spoken.sequence - silent.sequence == 1
    assert (spoken.timestamp - silent.timestamp) % (1 << 32) == 960


def test_red_repeats_the_frame_before() -> None:
    microphone = voice(red=63)
    frames = [SpokenFrame(0, number, number == 0) for number in range(3)]
    packets = [RtpPacket.parse(microphone.packet(each)) for each in frames]

    said = SPEECH.utterances[0].packets
    blocks = [[block.payload for block in parse_red(each.payload)] for each in packets]
    assert blocks == [[said[0]], [said[0], said[1]], [said[1], said[2]]]


@pytest.mark.parametrize("red", [None, 63])
def test_hears_voice_and_silence(red: int | None) -> None:
    measures, ear, microphone = Measures(), Ear(), voice(red)
    check = StreamCheck(measures, clock_rate=48_000, on_schedule_s=0.02)
    heard = HeardAudio(lambda: check, ear, red=red, listen=None)
    length = len(SPEECH.utterances[4].packets)
    for number in range(2 * length):
        spoken = SpokenFrame(4, number, False) if number < length else None
        heard.packet(microphone.packet(spoken), number * 0.02)
    heard.settle(final=True)

    assert max(ear.at) < length * 0.02
    assert len(ear.at) > 0.5 * length
    assert measures.take(0).counts[Count.FRAMES_RECEIVED] == 2 * length


def test_listens_to_how_loud_it_is() -> None:
    loudness: list[float] = []
    heard = HeardAudio(
        lambda: StreamCheck(Measures(), clock_rate=48_000, on_schedule_s=0.02),
        Ear(),
        red=None,
        listen=lambda _at, decibels: loudness.append(decibels),
    )
    microphone = voice()
    for number in range(40):
        heard.packet(microphone.packet(SpokenFrame(0, number, False)), number * 0.02)
    for number in range(40, 60):
        heard.packet(microphone.packet(None), number * 0.02)

    assert len(loudness) == 60
    assert max(loudness[5:40]) > -30 > -55 > max(loudness[50:])


def test_what_came_no_more_until_the_hang_up_is_missed() -> None:
    measures = Measures()
    fault = Fault(at_seconds=1.0, action=FaultAction.KILL, tier="relay")
    silence = SilenceWatch(Talk(model=TalkModel.CONTINUOUS, patience_seconds=2.0))
    heard = HeardAudio(
        lambda: StreamCheck(measures, clock_rate=48_000, on_schedule_s=0.02, frame_ticks=960),
        Ear(),
        red=None,
        listen=None,
        gaps=FaultGaps((fault,), RunClock(0.0), measures),
        silence=silence,
    )
    microphone = voice()
    for number in range(50):
        silence.spoke(number * 0.02)
        heard.packet(microphone.packet(SpokenFrame(4, number, False)), number * 0.02)
    silence.spoke(1.0)
    heard.close(4.98)

    found = measures.take(0)
    assert found.counts[Count.FRAMES_SKIPPED] == 200
    assert found.latencies[Latency.HEALING].maximum == pytest.approx(4.0, rel=0.001)
    assert silence.silent(4.98)


def test_a_frame_without_audio_is_not_the_end_of_listening() -> None:
    loudness: list[float] = []
    heard = HeardAudio(
        lambda: StreamCheck(Measures(), clock_rate=48_000, on_schedule_s=0.02),
        Ear(),
        red=None,
        listen=lambda _at, decibels: loudness.append(decibels),
    )
    microphone = voice()
    heard.packet(microphone.packet(None)[:12], 0.0)
    for number in range(40):
        heard.packet(microphone.packet(SpokenFrame(0, number, False)), number * 0.02)
    assert max(loudness) > -30


def test_another_source_is_another_stream() -> None:
    measures = Measures()
    heard = HeardAudio(
        lambda: StreamCheck(measures, clock_rate=48_000, on_schedule_s=0.02),
        Ear(),
        red=None,
        listen=None,
    )
    for ssrc in (1, 2):
        speaker = Voice(SPEECH, VoiceFormat(111, None), ssrc, random.Random(ssrc))
        for number in range(10):
            heard.packet(speaker.packet(None), ssrc + number * 0.02)
    heard.settle(final=True)

    counts = measures.take(0).counts
    assert counts[Count.FRAMES_RECEIVED] == 20
    assert Count.FRAMES_LOST not in counts


@pytest.mark.parametrize(
    ("frame", "voiced"),
    [
        ("f8fffe", False),  # CELT's silence
        ("f8ff0000000000", False),
        ("f812345678", True),
        ("680900112233", False),  # hybrid, the flag of voice activity clear, and set
        ("688900112233", True),
        ("", False),
    ],
)
def test_tells_voice_by_the_first_bits(frame: str, voiced: bool) -> None:
    assert has_voice(bytes(12) + bytes.fromhex(frame), 12) is voiced


def test_reports_tell_the_round_trip() -> None:
    ours, theirs = Reports(1), Reports(2)
    theirs.receive(ours.report(1000.0, timestamp=5, packets=6, octets=7), 1000.03)
    theirs.heard(1, 70)
    answer = theirs.report(1002.0, timestamp=5, packets=6, octets=7)

    assert ours.receive(answer, 1002.03) == [pytest.approx(0.06, abs=0.0001)]


def test_rtcp_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="RTCP"):
        Reports(1).receive(b"\x80\xc8\x00", 1000.0)
