"""What a call's SDP offer asks for, and the answer to it (RFC 8866, RFC 8829).

One audio section and at most one data channel section are answered, in one bundle on
one transport; every other section is rejected with port zero.
"""

from transceiver.sdp.answer import AnswerParameters, build_answer
from transceiver.sdp.direction import Direction
from transceiver.sdp.offer import MAX_OFFER_BYTES, MAX_SSRCS, Offer, Section, parse_offer
from transceiver.sdp.offer_error import OfferError, OfferFault

__all__ = [
    "MAX_OFFER_BYTES",
    "MAX_SSRCS",
    "AnswerParameters",
    "Direction",
    "Offer",
    "OfferError",
    "OfferFault",
    "Section",
    "build_answer",
    "parse_offer",
]
