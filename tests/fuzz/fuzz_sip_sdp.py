"""SDP of phones from strangers, either way: agreed on, or refused with the documented error."""

from tests.transceiver.sdp.sip_offers import ALL, local
from transceiver.sdp import OfferError
from transceiver.sdp.description import SessionDescription
from transceiver.sdp.offer_answer import OfferAnswer
from transceiver.sdp.own_offers import OfferedMedia

SEEDS = [text.encode() for text in ALL] + [
    OfferAnswer(local(5000)).answer(ALL[0]).encode(),
    ALL[2].replace("s=-", "s=-\r\na=ice-lite").encode(),
]


def one_input(data: bytes) -> None:
    text = data.decode("utf-8", errors="surrogateescape")
    if len(data) % 2:
        _answer_it(text)
    else:
        _take_it_for_an_answer(text)


def _answer_it(text: str) -> None:
    session = OfferAnswer(local())
    try:
        answer = session.answer(text)
    except OfferError:
        assert session.agreed is None
        return
    answer.encode()
    sections = SessionDescription.parse(answer).sections
    assert sum(section.port != 0 for section in sections) == 1
    assert len(sections) == len(SessionDescription.parse(text).sections)
    agreed = session.agreed
    assert agreed is not None
    assert agreed.remote is None or agreed.remote[1] >= 1024
    session.accept(OfferAnswer(local(5000)).answer(session.offer()))


def _take_it_for_an_answer(text: str) -> None:
    session = OfferAnswer(local(), OfferedMedia(ice=True))
    session.offer()
    try:
        session.accept(text)
    except OfferError:
        assert session.agreed is None
