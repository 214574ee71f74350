"""What phones' offers are understood to say."""

import pytest

from tests.transceiver.sdp.offers import CHROMIUM
from tests.transceiver.sdp.sip_offers import (
    BARESIP,
    BARESIP_DTLS_ICE,
    BARESIP_OPTIONAL_SRTP,
    LINPHONE,
    LINPHONE_DTLS,
    LINPHONE_SDES_ICE,
    offer,
)
from transceiver.audio.format import Codec
from transceiver.sdp import Direction, OfferError, OfferFault
from transceiver.sdp.agreed_media import MediaSecurity
from transceiver.sdp.ice_candidate import read_candidates
from transceiver.sdp.offer import MAX_OFFER_BYTES
from transceiver.sdp.remote_media import read_media

ICE = ("a=ice-ufrag:abcd", "a=ice-pwd:0123456789012345678901")
CRYPTO = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR"
PRINT = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)


@pytest.mark.parametrize(
    ("text", "security", "ice"),
    [
        (BARESIP, MediaSecurity.NONE, False),
        (BARESIP_OPTIONAL_SRTP, MediaSecurity.SDES, False),
        (BARESIP_DTLS_ICE, MediaSecurity.DTLS, True),
        (LINPHONE, MediaSecurity.NONE, False),
        (LINPHONE_SDES_ICE, MediaSecurity.SDES, True),
        (LINPHONE_DTLS, MediaSecurity.DTLS, False),
        (CHROMIUM, MediaSecurity.DTLS, True),
    ],
)
def test_phones_offers(text: str, security: MediaSecurity, ice: bool) -> None:
    media = read_media(text)
    assert media.security is security
    assert (media.ice is not None) is ice
    assert media.format.codec is Codec.OPUS
    assert media.format.telephone_event_payload_type is not None
    assert (media.address is None) is ice


def test_baresips_events_are_of_another_rate_than_its_opus() -> None:
    audio = read_media(BARESIP).format
    assert (audio.telephone_event_payload_type, audio.telephone_event_rate) == (101, 8000)
    audio = read_media(LINPHONE).format
    assert (audio.telephone_event_payload_type, audio.telephone_event_rate) == (99, 48000)


def test_without_multiplexing_rtcp_has_an_address_of_its_own() -> None:
    media = read_media(LINPHONE)
    assert media.address == ("127.0.0.1", 49207)
    assert media.rtcp == ("127.0.0.1", 34152)
    assert not media.multiplexed


def test_the_best_protected_section_counts_and_then_the_best_codec() -> None:
    plain = "m=audio 40000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2"
    secured = f"m=audio 40002 RTP/SAVP 0\r\n{CRYPTO}"
    better = f"m=audio 40004 RTP/SAVP 96\r\na=rtpmap:96 opus/48000/2\r\n{CRYPTO}"
    assert read_media(offer(secured, better, media=plain)).audio == 2
    assert read_media(offer(secured, media=plain)).audio == 1
    assert read_media(offer("m=audio 40006 RTP/AVP 0", media=plain)).audio == 0


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (offer(media="m=audio 0 RTP/AVP 0"), OfferFault.NO_AUDIO),
        (offer(media="m=video 40000 RTP/AVP 96"), OfferFault.NO_AUDIO),
        (offer(media="m=audio 40000 udp 0"), OfferFault.NO_AUDIO),
        (offer(media="m=audio 40000 RTP/AVP 18"), OfferFault.NO_CODEC),
        (offer(media="m=audio 40000 RTP/SAVP 0"), OfferFault.NO_KEYS),
        (offer(media="m=audio 40000 UDP/TLS/RTP/SAVP 0"), OfferFault.NO_KEYS),
        (offer("a=fingerprint:sha-1 " + ":".join(["AB"] * 20), media="m=audio 40000 RTP/SAVP 0"),
         OfferFault.NO_KEYS),
        (offer("a=fingerprint:sha-256 AB"), OfferFault.NO_FINGERPRINT),
        (offer(PRINT, "a=setup:holdconn"), OfferFault.MALFORMED),
        (offer("a=ice-ufrag:abcd", "a=candidate:1 1 UDP 1 192.0.2.7 40000 typ host"),
         OfferFault.NO_ICE_CREDENTIALS),
        (offer("a=x" * MAX_OFFER_BYTES), OfferFault.TOO_LARGE),
        ("", OfferFault.MALFORMED),
    ],
)  # fmt: skip
def test_what_cannot_be_answered(text: str, fault: OfferFault) -> None:
    with pytest.raises(OfferError) as refused:
        read_media(text)
    assert refused.value.fault is fault


def test_protection_goes_by_keys_not_by_the_profile() -> None:
    assert read_media(offer(PRINT)).security is MediaSecurity.DTLS
    assert read_media(offer(PRINT, CRYPTO)).security is MediaSecurity.DTLS
    assert read_media(offer(CRYPTO)).security is MediaSecurity.SDES
    assert read_media(offer("a=crypto:1 UNKNOWN inline:x")).security is MediaSecurity.NONE


def test_a_peer_that_says_no_role_begins_dtls() -> None:
    assert read_media(offer(PRINT)).setup == "active"


@pytest.mark.parametrize(
    ("candidate", "mismatch"),
    [
        ("a=candidate:1 1 UDP 1 192.0.2.7 40000 typ host", False),
        ("a=candidate:1 1 UDP 1 10.0.0.7 40000 typ host", True),
        ("a=candidate:1 1 UDP 1 192.0.2.7 40002 typ host", True),
        ("a=candidate:1 1 UDP 1 name.local 40000 typ host", False),
    ],
)
def test_an_address_that_was_rewritten_on_the_way_is_believed(
    candidate: str, mismatch: bool
) -> None:
    media = read_media(offer(*ICE, candidate))
    assert media.ice is not None
    assert media.ice.mismatch is mismatch
    assert (media.address == ("192.0.2.7", 40000)) is mismatch


def test_who_has_credentials_but_no_candidates_is_where_it_says() -> None:
    assert read_media(offer(*ICE)).ice is None
    assert read_media(offer(*ICE, "a=ice-options:trickle")).ice is not None


def test_ice_does_not_count_where_it_is_not_wanted() -> None:
    media = read_media(LINPHONE_SDES_ICE, ice=False)
    assert media.ice is None
    assert media.address == ("192.0.2.2", 46029)


def test_a_lite_peers_candidates_come_in_its_order() -> None:
    lines = [
        "a=candidate:1 1 UDP 100 192.0.2.7 40000 typ host",
        "a=candidate:2 1 udp 200 192.0.2.8 40000 typ host generation 0",
        "a=candidate:2 2 udp 300 192.0.2.9 40001 typ host",
        "a=candidate:3 1 TCP 400 192.0.2.9 40000 typ host tcptype active",
        "a=candidate:4 1 UDP 500 192.0.2.9 53 typ host",
        "a=candidate:5 1 UDP 600 a.local 40000 typ host",
        "a=candidate:6 1 UDP x 192.0.2.9 40000 typ host",
    ]
    assert read_candidates([line.partition(":")[2] for line in lines]) == (
        ("192.0.2.8", 40000),
        ("192.0.2.7", 40000),
    )
    media = read_media("v=0\r\na=ice-lite\r\n" + offer(*ICE, *lines).partition("\r\n")[2])
    assert media.ice is not None
    assert media.ice.lite


def test_the_first_codec_of_an_answer_is_the_one_that_is_sent() -> None:
    text = offer("a=rtpmap:96 opus/48000/2", media="m=audio 40000 RTP/AVP 8 0 96")
    assert read_media(text).format.codec is Codec.OPUS
    media = read_media(text, answer=True)
    assert media.format.codec is Codec.PCMA
    assert media.codecs == (Codec.PCMA, Codec.PCMU, Codec.OPUS)
    assert read_media(text, codec=Codec.PCMU).format.payload_type == 0


def test_the_direction_is_the_peers() -> None:
    assert read_media(offer()).direction is Direction.SENDRECV
    assert read_media(offer("a=sendonly")).direction is Direction.SENDONLY
