"""Two of ours through any rounds of offers and answers: both always mean the same."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from tests.transceiver.sdp.sip_offers import local
from transceiver.audio.format import Codec
from transceiver.sdp import Direction
from transceiver.sdp.agreed_media import AgreedMedia, MediaSecurity
from transceiver.sdp.offer_answer import OfferAnswer
from transceiver.sdp.own_offers import OfferedMedia


@dataclass(frozen=True)
class Round:
    """One side offers, and what it says is changed on the way, as a phone of another make would."""

    first_asks: bool
    direction: Direction
    host: str
    lost: bool
    """Whether the answer never arrives, so that the offer is of no effect for who made it."""


ROUNDS = st.lists(
    st.builds(
        Round,
        st.booleans(),
        st.sampled_from(Direction),
        st.sampled_from(["127.0.0.1", "127.0.0.2", "0.0.0.0"]),
        st.booleans(),
    ),
    max_size=8,
)

CODECS = st.lists(st.sampled_from(Codec), min_size=1, unique=True).map(tuple)


def agreed(session: OfferAnswer) -> AgreedMedia:
    assert session.agreed is not None
    return session.agreed


def play(session: OfferAnswer, other: OfferAnswer, each: Round) -> None:
    offer = session.offer().replace("a=sendrecv", f"a={each.direction.value}")
    answer = other.answer(offer.replace("c=IN IP4 127.0.0.1", f"c=IN IP4 {each.host}"))
    if not each.lost:
        session.accept(answer)


@given(
    st.sampled_from(MediaSecurity),
    st.booleans(),
    st.tuples(st.booleans(), st.booleans()),
    CODECS,
    ROUNDS,
)
def test_both_sides_agree_after_every_round(
    security: MediaSecurity,
    ice: bool,
    reachable: tuple[bool, bool],
    codecs: tuple[Codec, ...],
    rounds: list[Round],
) -> None:
    one = OfferAnswer(local(4000, ice=reachable[0]), OfferedMedia(security, ice, codecs))
    other = OfferAnswer(local(5000, ice=reachable[1]), OfferedMedia(security, ice, codecs))
    one.accept(other.answer(one.offer()))
    for each in rounds:
        play(*((one, other) if each.first_asks else (other, one)), each)
        if each.lost:
            one.accept(other.answer(one.offer()))
        assert_mirrored(agreed(one), agreed(other), security)


def assert_mirrored(ours: AgreedMedia, theirs: AgreedMedia, security: MediaSecurity) -> None:
    assert ours.security is theirs.security is security
    assert ours.format == theirs.format
    if ours.keys is not None:
        assert theirs.keys is not None
        assert (ours.keys.send, ours.keys.receive) == (theirs.keys.receive, theirs.keys.send)
    if ours.dtls is not None:
        assert theirs.dtls is not None
        assert ours.dtls.client is not theirs.dtls.client
    assert (ours.ice is None) is (theirs.ice is None)
    if ours.ice is not None:
        assert theirs.ice is not None
        assert (ours.ice.local, ours.ice.remote) == (theirs.ice.remote, theirs.ice.local)
        assert ours.ice.controlling is not theirs.ice.controlling
