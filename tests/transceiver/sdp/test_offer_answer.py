"""Sessions between two of ours, and with phones: what is agreed, and what each side says of it."""

import itertools

import pytest

from tests.transceiver.sdp.sip_offers import (
    ALL,
    BARESIP,
    BARESIP_DTLS_ICE,
    BARESIP_OPTIONAL_SRTP,
    FINGERPRINT,
    LINPHONE,
    LINPHONE_DTLS,
    LINPHONE_SDES_ICE,
    local,
    offer,
)
from transceiver.audio.format import Codec
from transceiver.sdp import Direction, OfferError, OfferFault
from transceiver.sdp.agreed_media import AgreedMedia, MediaSecurity
from transceiver.sdp.description import SessionDescription
from transceiver.sdp.offer_answer import OfferAnswer
from transceiver.sdp.own_offers import OfferedMedia
from transceiver.srtp import SrtpProfile

CRYPTO = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR"
OTHER_KEY = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"


def agreed(session: OfferAnswer) -> AgreedMedia:
    assert session.agreed is not None
    return session.agreed


def line(text: str, start: str) -> str:
    [found] = [each for each in text.split("\r\n") if each.startswith(start)]
    return found


def version(text: str) -> int:
    return int(line(text, "o=").split()[2])


def pair(offered: OfferedMedia) -> tuple[OfferAnswer, OfferAnswer]:
    """Who offered, and who answered."""
    one, other = OfferAnswer(local(4000), offered), OfferAnswer(local(5000))
    one.accept(other.answer(one.offer()))
    return one, other


def test_the_answer_to_a_phone_that_protects_nothing() -> None:
    session = OfferAnswer(local())
    assert session.answer(BARESIP).split("\r\n")[1:] == [
        line(session.answer(BARESIP), "o="),
        "s=-",
        "c=IN IP4 127.0.0.1",
        "t=0 0",
        "m=audio 3478 RTP/AVP 96 101",
        "a=sendrecv",
        "a=rtcp:3478",
        "a=rtpmap:96 opus/48000/2",
        "a=fmtp:96 minptime=10;useinbandfec=1",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=ptime:20",
        "",
    ]
    media = agreed(session)
    assert media.security is MediaSecurity.NONE
    assert media.remote == ("127.0.0.1", 44326)
    assert media.remote_rtcp == ("127.0.0.1", 44327)
    assert not media.held


@pytest.mark.parametrize("text", ALL)
def test_every_phones_offer_is_answered_in_its_own_terms(text: str) -> None:
    session = OfferAnswer(local())
    answer = session.answer(text)
    theirs, ours = (SessionDescription.parse(each).sections[0] for each in (text, answer))
    assert ours.profile == theirs.profile
    assert set(ours.formats) <= set(theirs.formats)
    assert ("rtcp-mux" in ours.attributes) is ("rtcp-mux" in theirs.attributes)
    assert (ours.first("ice-ufrag") is None) is (theirs.first("ice-ufrag") is None)
    assert (ours.first("crypto") is None) is (theirs.first("crypto") is None)
    assert (ours.first("fingerprint") is None) is (theirs.first("fingerprint") is None)
    assert agreed(session).format.telephone_event_payload_type is not None


def test_signalled_keys_are_the_peers_one_way_and_ours_the_other() -> None:
    session = OfferAnswer(local())
    answer = session.answer(BARESIP_OPTIONAL_SRTP)
    keys = agreed(session).keys
    assert keys is not None
    assert keys.profile is SrtpProfile.AES128_CM_SHA1_80
    assert keys.send != keys.receive
    assert line(answer, "a=crypto:").startswith("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:")


def test_dtls_is_begun_by_us_but_not_from_a_leased_port() -> None:
    for text, ice, setup in (
        (LINPHONE_DTLS, True, "active"),
        (LINPHONE_DTLS, False, "passive"),
        (LINPHONE_DTLS.replace("actpass", "passive"), False, "active"),
        (LINPHONE_DTLS.replace("actpass", "active"), True, "passive"),
    ):
        session = OfferAnswer(local(ice=ice))
        assert line(session.answer(text), "a=setup:") == f"a=setup:{setup}"
        dtls = agreed(session).dtls
        assert dtls is not None
        assert dtls.client is (setup == "active")


def test_a_leased_port_answers_no_ice() -> None:
    session = OfferAnswer(local(ice=False))
    answer = session.answer(LINPHONE_SDES_ICE)
    assert "ice" not in answer
    assert "candidate" not in answer
    assert agreed(session).remote == ("192.0.2.2", 46029)


def test_a_mismatch_is_said_and_ice_not_used() -> None:
    session = OfferAnswer(local())
    answer = session.answer(BARESIP_DTLS_ICE.replace("c=IN IP4 192.0.2.2", "c=IN IP4 192.0.2.9"))
    assert "a=ice-mismatch\r\n" in answer
    assert "ice-ufrag" not in answer
    assert agreed(session).remote == ("192.0.2.9", 23008)


def test_a_lite_peers_reachable_candidates_are_ours_to_check() -> None:
    text = BARESIP_DTLS_ICE.replace("s=-", "s=-\r\na=ice-lite")
    session = OfferAnswer(local())
    session.answer(text)
    ice = agreed(session).ice
    assert ice is not None
    assert ice.controlling
    assert ice.candidates == (("192.0.2.2", 23008),), "not the one of IPv6"


def test_other_sections_are_rejected_in_their_places() -> None:
    text = offer(
        "a=mid:0", "m=video 40002 RTP/AVP 96", "a=mid:1", "m=image 40004 udptl t38"
    ).replace("s=-", "s=-\r\na=group:BUNDLE 0 1")
    answer = OfferAnswer(local()).answer(text)
    assert "a=group:BUNDLE 0\r\n" in answer
    ports = [(section.kind, section.port) for section in SessionDescription.parse(answer).sections]
    assert ports == [("audio", 3478), ("video", 0), ("image", 0)]


@pytest.mark.parametrize("host", ["224.0.0.1", "2001:db8::7", "255.255.255.255"])
def test_addresses_out_of_reach_are_refused(host: str) -> None:
    with pytest.raises(OfferError) as refused:
        OfferAnswer(local()).answer(offer(host=host).replace("IP4 2001", "IP6 2001"))
    assert refused.value.fault is OfferFault.NO_ADDRESS


@pytest.mark.parametrize(
    ("attributes", "host", "direction", "held"),
    [
        (("a=sendonly",), "192.0.2.7", Direction.RECVONLY, True),
        (("a=inactive",), "192.0.2.7", Direction.INACTIVE, True),
        (("a=recvonly",), "192.0.2.7", Direction.SENDONLY, False),
        ((), "0.0.0.0", Direction.RECVONLY, True),
        (("a=recvonly",), "0.0.0.0", Direction.INACTIVE, True),
    ],
)
def test_a_peer_that_holds_the_call_gets_nothing(
    attributes: tuple[str, ...], host: str, direction: Direction, held: bool
) -> None:
    session = OfferAnswer(local())
    session.answer(offer())
    answer = session.answer(offer(*attributes, host=host))
    assert f"a={direction.value}\r\n" in answer
    assert agreed(session).direction is direction
    assert agreed(session).held is held
    session.answer(offer())
    assert not agreed(session).held


def test_the_version_changes_with_what_is_said_and_the_agreement_with_what_it_is() -> None:
    session = OfferAnswer(local())
    first = session.answer(LINPHONE)
    before = session.agreed
    assert session.answer(LINPHONE) == first
    assert session.agreed is before
    held = session.answer(LINPHONE + "a=sendonly\r\n")
    assert version(held) == version(first) + 1
    assert session.agreed is not before
    assert line(held, "o=").split()[:2] == line(first, "o=").split()[:2]


def test_a_later_offer_may_move_the_media_and_change_its_codec() -> None:
    session = OfferAnswer(local())
    session.answer(offer())
    session.answer(offer(host="192.0.2.9", media="m=audio 50000 RTP/AVP 8"))
    assert agreed(session).remote == ("192.0.2.9", 50000)
    assert agreed(session).format.codec is Codec.PCMA


def test_the_codec_stays_as_long_as_the_peer_has_it() -> None:
    session = OfferAnswer(local())
    session.answer(offer(media="m=audio 50000 RTP/AVP 8"))
    session.answer(offer("a=rtpmap:96 opus/48000/2", media="m=audio 50000 RTP/AVP 96 0 8"))
    assert agreed(session).format.codec is Codec.PCMA


def test_our_key_stays_as_long_as_the_peers_does() -> None:
    session = OfferAnswer(local())
    secured = "m=audio 40000 RTP/SAVP 0"
    first = line(session.answer(offer(CRYPTO, media=secured)), "a=crypto")
    again = line(session.answer(offer(CRYPTO, host="192.0.2.9", media=secured)), "a=crypto")
    other = line(session.answer(offer(OTHER_KEY, media=secured)), "a=crypto")
    assert first == again != other


def test_what_was_protected_stays_so() -> None:
    session = OfferAnswer(local())
    session.answer(offer(CRYPTO))
    before = session.agreed
    with pytest.raises(OfferError) as refused:
        session.answer(offer())
    assert refused.value.fault is OfferFault.TRANSPORT_CHANGED
    assert session.agreed is before


def test_another_association_only_where_the_peer_is_another_one() -> None:
    session = OfferAnswer(local())
    session.answer(LINPHONE_DTLS)
    before = agreed(session).dtls
    session.answer(LINPHONE_DTLS.replace("48985", "48987"))
    assert agreed(session).dtls is before
    session.answer(LINPHONE_DTLS.replace("FE:C5", "FE:C6"))
    assert agreed(session).dtls != before


def test_a_restart_of_ice_gets_other_credentials_and_may_be_taken_back() -> None:
    session = OfferAnswer(local())
    first = line(session.answer(BARESIP_DTLS_ICE), "a=ice-ufrag")
    restarted = BARESIP_DTLS_ICE.replace("I4wkOOd", "another")
    assert line(session.answer(restarted), "a=ice-ufrag") != first
    assert line(session.answer(BARESIP_DTLS_ICE), "a=ice-ufrag") == first


@pytest.mark.parametrize(("security", "ice"), list(itertools.product(MediaSecurity, (False, True))))
def test_two_of_ours_agree_on_what_one_of_them_offers(security: MediaSecurity, ice: bool) -> None:
    one, other = pair(OfferedMedia(security, ice))
    ours, theirs = agreed(one), agreed(other)
    assert ours.security is theirs.security is security
    assert ours.format == theirs.format
    assert ours.format.codec is Codec.OPUS
    if security is MediaSecurity.SDES:
        assert ours.keys is not None
        assert theirs.keys is not None
        assert (ours.keys.send, ours.keys.receive) == (theirs.keys.receive, theirs.keys.send)
    if security is MediaSecurity.DTLS:
        assert ours.dtls is not None
        assert theirs.dtls is not None
        assert ours.dtls.fingerprints == (FINGERPRINT,)
        assert ours.dtls.client is not theirs.dtls.client
    if ice:
        assert ours.ice is not None
        assert theirs.ice is not None
        assert (ours.ice.local, ours.ice.remote) == (theirs.ice.remote, theirs.ice.local)
        assert ours.ice.controlling is not theirs.ice.controlling
    else:
        assert (ours.remote, theirs.remote) == (("127.0.0.1", 5000), ("127.0.0.1", 4000))


@pytest.mark.parametrize(("security", "ice"), list(itertools.product(MediaSecurity, (False, True))))
def test_another_offer_of_either_side_changes_nothing(security: MediaSecurity, ice: bool) -> None:
    one, other = pair(OfferedMedia(security, ice))
    before = one.agreed, other.agreed
    for asking, asked in ((other, one), (one, other)):
        asking.accept(asked.answer(asking.offer()))
    assert (one.agreed, other.agreed) == before


def test_an_offer_names_all_codecs_and_each_number_means_one_thing() -> None:
    session = OfferAnswer(local())
    session.answer(
        offer(
            "a=rtpmap:110 opus/48000/2", "a=rtpmap:8 telephone-event/48000",
            media="m=audio 40000 RTP/AVP 110 8",
        )
    )  # fmt: skip
    text = session.offer()
    formats = SessionDescription.parse(text).sections[0].formats
    assert len(set(formats)) == len(formats)
    mapped = [each.partition(" ")[0] for each in text.split("\r\n") if "rtpmap" in each]
    assert len(set(mapped)) == len(mapped) == len(formats)
    assert "a=rtpmap:110 opus/48000/2" in text
    assert "PCMU/8000" in text
    assert "PCMA/8000" in text


def test_an_answer_that_leaves_the_codec_open_is_followed_by_an_offer_of_one() -> None:
    session = OfferAnswer(local())
    session.offer()
    session.accept(offer(media="m=audio 40000 RTP/AVP 8 0"))
    assert agreed(session).codecs_open
    assert agreed(session).format.codec is Codec.PCMA
    assert line(session.offer(), "m=") == "m=audio 3478 RTP/AVP 8"
    session.accept(offer(media="m=audio 40000 RTP/AVP 8"))
    assert not agreed(session).codecs_open


def test_an_answer_may_come_again_and_an_early_one_be_replaced() -> None:
    session = OfferAnswer(local())
    session.offer()
    session.accept(offer(host="192.0.2.8"))
    early = session.agreed
    session.accept(offer(host="192.0.2.8"))
    assert session.agreed is early
    session.accept(offer())
    assert agreed(session).remote == ("192.0.2.7", 40000)


@pytest.mark.parametrize(
    ("offered", "answer", "fault"),
    [
        (OfferedMedia(), offer(media="m=audio 0 RTP/AVP 0"), OfferFault.NO_AUDIO),
        (OfferedMedia(codecs=(Codec.PCMU,)), offer(media="m=audio 40000 RTP/AVP 8"),
         OfferFault.FORMAT_CHANGED),
        (OfferedMedia(), offer("m=audio 40002 RTP/AVP 0"), OfferFault.SECTIONS_CHANGED),
        (OfferedMedia(MediaSecurity.SDES), offer(), OfferFault.NO_KEYS),
        (OfferedMedia(MediaSecurity.SDES), offer(CRYPTO.replace(":1 ", ":9 ")),
         OfferFault.NO_KEYS),
        (OfferedMedia(MediaSecurity.DTLS), offer(), OfferFault.NO_FINGERPRINT),
    ],
)  # fmt: skip
def test_answers_that_are_none(offered: OfferedMedia, answer: str, fault: OfferFault) -> None:
    session = OfferAnswer(local(), offered)
    session.offer()
    with pytest.raises(OfferError) as refused:
        session.accept(answer)
    assert refused.value.fault is fault
    assert session.agreed is None


def test_an_answer_to_no_offer_is_refused() -> None:
    with pytest.raises(OfferError):
        OfferAnswer(local()).accept(offer())


def test_a_peer_without_ice_is_found_where_it_says() -> None:
    session = OfferAnswer(local(), OfferedMedia(ice=True))
    assert "candidate" in session.offer()
    session.accept(offer())
    assert agreed(session).ice is None
    assert agreed(session).remote == ("192.0.2.7", 40000)
