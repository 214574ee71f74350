"""Where a peer behind a leased port is taken to be."""

from antiphon_proto.address import Address
from transceiver.latched_path import LatchedPath
from transceiver.unchecked_path import SILENCE_S

THERE: Address = ("192.0.2.7", 40000)
ELSEWHERE: Address = ("198.51.100.9", 50000)


def path() -> tuple[LatchedPath, list[Address]]:
    latched: list[Address] = []
    return LatchedPath(latched.append), latched


def test_nothing_is_sent_before_anything_came() -> None:
    way, latched = path()
    assert way.selected is None
    assert way.rtcp is None
    assert not way.spend(200, THERE)
    assert way.bindings == way.known == {}
    assert latched == []


def test_the_first_packet_tells_where_the_peer_is_and_the_relay_is_told_once() -> None:
    way, latched = path()
    assert way.knows(THERE)
    for second in range(3):
        way.media_received(200, THERE, float(second))
    assert way.selected == way.rtcp == THERE
    assert latched == [THERE]
    assert not way.knows(ELSEWHERE)
    assert way.spend(200, THERE)
    assert not way.spend(200, ELSEWHERE)


def test_a_handshake_latches_too_and_does_not_move_what_is_latched() -> None:
    way, latched = path()
    way.credit(100, THERE)
    way.credit(100, ELSEWHERE)
    assert latched == [THERE]


def test_rtcp_from_a_port_of_its_own_latches_nothing() -> None:
    way, latched = path()
    way.rtcp_received(60, ELSEWHERE, 1.0)
    assert latched == []


def test_authentic_media_from_elsewhere_moves_it() -> None:
    way, latched = path()
    way.media_received(200, THERE, 0.0)
    way.media_received(200, ELSEWHERE, 1.0)
    assert way.selected == ELSEWHERE
    assert latched == [THERE, ELSEWHERE]


def test_a_peer_that_says_it_is_elsewhere_is_latched_anew() -> None:
    way, latched = path()
    way.media_received(200, THERE, 0.0)
    way.release()
    assert way.selected is None
    way.media_received(200, ELSEWHERE, 1.0)
    assert latched == [THERE, ELSEWHERE]


def test_a_silent_peer_is_gone_but_not_while_it_holds_the_call() -> None:
    way, _ = path()
    way.tick(0.0)
    assert not way.consent_lost(1000.0), "nothing is agreed yet"
    way.ready = True
    way.tick(0.0)
    assert not way.consent_lost(SILENCE_S)
    assert way.consent_lost(SILENCE_S + 0.1)
    way.expect(False, 0.0)
    assert not way.consent_lost(1000.0)
    way.expect(True, 1000.0)
    assert not way.consent_lost(1000.0 + SILENCE_S)
