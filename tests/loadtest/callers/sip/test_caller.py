"""A telephone and the packets that it hears, by a clock of the test's own."""

import itertools
import random
from dataclasses import replace

import numpy as np
import pytest

from loadtest.callers.silence_watch import SilenceWatch
from loadtest.callers.sip.caller import Caller, Voice
from loadtest.callers.sip.g711 import VOICE_DB, CodedSpeech, loudness_db
from loadtest.callers.sip.rtp_packet import RtpPacket
from loadtest.callers.sip.session_description import Codec
from loadtest.callers.speech import recorded_speech
from loadtest.callers.speech_loudness import speech_loudness
from loadtest.callers.talk import Conversation
from loadtest.callers.turn_judge import TurnJudge
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count, Latency
from loadtest.scenario.scenario import Expect, Talk, TalkModel

FRAME_S = 0.02
ECHO = Talk(model=TalkModel.TURNS, expect=Expect.ECHO, patience_seconds=2.0, pause_seconds=0.5)


@pytest.fixture(scope="module", params=Codec)
def voice(request: pytest.FixtureRequest) -> Voice:
    speech = recorded_speech()
    codec: Codec = request.param
    return Voice(codec, CodedSpeech.of(speech, codec), speech_loudness(speech))


def caller(voice: Voice, measures: Measures) -> Caller:
    lengths = [len(each) for each in voice.coded.utterances]
    chance = random.Random(3)
    return Caller(
        voice,
        Conversation(ECHO, lengths, chance, measures, starts_at=0.0),
        TurnJudge(ECHO, ["x"] * len(lengths), measures),
        SilenceWatch(ECHO),
        measures,
        chance,
        gaps=None,
        without_pause=True,
        on_schedule_s=0.02,
        clock_offset_s=-1e9,
    )


def test_what_is_said_is_a_stream_of_rtp(voice: Voice) -> None:
    measures = Measures()
    speaking = caller(voice, measures)
    said = [RtpPacket.parse(speaking.say(each * FRAME_S)) for each in range(200)]
    assert {each.payload_type for each in said} == {voice.codec.value}
    assert len({each.ssrc for each in said}) == 1
    assert {b.sequence - a.sequence & 0xFFFF for a, b in itertools.pairwise(said)} == {1}
    assert {b.timestamp - a.timestamp & 0xFFFFFFFF for a, b in itertools.pairwise(said)} == {160}
    assert {len(each.payload) for each in said} == {160}
    assert measures.take(0).counts[Count.FRAMES_SENT] == 200


def test_an_echo_is_right(voice: Voice) -> None:
    measures = Measures()
    speaking = caller(voice, measures)
    for each in range(400):
        packet = speaking.say(each * FRAME_S)
        speaking.received(packet, each * FRAME_S + 0.08)
    assert speaking.close(8.0)
    counts = measures.take(0).counts
    assert counts[Count.FRAMES_RECEIVED] == counts[Count.FRAMES_ON_SCHEDULE] == 400
    assert counts[Count.TURNS_RIGHT] >= 1
    assert Count.TURNS_WRONG not in counts


def test_what_a_network_took_is_not_lost_by_the_server(voice: Voice) -> None:
    measures = Measures()
    speaking = caller(voice, measures)
    for each in range(100):
        packet = speaking.say(each * FRAME_S)
        if each % 10 == 5:
            speaking.dropped(packet)
        elif each % 10 != 7:
            speaking.received(packet, each * FRAME_S)
    speaking.close(2.0)
    assert measures.take(0).counts[Count.FRAMES_LOST] == 10


def test_reports_tell_how_long_they_were_on_their_way(voice: Voice) -> None:
    measures = Measures()
    one, other = caller(voice, measures), caller(voice, measures)
    other.received(one.say(0.0), 0.1)
    other.received(one.report(10.0), 10.0)
    one.received(other.report(10.0), 10.25)
    [(seconds, _)] = measures.take(0).latencies[Latency.ROUND_TRIP].cumulative()
    assert seconds == pytest.approx(0.25, abs=0.001)


def test_frames_that_a_server_leaves_out_are_counted(voice: Voice) -> None:
    measures = Measures()
    speaking = caller(voice, measures)
    for each in range(100):
        speaking.say(each * FRAME_S)
        if not 40 <= each < 50:
            sequence = each if each < 40 else each - 10
            packet = RtpPacket(voice.codec.value, sequence, each * 160, 1, voice.coded.silence)
            speaking.received(packet.encode(), each * FRAME_S)
    speaking.close(2.0)
    assert measures.take(0).counts[Count.FRAMES_SKIPPED] == 10


def test_silence_is_told(voice: Voice) -> None:
    speaking = caller(voice, Measures())
    for each in range(400):
        speaking.say(each * FRAME_S)
        silence = RtpPacket(voice.codec.value, each, each * 160, 1, voice.coded.silence)
        speaking.received(silence.encode(), each * FRAME_S)
    assert not speaking.close(8.0)


def test_what_is_none_of_its_stream_is_counted(voice: Voice) -> None:
    measures = Measures()
    speaking = caller(voice, measures)
    speaking.received(b"no RTP", 0.0)
    speaking.received(RtpPacket(96, 1, 2, 3, b"another codec").encode(), 0.0)
    speaking.received(speaking.report(0.0), 0.0)
    speaking.received(bytes([0x80, 200, 0, 9]), 0.0)
    assert measures.take(0).counts[Count.FRAMES_UNAUTHENTICATED] == 3


def test_no_more_sources_are_heard_than_a_call_has(voice: Voice) -> None:
    measures = Measures()
    speaking = caller(voice, measures)
    packet = RtpPacket.parse(speaking.say(0.0))
    for ssrc in range(1000):
        speaking.received(replace(packet, ssrc=ssrc).encode(), 0.0)
    speaking.close(0.1)
    counts = measures.take(0).counts
    assert counts[Count.FRAMES_RECEIVED] + counts[Count.FRAMES_UNAUTHENTICATED] == 1000
    assert counts[Count.FRAMES_RECEIVED] < 20


@pytest.mark.parametrize("codec", Codec)
def test_loudness_is_that_of_the_samples(codec: Codec) -> None:
    coded = CodedSpeech.of(recorded_speech(), codec)
    assert loudness_db(coded.silence, codec) < VOICE_DB
    told = [loudness_db(frame, codec) for frame in coded.utterances[0]]
    assert np.allclose(told, speech_loudness(recorded_speech())[0], atol=3.0)
