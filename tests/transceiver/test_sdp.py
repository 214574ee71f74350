import asyncio
from pathlib import Path

import aiortc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transceiver.fingerprint import Fingerprint
from transceiver.ice import IceCredentials
from transceiver.sdp import (
    MAX_OFFER_BYTES,
    AnswerParameters,
    Direction,
    OfferError,
    OfferFault,
    build_answer,
    parse_offer,
)
from transceiver.sdp.description import SessionDescription

CHROMIUM = (Path(__file__).parents[1] / "vectors" / "offer_chromium156_audio_dc.sdp").read_text()

FORMATS = "111 63 9 0 8 13 110 126"

ANSWER = AnswerParameters(
    ice=IceCredentials("A" * 23, "b" * 24),
    host="203.0.113.1",
    port=3478,
    fingerprint=Fingerprint("sha-256", bytes(32)),
    ssrc=12345,
    cname="antiphon",
    session_id=42,
)

FIREFOX_LIKE = "\r\n".join(
    [
        "v=0",
        "o=mozilla...THIS_IS_SDPARTA-99.0 5105 0 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=sendrecv",
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
        "a=group:BUNDLE 0 1",
        "a=ice-options:trickle",
        "a=ice-ufrag:4d6ec11a",
        "a=ice-pwd:8d0b1a3c5e7f90122334455667788990",
        "a=msid-semantic:WMS *",
        "m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101",
        "c=IN IP4 0.0.0.0",
        "a=sendrecv",
        "a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level",
        "a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1",
        "a=fmtp:101 0-15",
        "a=fmtp:18 annexb=no",
        "a=mid:0",
        "a=rtcp-mux",
        "a=rtpmap:109 opus/48000/2",
        "a=rtpmap:9 G722/8000/1",
        "a=rtpmap:101 telephone-event/8000/1",
        "a=setup:actpass",
        "a=ssrc:2655508255 cname:{0d8cbd5f-1f0a-4d2b-a1d0-8b7bb1f8f5a5}",
        "a=candidate:0 1 UDP 2122252543 a-name.local 50000 typ host extra",
        "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        "a=bundle-only",
        "a=sendrecv",
        "a=mid:1",
        "a=setup:actpass",
        "a=sctp-port:5001",
        "a=max-message-size:1073741823",
        "",
    ]
)


def without(text: str, prefix: str) -> str:
    return "".join(line for line in text.splitlines(True) if not line.startswith(prefix))


def section(answer: str, index: int) -> list[str]:
    return ("m=" + answer.split("\r\nm=")[index + 1]).splitlines()


def test_chromiums_offer() -> None:
    offer = parse_offer(CHROMIUM)
    assert offer.format.payload_type == 111
    assert offer.format.red_payload_type == 63
    assert offer.ice == IceCredentials("SYYG", "ttYHoLC3Jp3fauvU9cgC03Dd")
    assert str(offer.fingerprints[0]).startswith("sha-256 A8:50:F4:6E:42:02")
    assert offer.direction is Direction.SENDRECV
    assert (offer.audio, offer.data) == (0, 1)
    assert offer.bundle == ("0", "1")
    assert offer.dtls_client
    assert offer.ssrcs == (1950275441,)
    assert offer.sctp_port == 5000
    assert offer.max_message_bytes == 262144


def test_only_the_audios_sources_count_and_only_so_many() -> None:
    audio = [f"a=ssrc:{ssrc} cname:x" for ssrc in (5, 5, 2**32 - 1, 2**32, *range(100, 120))]
    audio += ["a=ssrc:x cname:x", "a=ssrc:7", "a=ssrc: 8 cname:x"]
    head, application, data = CHROMIUM.partition("m=application")
    head = "".join(line for line in head.splitlines(True) if not line.startswith("a=ssrc:"))
    text = head + "\r\n".join(audio) + "\r\n" + application + data + "a=ssrc:9 cname:x\r\n"
    assert parse_offer(text).ssrcs == (5, 2**32 - 1, *range(100, 106))


@pytest.mark.parametrize(
    ("line", "replacement", "red"),
    [
        ("a=fmtp:63 111/111", "a=fmtp:63 111/111/111", 63),
        ("a=fmtp:63 111/111\r\n", "", 63),
        ("a=fmtp:63 111/111", "a=fmtp:63 111/0", None),
        ("a=fmtp:63 111/111", "a=fmtp:63 x", None),
        ("a=rtpmap:63 red/48000/2", "a=rtpmap:63 RED/48000", 63),
        ("a=rtpmap:63 red/48000/2", "a=rtpmap:63 red/8000", None),
        ("a=rtpmap:63 red/48000/2", "a=rtpmap:64 red/48000/2", None),
    ],
)
def test_redundant_audio_is_taken_when_all_of_it_is_opus(
    line: str, replacement: str, red: int | None
) -> None:
    offer = parse_offer(CHROMIUM.replace(line, replacement))
    assert offer.format.red_payload_type == red
    audio = section(build_answer(offer, ANSWER), 0)
    assert audio[0].endswith(" 111" if red is None else " 63 111")
    assert any("red" in line for line in audio) is (red is not None)


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
        "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
        "a=rtpmap:63 red/48000/2",
        "a=fmtp:63 111/111",
        "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 minptime=10;useinbandfec=1",
        "a=rtcp-fb:111 transport-cc",
        "a=msid:antiphon agent",
        "a=ssrc:12345 cname:antiphon",
        "a=ssrc:12345 msid:antiphon agent",
    ]
    assert section(answer, 1)[0] == "m=application 3478 UDP/DTLS/SCTP webrtc-datachannel"
    assert section(answer, 1)[-2:] == ["a=sctp-port:5000", "a=max-message-size:262144"]


def test_a_firefox_like_offer_with_session_level_attributes() -> None:
    offer = parse_offer(FIREFOX_LIKE)
    assert offer.format.payload_type == 109
    assert offer.ice.ufrag == "4d6ec11a"
    assert offer.fingerprints == (Fingerprint("sha-256", b"\xab" * 32),)
    assert offer.data == 1
    assert offer.sctp_port == 5001
    assert offer.max_message_bytes == 1073741823


async def test_aiortcs_offer_and_its_reading_of_the_answer() -> None:
    peer = aiortc.RTCPeerConnection()
    try:
        peer.addTrack(aiortc.mediastreams.AudioStreamTrack())
        peer.createDataChannel("oai-events")
        await peer.setLocalDescription(await peer.createOffer())
        offer = parse_offer(peer.localDescription.sdp)
        assert (offer.audio, offer.data) == (0, 1)

        answer = build_answer(offer, ANSWER)
        description = aiortc.RTCSessionDescription(answer, "answer")
        await asyncio.wait_for(peer.setRemoteDescription(description), 10)
        (transceiver,) = peer.getTransceivers()
        assert transceiver.currentDirection == "sendrecv"
    finally:
        await peer.close()


async def test_an_aiortc_offer_whose_data_channel_comes_first_uses_its_transport() -> None:
    """aiortc gathers per section, so each has credentials of its own."""
    text = CHROMIUM.replace("BUNDLE 0 1", "BUNDLE 1 0")
    head, tail = text.split("m=application")
    offer = parse_offer(head + "m=application" + tail.replace("SYYG", "DATA"))
    assert offer.ice.ufrag == "DATA"
    assert offer.bundle == ("1", "0")


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


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", OfferFault.MALFORMED),
        ("hello", OfferFault.MALFORMED),
        ("v=0\r\n", OfferFault.NO_AUDIO),
        ("v=0\r\nm=audio x y z\r\n", OfferFault.MALFORMED),
        (CHROMIUM.replace("SAVPF 111", "SAVPF 300"), OfferFault.MALFORMED),
        (CHROMIUM.replace("webrtc-datachannel", "wébrtc"), OfferFault.MALFORMED),
        (CHROMIUM.replace("a=mid:1", "a=mid:0"), OfferFault.MALFORMED),
        (CHROMIUM.replace("a=mid:1", "a=mid:a b"), OfferFault.MALFORMED),
        (CHROMIUM.replace("setup:actpass", "setup:holdconn"), OfferFault.MALFORMED),
        (CHROMIUM.replace("sctp-port:5000", "sctp-port:99999"), OfferFault.MALFORMED),
        (CHROMIUM + "a=x:" + "y" * MAX_OFFER_BYTES, OfferFault.TOO_LARGE),
        ("\ud800" * (MAX_OFFER_BYTES + 1), OfferFault.TOO_LARGE),
        ("é" * (MAX_OFFER_BYTES // 2 + 1), OfferFault.TOO_LARGE),
        (CHROMIUM.replace("m=audio 9", "m=audio 0"), OfferFault.NO_AUDIO),
        (CHROMIUM.replace("m=audio", "m=video"), OfferFault.NO_AUDIO),
        (CHROMIUM.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"), OfferFault.NO_AUDIO),
        (CHROMIUM.replace(FORMATS, "63 9 13 110 126"), OfferFault.NO_CODEC),
        (CHROMIUM.replace(FORMATS, "111").replace("48000/2", "16000/2"), OfferFault.NO_CODEC),
        (without(CHROMIUM, "a=rtcp-mux"), OfferFault.NO_RTCP_MUX),
        (without(CHROMIUM, "a=ice-ufrag"), OfferFault.NO_ICE_CREDENTIALS),
        (without(CHROMIUM, "a=ice-pwd"), OfferFault.NO_ICE_CREDENTIALS),
        (CHROMIUM.replace("SYYG", "S:YG"), OfferFault.NO_ICE_CREDENTIALS),
        (CHROMIUM.replace("s=-", "s=-\r\na=ice-lite"), OfferFault.ICE_LITE),
        (without(CHROMIUM, "a=fingerprint"), OfferFault.NO_FINGERPRINT),
        (CHROMIUM.replace("sha-256 A8", "sha-1 A8"), OfferFault.NO_FINGERPRINT),
        (CHROMIUM.replace("sha-256 A8:", "sha-256 "), OfferFault.NO_FINGERPRINT),
        (CHROMIUM.replace("sha-256 A8", "sha-256 XX"), OfferFault.NO_FINGERPRINT),
        (without(CHROMIUM, "a=setup"), OfferFault.NO_SETUP),
    ],
)
def test_an_offer_that_cannot_be_answered_says_why(text: str, fault: OfferFault) -> None:
    with pytest.raises(OfferError) as caught:
        parse_offer(text)
    assert caught.value.fault is fault
    assert caught.value.code == fault.value
    assert caught.value.param == "sdp"
    assert caught.value.message


def test_an_error_does_not_repeat_the_offer() -> None:
    with pytest.raises(OfferError) as caught:
        parse_offer(CHROMIUM.replace("ttYHoLC3Jp3fauvU9cgC03Dd", "<script>"))
    assert "script" not in caught.value.message


@given(st.lists(st.sampled_from([*CHROMIUM.splitlines(), *FIREFOX_LIKE.splitlines()])))
def test_lines_in_any_order_raise_only_the_documented_error(lines: list[str]) -> None:
    _answer_or_offer_error("\r\n".join(["v=0", *lines]))


@given(st.integers(0, len(CHROMIUM)), st.text(max_size=20), st.integers(0, 30))
def test_mutations_raise_only_the_documented_error(at: int, text: str, removed: int) -> None:
    _answer_or_offer_error(CHROMIUM[:at] + text + CHROMIUM[at + removed :])


def _answer_or_offer_error(text: str) -> None:
    try:
        offer = parse_offer(text)
    except OfferError:
        return
    answer = build_answer(offer, ANSWER)
    sections = SessionDescription.parse(answer).sections
    assert len(sections) == len(offer.sections)
    assert sections[offer.audio].port == ANSWER.port
