"""The answers to offers: what each section says, and which are rejected."""

import pytest

from tests.transceiver.sdp.offers import ANSWER, CHROMIUM, section, without
from transceiver.sdp import AnswerParameters, build_answer, parse_offer


def test_the_answer_to_chromium() -> None:
    answer = build_answer(parse_offer(CHROMIUM), ANSWER)
    assert answer.startswith("v=0\r\no=- 42 1 IN IP4 127.0.0.1\r\n")
    assert answer.endswith("\r\n")
    assert "a=group:BUNDLE 0 1\r\n" in answer
    assert "trickle" not in answer
    assert section(answer, 0) == [
        "m=audio 3478 UDP/TLS/RTP/SAVPF 63 111",
        "c=IN IP4 203.0.113.1",
        "a=mid:0",
        "a=ice-ufrag:" + "A" * 23,
        "a=ice-pwd:" + "b" * 24,
        "a=fingerprint:sha-256 " + ":".join(["00"] * 32),
        "a=setup:active",
        "a=candidate:1 1 udp 2130706431 203.0.113.1 3478 typ host",
        "a=end-of-candidates",
        "a=sendrecv",
        "a=rtcp-mux",
        "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        "a=rtpmap:63 red/48000/2",
        "a=fmtp:63 111/111",
        "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 minptime=10;useinbandfec=1",
        "a=msid:antiphon agent",
        "a=ssrc:12345 cname:antiphon",
        "a=ssrc:12345 msid:antiphon agent",
    ]
    assert section(answer, 1)[0] == "m=application 3478 UDP/DTLS/SCTP webrtc-datachannel"
    assert section(answer, 1)[-2:] == ["a=sctp-port:5000", "a=max-message-size:262144"]


def test_an_answer_without_a_data_channel() -> None:
    text = CHROMIUM.split("m=application")[0].replace("BUNDLE 0 1", "BUNDLE 0")
    offer = parse_offer(text)
    assert offer.data is None
    assert "a=group:BUNDLE 0\r\n" in build_answer(offer, ANSWER)


def test_a_data_channel_outside_the_bundle_is_rejected() -> None:
    answer = build_answer(parse_offer(CHROMIUM.replace("BUNDLE 0 1", "BUNDLE 0")), ANSWER)
    assert section(answer, 1)[0].startswith("m=application 0 ")


def test_an_offer_without_bundle_or_mids() -> None:
    text = CHROMIUM.split("m=application")[0]
    answer = build_answer(parse_offer(without(without(text, "a=group"), "a=mid")), ANSWER)
    assert "BUNDLE" not in answer
    assert "a=mid" not in answer


VIDEO = (
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=mid:v\r\na=sendrecv\r\n"
    "a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
)


def test_video_is_rejected_in_its_place_and_leaves_the_bundle() -> None:
    head, tail = CHROMIUM.split("m=audio")
    offer = parse_offer(head.replace("BUNDLE 0 1", "BUNDLE v 0 1") + VIDEO + "m=audio" + tail)
    assert (offer.audio, offer.data) == (1, 2)
    answer = build_answer(offer, ANSWER)
    assert "a=group:BUNDLE 0 1\r\n" in answer
    assert section(answer, 0) == [
        "m=video 0 UDP/TLS/RTP/SAVPF 96 97",
        "c=IN IP4 0.0.0.0",
        "a=mid:v",
        "a=inactive",
    ]


def test_the_first_of_several_audio_sections_is_answered() -> None:
    first = "m=audio" + CHROMIUM.split("m=audio")[1].split("m=application")[0]
    text = CHROMIUM.replace("BUNDLE 0 1", "BUNDLE 0 1 2") + first.replace("a=mid:0", "a=mid:2")
    answer = build_answer(parse_offer(text), ANSWER)
    assert section(answer, 0)[0].startswith("m=audio 3478 ")
    assert section(answer, 2)[0].startswith("m=audio 0 ")
    assert "a=group:BUNDLE 0 1\r\n" in answer


@pytest.mark.parametrize(
    ("offered", "answered"),
    [
        ("sendrecv", "sendrecv"),
        ("sendonly", "recvonly"),
        ("recvonly", "sendonly"),
        ("inactive", "inactive"),
    ],
)
def test_the_direction_is_mirrored(offered: str, answered: str) -> None:
    answer = build_answer(parse_offer(CHROMIUM.replace("a=sendrecv", f"a={offered}")), ANSWER)
    assert f"a={answered}" in section(answer, 0)
    assert ("a=ssrc:12345 cname:antiphon" in answer) == answered.startswith("send")


@pytest.mark.parametrize(
    ("offered", "answered"), [("actpass", "active"), ("passive", "active"), ("active", "passive")]
)
def test_the_dtls_role_complements_the_offered_one(offered: str, answered: str) -> None:
    offer = parse_offer(CHROMIUM.replace("setup:actpass", f"setup:{offered}"))
    assert f"a=setup:{answered}" in build_answer(offer, ANSWER)


def test_an_ipv6_address_in_the_answer() -> None:
    parameters = AnswerParameters(
        ANSWER.ice, "2001:db8::1", 3478, ANSWER.fingerprint, ANSWER.ssrc, ANSWER.cname, 1
    )
    answer = build_answer(parse_offer(CHROMIUM), parameters)
    assert "c=IN IP6 2001:db8::1\r\n" in answer
    assert "2130706431 2001:db8::1 3478 typ host" in answer
