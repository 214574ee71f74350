"""Where a peer without ICE is sent to, for how long, and what is taken from there."""

from antiphon_proto.address import Address
from transceiver.signalled_path import UNHEARD_S, SignalledPath
from transceiver.unchecked_path import SILENCE_S

THERE: Address = ("192.0.2.7", 40000)
RTCP: Address = ("192.0.2.7", 40001)
ELSEWHERE: Address = ("198.51.100.9", 50000)


def test_media_goes_where_signaling_says_and_is_bound_before_any_came() -> None:
    path = SignalledPath(THERE, RTCP, 0.0)
    assert (path.selected, path.rtcp) == (THERE, RTCP)
    assert path.known == {THERE: False, RTCP: False}
    assert path.bindings == {THERE: False, RTCP: False}
    assert path.knows(THERE)
    assert path.knows(RTCP)
    assert not path.knows(ELSEWHERE)
    assert path.spend(200, THERE)


def test_an_address_that_nothing_comes_from_gets_no_more_after_a_while() -> None:
    path = SignalledPath(THERE, THERE, 0.0)
    path.tick(100.0)
    assert path.spend(200, THERE), "time counts from the first that is sent"
    path.tick(100.0 + UNHEARD_S)
    assert path.spend(200, THERE)
    path.tick(100.1 + UNHEARD_S)
    assert not path.spend(200, THERE)
    path.media_received(200, THERE, 200.0)
    assert path.spend(200, THERE)


def test_reports_alone_tell_that_the_peer_is_there() -> None:
    path = SignalledPath(THERE, RTCP, 0.0)
    assert path.spend(200, THERE)
    path.tick(UNHEARD_S + 1)
    assert not path.spend(200, THERE)
    path.rtcp_received(60, RTCP, 20.0)
    assert path.spend(200, THERE)
    assert path.spend(60, RTCP)
    assert path.known == {THERE: False, RTCP: True}
    path.media_received(200, THERE, 21.0)
    assert path.known == {THERE: True, RTCP: True}


def test_naming_other_addresses_that_nothing_comes_from_prolongs_nothing() -> None:
    path = SignalledPath(THERE, THERE, 0.0)
    path.tick(0.0)
    for second in range(int(UNHEARD_S)):
        moved = "192.0.2.8", 40000 + second
        path.move(moved, None, float(second))
        path.tick(float(second))
        assert path.spend(200, moved)
    path.tick(UNHEARD_S + 0.1)
    assert path.selected is not None
    assert not path.spend(200, path.selected)


def test_a_peer_that_was_heard_may_move() -> None:
    path = SignalledPath(THERE, THERE, 0.0)
    path.tick(0.0)
    path.media_received(200, THERE, 50.0)
    before = path.revision
    path.move(ELSEWHERE, ELSEWHERE, 50.0)
    assert path.revision != before
    assert path.known == {ELSEWHERE: False}
    path.tick(51.0)
    assert path.spend(200, ELSEWHERE)
    path.tick(51.1 + UNHEARD_S)
    assert not path.spend(200, ELSEWHERE)


def test_the_same_address_again_is_no_move() -> None:
    path = SignalledPath(THERE, THERE, 0.0)
    path.media_received(200, ELSEWHERE, 1.0)
    before = path.revision
    path.move(THERE, THERE, 2.0)
    assert path.selected == ELSEWHERE
    assert path.revision == before


def test_authentic_media_from_elsewhere_is_followed_with_its_rtcp() -> None:
    path = SignalledPath(THERE, THERE, 0.0)
    before = path.revision
    path.media_received(200, ELSEWHERE, 1.0)
    assert (path.selected, path.rtcp) == (ELSEWHERE, ELSEWHERE)
    assert path.known == {ELSEWHERE: True}
    assert path.revision != before


def test_but_each_port_alone_where_there_are_two() -> None:
    path = SignalledPath(THERE, RTCP, 0.0)
    path.media_received(200, ELSEWHERE, 1.0)
    assert (path.selected, path.rtcp) == (ELSEWHERE, RTCP)
    moved = ("198.51.100.9", 50001)
    path.rtcp_received(60, moved, 1.0)
    assert (path.selected, path.rtcp) == (ELSEWHERE, moved)


def test_a_peer_that_wants_nothing_is_nowhere_until_it_says_where() -> None:
    path = SignalledPath(None, None, 0.0)
    path.tick(0.0)
    assert not path.ready
    assert path.selected is None
    assert path.known == {}
    path.move(THERE, THERE, 500.0)
    path.tick(500.0)
    assert path.ready
    assert path.spend(200, THERE)


def test_a_silent_peer_is_gone_but_not_while_it_holds_the_call() -> None:
    path = SignalledPath(THERE, THERE, 0.0)
    path.tick(500.0)
    assert not path.consent_lost(500.0), "nothing was sent to it: it may ring"
    assert path.spend(60, THERE)
    assert path.consent_lost(500.1 + SILENCE_S)
    path.media_received(200, THERE, 1.0)
    assert not path.consent_lost(1.0 + SILENCE_S)
    assert path.consent_lost(1.1 + SILENCE_S)
    path.expect(False, 2.0)
    assert not path.consent_lost(1000.0)
    path.expect(True, 1000.0)
    assert not path.consent_lost(1000.0 + SILENCE_S)
    path.rtcp_received(60, THERE, 1000.0 + SILENCE_S)
    assert not path.consent_lost(1001.0 + SILENCE_S)
