"""RTP header extensions and transport-wide feedback, offered and answered."""

import pytest

from tests.transceiver.sdp.offers import ANSWER, CHROMIUM, audio_with, section, without
from transceiver.audio.format import HeaderExtensionIds
from transceiver.sdp import build_answer, parse_offer
from transceiver.sdp.header_extension import AUDIO_LEVEL, TRANSPORT_SEQUENCE

WITHOUT_RED = without(CHROMIUM, "a=rtpmap:63")
OPUS = "a=rtpmap:111 opus/48000/2"
FEEDBACK = "a=rtcp-fb:111 transport-cc"


def answered(text: str) -> list[str]:
    """The answer's lines on extensions and feedback."""
    audio = section(build_answer(parse_offer(text), ANSWER), 0)
    return [line for line in audio if line.startswith(("a=extmap", "a=rtcp-fb"))]


def test_chromiums_level_and_transport_sequence_are_answered_by_its_ids_and_no_others() -> None:
    offer = parse_offer(WITHOUT_RED)
    assert offer.format.extensions == HeaderExtensionIds(audio_level=1, transport_sequence=3)
    assert offer.format.transport_feedback
    assert answered(WITHOUT_RED) == [
        f"a=extmap:1 {AUDIO_LEVEL}",
        f"a=extmap:3 {TRANSPORT_SEQUENCE}",
        "a=rtcp-fb:111 transport-cc",
    ]


def test_redundant_audio_is_answered_rather_than_feedback() -> None:
    offer = parse_offer(CHROMIUM)
    assert offer.format.red_payload_type == 63
    assert not offer.format.transport_feedback
    assert answered(CHROMIUM) == [f"a=extmap:1 {AUDIO_LEVEL}"]


def test_nothing_is_answered_where_nothing_is_offered() -> None:
    text = without(without(CHROMIUM, "a=extmap"), "a=rtcp-fb")
    assert parse_offer(text).format.extensions == HeaderExtensionIds()
    assert answered(text) == []


@pytest.mark.parametrize("line", ["a=extmap:3 ", "a=rtcp-fb:111 ", "a=rtcp-rsize"])
def test_transport_feedback_takes_the_extension_the_feedback_and_reduced_size(line: str) -> None:
    offer = parse_offer(without(WITHOUT_RED, line))
    assert not offer.format.transport_feedback
    assert offer.format.extensions == HeaderExtensionIds(audio_level=1)
    assert answered(without(WITHOUT_RED, line)) == [f"a=extmap:1 {AUDIO_LEVEL}"]


@pytest.mark.parametrize(
    ("feedback", "answered_too"),
    [
        ("a=rtcp-fb:* transport-cc", True),
        ("a=rtcp-fb:111  transport-cc", True),
        ("a=rtcp-fb:63 transport-cc", False),
        ("a=rtcp-fb:111 transport-cc2", False),
        ("a=rtcp-fb:111 nack", False),
        ("a=rtcp-fb:", False),
        ("a=rtcp-fb", False),
    ],
)
def test_whose_feedback_is_offered(feedback: str, answered_too: bool) -> None:
    text = audio_with(OPUS, feedback, f"a=extmap:5 {TRANSPORT_SEQUENCE}", formats="111")
    assert parse_offer(text).format.transport_feedback is answered_too


def test_there_is_no_feedback_without_its_profile() -> None:
    """https://www.rfc-editor.org/rfc/rfc4585#section-4"""
    text = WITHOUT_RED.replace("RTP/SAVPF", "RTP/SAVP")
    assert not parse_offer(text).format.transport_feedback


@pytest.mark.parametrize(
    ("offered", "answer"),
    [
        (f"a=extmap:14 {AUDIO_LEVEL}", f"a=extmap:14 {AUDIO_LEVEL}"),
        (f"a=extmap:1 {AUDIO_LEVEL} vad=on", f"a=extmap:1 {AUDIO_LEVEL}"),
        (f"a=extmap:2/sendrecv {AUDIO_LEVEL}", f"a=extmap:2/sendrecv {AUDIO_LEVEL}"),
        (f"a=extmap:2/sendonly {AUDIO_LEVEL}", f"a=extmap:2/recvonly {AUDIO_LEVEL}"),
        # That the client does not send it is of no use to us.
        (f"a=extmap:2/recvonly {AUDIO_LEVEL}", None),
        (f"a=extmap:2/inactive {AUDIO_LEVEL}", None),
        # No number of the one-byte header.
        (f"a=extmap:0 {AUDIO_LEVEL}", None),
        (f"a=extmap:15 {AUDIO_LEVEL}", None),
        (f"a=extmap:4096 {AUDIO_LEVEL}", None),
        (f"a=extmap:99999999999999999999 {AUDIO_LEVEL}", None),
        # Malformed lines.
        (f"a=extmap:x {AUDIO_LEVEL}", None),
        (f"a=extmap:1/sideways {AUDIO_LEVEL}", None),
        ("a=extmap:1", None),
        ("a=extmap:", None),
        ("a=extmap", None),
    ],
)
def test_one_extension_offered_in_many_ways(offered: str, answer: str | None) -> None:
    text = audio_with(OPUS, offered, formats="111")
    assert answered(text) == ([answer] if answer else [])


def test_the_first_of_two_with_one_number_or_one_name_counts() -> None:
    lines = [f"a=extmap:1 {AUDIO_LEVEL}", f"a=extmap:1 {TRANSPORT_SEQUENCE}"]
    twice = audio_with(OPUS, FEEDBACK, *lines, f"a=extmap:2 {AUDIO_LEVEL}", formats="111")
    assert parse_offer(twice).format.extensions == HeaderExtensionIds(audio_level=1)


def test_extensions_of_the_whole_session_count_too() -> None:
    lines = f"a=extmap:7 {AUDIO_LEVEL}\r\na=extmap:8 {TRANSPORT_SEQUENCE}\r\n"
    text = audio_with(OPUS, FEEDBACK, formats="111").replace("m=audio", lines + "m=audio", 1)
    expected = HeaderExtensionIds(audio_level=7, transport_sequence=8)
    assert parse_offer(text).format.extensions == expected


@pytest.mark.parametrize("direction", ["recvonly", "inactive"])
def test_a_client_that_sends_nothing_sends_no_extensions(direction: str) -> None:
    assert answered(WITHOUT_RED.replace("a=sendrecv", f"a={direction}")) == []
