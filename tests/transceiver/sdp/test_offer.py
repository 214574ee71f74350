"""What offers of clients come to, and which of them are refused."""

import asyncio

import aiortc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transceiver.sdp.offers import ANSWER, CHROMIUM, FIREFOX_LIKE, FORMATS, without
from transceiver.fingerprint import Fingerprint
from transceiver.ice import IceCredentials
from transceiver.sdp import (
    MAX_OFFER_BYTES,
    Direction,
    OfferError,
    OfferFault,
    build_answer,
    parse_offer,
)
from transceiver.sdp.description import SessionDescription


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


TOLERANT = (
    "candidate",
    "extmap",
    "fmtp",
    "maxptime",
    "max-message-size",
    "msid",
    "ptime",
    "rtcp-fb",
    "rtpmap",
    "ssrc",
    "x-unknown",
)


@given(st.sampled_from(TOLERANT), st.text(st.characters(exclude_characters="\r\n")))
def test_a_line_of_garbage_costs_the_offer_nothing(name: str, garbage: str) -> None:
    before = parse_offer(CHROMIUM)
    after = parse_offer(CHROMIUM.replace("a=rtcp-mux", f"a=rtcp-mux\na={name}:{garbage}"))
    assert (after.ice, after.fingerprints, after.format.codec, after.data) == (
        before.ice,
        before.fingerprints,
        before.format.codec,
        before.data,
    )


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
