"""Offers from strangers: answered, or refused with the documented error."""

from pathlib import Path

from transceiver.fingerprint import Fingerprint
from transceiver.ice import IceCredentials
from transceiver.sdp import AnswerParameters, OfferError, build_answer, parse_offer
from transceiver.sdp.description import SessionDescription

_VECTORS = Path(__file__).parents[1] / "vectors"
_ANSWER = AnswerParameters(
    ice=IceCredentials("ufrag", "p" * 24),
    host="203.0.113.1",
    port=3478,
    fingerprint=Fingerprint("sha-256", bytes(32)),
    ssrc=1,
    cname="fuzz",
    session_id=1,
)

_CHROMIUM = (_VECTORS / "offer_chromium156_audio_dc.sdp").read_text()
_TELEPHONE = _CHROMIUM.replace("111 63 9 0 8 13 110 126", "8 0 13").replace(
    "a=rtcp-mux",
    "a=rtcp-mux\na=ptime:40\na=maxptime:60\na=fmtp:8 minptime=10\na=rtcp-fb:* transport-cc",
)

SEEDS = [_CHROMIUM.encode(), _TELEPHONE.encode()]


def one_input(data: bytes) -> None:
    try:
        offer = parse_offer(data.decode("utf-8", errors="surrogateescape"))
    except OfferError:
        return
    answer = build_answer(offer, _ANSWER)
    answer.encode()
    sections = SessionDescription.parse(answer).sections
    assert len(sections) == len(offer.sections)
    for index, section in enumerate(sections):
        assert (section.port != 0) == (index in (offer.audio, offer.data))
