"""Two transports that were negotiated, over a wire between them, on a virtual clock."""

import itertools
import random
from collections import Counter

import pytest

from antiphon_proto import stun
from antiphon_proto.address import Address
from antiphon_proto.demux import PacketKind, packet_kind
from tests.transceiver.sdp.sip_offers import counting_bytes
from transceiver.drop_reason import DropReason
from transceiver.dtls import DtlsCertificate
from transceiver.ice import IceCredentials, IceRejection
from transceiver.sdp import Direction
from transceiver.sdp.agreed_media import AgreedMedia, MediaSecurity
from transceiver.sdp.offer_answer import OfferAnswer
from transceiver.sdp.own_offers import LocalMedia, OfferedMedia
from transceiver.signalled_path import UNHEARD_S
from transceiver.signalled_transport import SignalledTransport

ONE: Address = ("192.0.2.1", 4000)
OTHER: Address = ("192.0.2.2", 5000)
STRANGER: Address = ("198.51.100.9", 6000)

EVERY = list(itertools.product(MediaSecurity, (False, True)))


def rtp(sequence: int, ssrc: int = 7) -> bytes:
    head = b"\x80\x00" + sequence.to_bytes(2, "big") + bytes(4) + ssrc.to_bytes(4, "big")
    return head + bytes(160)


def report(ssrc: int = 7) -> bytes:
    """An empty receiver report."""
    return b"\x80\xc9\x00\x01" + ssrc.to_bytes(4, "big")


class Side:
    """One end of a call, at its address."""

    lite = False
    """Whether it says that it checks nothing of itself, so that the other one does: both of ours
    would wait for a check."""

    def __init__(self, address: Address, offered: OfferedMedia, **local: bool) -> None:
        self.address = address
        self.certificate = DtlsCertificate()
        numbers = itertools.count(10)

        def mint() -> IceCredentials:
            return IceCredentials(f"ufrag{address[1]}{next(numbers)}", "p" * 24)

        self.negotiation = OfferAnswer(
            LocalMedia(address, self.certificate.fingerprint, mint, counting_bytes(), **local),
            offered,
        )
        self.sent: list[tuple[bytes, Address]] = []
        self.rtp: list[bytes] = []
        self.rtcp: list[bytes] = []
        self.latched: list[Address] = []
        self.connected_at: list[float] = []
        self.drops: Counter[DropReason] = Counter()
        self.rejections: Counter[IceRejection] = Counter()

    def said(self, sdp: str) -> str:
        return sdp.replace("s=-", "s=-\r\na=ice-lite") if self.lite else sdp

    @property
    def agreed(self) -> AgreedMedia:
        assert self.negotiation.agreed is not None
        return self.negotiation.agreed

    def begin(self, *, latching: bool = False) -> None:
        self.transport = SignalledTransport(
            self.agreed,
            certificate=self.certificate,
            random_bytes=random.Random(self.address[1]).randbytes,
            listener=self,
            send=lambda datagram, client: self.sent.append((datagram, client)),
            drops=self.drops,
            rejections=self.rejections,
            now=0.0,
            latch=self.latched.append if latching else None,
        )

    def hear(self, datagram: bytes, client: Address, now: float) -> None:
        """As the call table does."""
        kind = packet_kind(datagram)
        if kind is PacketKind.STUN:
            self.transport.receive_stun(stun.parse(datagram), len(datagram), client, now)
        elif self.transport.path.knows(client):
            self.transport.receive(kind, datagram, client, now)
        else:
            self.transport.receive_roaming(kind, datagram, client, now)

    def transport_connected(self, now: float) -> None:
        self.connected_at.append(now)

    def rtp_received(self, packet: bytes, now: float) -> None:
        self.rtp.append(packet)

    def rtcp_received(self, packet: bytes, now: float) -> None:
        self.rtcp.append(packet)

    def data_received(self, record: bytes, now: float) -> None: ...

    def transport_closed(self, now: float) -> None: ...


class Call:
    """The first side offered."""

    def __init__(self, offered: OfferedMedia, *, leased: bool = False) -> None:
        self.one, self.other = Side(ONE, offered), Side(OTHER, offered, ice=not leased)
        self.other.lite = True
        self.now = 0.0
        self.agree(self.one, self.other)
        self.one.begin()
        self.other.begin(latching=leased)
        self.run(0.5)

    def agree(self, asking: Side, asked: Side) -> None:
        offer = asking.said(asking.negotiation.offer())
        asking.negotiation.accept(asked.said(asked.negotiation.answer(offer)))

    def follow(self) -> None:
        for side in (self.one, self.other):
            side.transport.follow(side.agreed, self.now)

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += 0.02
            for side in (self.one, self.other):
                side.transport.tick(self.now)
            self.deliver()

    def deliver(self) -> None:
        while self.one.sent or self.other.sent:
            for side, peer in ((self.one, self.other), (self.other, self.one)):
                leaving, side.sent = side.sent, []
                for datagram, client in leaving:
                    if client == peer.address:
                        peer.hear(datagram, side.address, self.now)

    def talk(self, sequence: int) -> None:
        """A packet of each kind both ways."""
        for side in (self.one, self.other):
            side.transport.send_rtp(rtp(sequence))
            side.transport.send_rtcp(report())
        self.deliver()

    def assert_heard(self, *sequences: int) -> None:
        for side in (self.one, self.other):
            assert side.rtp == [rtp(sequence) for sequence in sequences]
            assert side.rtcp == [report()] * len(sequences)


@pytest.mark.parametrize(("security", "ice"), EVERY)
def test_media_and_reports_go_both_ways(security: MediaSecurity, ice: bool) -> None:
    call = Call(OfferedMedia(security, ice))
    call.talk(1)
    call.assert_heard(1)
    for side in (call.one, call.other):
        assert len(side.connected_at) == 1
        assert side.drops == {}
    call.run(60)
    call.talk(2)
    call.assert_heard(1, 2)


@pytest.mark.parametrize(("security", "ice"), EVERY)
def test_another_round_of_offer_and_answer_disturbs_nothing(
    security: MediaSecurity, ice: bool
) -> None:
    call = Call(OfferedMedia(security, ice))
    call.talk(1)
    call.agree(call.other, call.one)
    call.follow()
    call.talk(2)
    call.assert_heard(1, 2)
    assert len(call.one.connected_at) == 1


@pytest.mark.parametrize("security", MediaSecurity)
def test_a_peer_behind_a_leased_port_is_where_its_packets_come_from(
    security: MediaSecurity,
) -> None:
    call = Call(OfferedMedia(security), leased=True)
    call.one.transport.send_rtp(rtp(1))
    call.deliver()
    assert call.other.latched == [ONE]
    call.talk(2)
    assert call.other.rtp == [rtp(1), rtp(2)]
    assert call.one.rtp == [rtp(2)]
    assert call.other.transport.path.bindings == {}


@pytest.mark.parametrize("security", [MediaSecurity.SDES, MediaSecurity.DTLS])
def test_a_strangers_packets_are_nothing_and_the_peers_from_elsewhere_are_followed(
    security: MediaSecurity,
) -> None:
    call = Call(OfferedMedia(security))
    call.talk(1)
    call.one.hear(rtp(2), STRANGER, call.now)
    assert call.one.rtp == [rtp(1)]
    assert call.one.transport.path.selected == OTHER
    call.other.transport.send_rtp(rtp(2))
    [(packet, _)] = call.other.sent
    call.one.hear(packet, STRANGER, call.now)
    assert call.one.rtp == [rtp(1), rtp(2)]
    assert call.one.transport.path.selected == STRANGER


def test_plain_media_counts_only_from_where_the_peer_is() -> None:
    call = Call(OfferedMedia())
    call.talk(1)
    call.one.hear(rtp(2), STRANGER, call.now)
    call.one.transport.receive(PacketKind.RTP, rtp(2), STRANGER, call.now)
    call.assert_heard(1)
    assert call.one.transport.path.selected == OTHER
    assert call.one.transport.sources == {}, "anyone can write an SSRC"
    assert call.one.drops == {DropReason.NO_CALL: 1}


def test_a_moved_peer_is_followed_where_its_next_offer_says() -> None:
    call = Call(OfferedMedia(MediaSecurity.SDES))
    call.talk(1)
    offer = call.other.negotiation.offer().replace(OTHER[0], "192.0.2.3")
    call.one.negotiation.answer(offer)
    before = call.one.transport.revision
    call.one.transport.follow(call.one.agreed, call.now)
    assert call.one.transport.path.selected == ("192.0.2.3", 5000)
    assert call.one.transport.revision != before


def test_new_keys_are_used_at_once_each_way() -> None:
    call = Call(OfferedMedia(MediaSecurity.SDES))
    call.talk(1)
    fresh = Side(OTHER, OfferedMedia(MediaSecurity.SDES))
    fresh.negotiation.offer()
    fresh.negotiation = OfferAnswer(
        LocalMedia(OTHER, fresh.certificate.fingerprint, lambda: IceCredentials("", ""), bytes),
        OfferedMedia(MediaSecurity.SDES),
    )
    call.agree(fresh, call.one)
    call.one.transport.follow(call.one.agreed, call.now)
    fresh.begin()
    call.other = fresh
    call.run(0.1)
    call.talk(9)
    assert call.one.rtp == [rtp(1), rtp(9)]
    assert fresh.rtp == [rtp(9)]


def test_another_dtls_association_takes_the_place_of_the_first() -> None:
    call = Call(OfferedMedia(MediaSecurity.DTLS))
    call.talk(1)
    fresh = Side(OTHER, OfferedMedia(MediaSecurity.DTLS))
    call.agree(fresh, call.one)
    call.one.transport.follow(call.one.agreed, call.now)
    assert not call.one.transport.connected
    fresh.begin()
    call.other = fresh
    call.run(0.5)
    call.talk(2)
    assert call.one.rtp == [rtp(1), rtp(2)]
    assert fresh.rtp == [rtp(2)]


def test_from_an_address_to_ice_and_back() -> None:
    call = Call(OfferedMedia(MediaSecurity.SDES))
    call.talk(1)
    before = call.one.transport.revision
    browser = Side(OTHER, OfferedMedia(MediaSecurity.SDES, ice=True))
    call.one.lite = True
    call.agree(browser, call.one)
    call.one.transport.follow(call.one.agreed, call.now)
    assert call.one.transport.revision != before
    assert call.one.transport.path.ufrags
    browser.begin()
    call.other = browser
    call.run(0.5)
    call.talk(2)
    assert browser.rtp == [rtp(2)]
    plain = Side(OTHER, OfferedMedia(MediaSecurity.SDES))
    call.agree(plain, call.one)
    call.one.transport.follow(call.one.agreed, call.now)
    assert call.one.transport.path.ufrags == ()
    assert call.one.transport.path.selected == OTHER


def test_a_peer_on_hold_may_be_silent_and_one_that_was_never_heard_gets_no_more() -> None:
    call = Call(OfferedMedia())
    held = call.other.negotiation.offer().replace("sendrecv", "inactive")
    call.one.negotiation.answer(held)
    assert call.one.agreed.direction is Direction.INACTIVE
    call.one.transport.follow(call.one.agreed, call.now)
    assert not call.one.transport.path.consent_lost(call.now + 1000)
    call.one.transport.send_rtp(rtp(1))
    call.one.sent.clear()
    call.run(UNHEARD_S + 1)
    call.one.transport.send_rtp(rtp(2))
    assert call.one.sent == []
    assert call.one.drops == {DropReason.UNVALIDATED_ALLOWANCE: 1}


@pytest.mark.parametrize(
    ("security", "ice", "reported"),
    [
        (MediaSecurity.NONE, False, True),
        (MediaSecurity.SDES, False, True),
        (MediaSecurity.SDES, True, False),
        (MediaSecurity.DTLS, False, False),
    ],
)
def test_without_multiplexing_reports_go_to_a_port_of_their_own_or_nowhere(
    security: MediaSecurity, ice: bool, reported: bool
) -> None:
    call = Call(OfferedMedia(security, ice))
    offer = call.other.negotiation.offer().replace("a=rtcp-mux\r\n", "").replace(":5000", ":5001")
    call.one.negotiation.answer(offer)
    call.one.transport.follow(call.one.agreed, call.now)
    call.one.transport.send_rtcp(report())
    assert [client for _, client in call.one.sent] == [(OTHER[0], 5001)] * reported


@pytest.mark.parametrize("security", MediaSecurity)
def test_sources_are_named_where_keys_prove_whose_they_are(security: MediaSecurity) -> None:
    call = Call(OfferedMedia(security))
    call.one.negotiation.answer(call.other.negotiation.offer() + "a=ssrc:7 cname:x\r\n")
    call.one.transport.follow(call.one.agreed, call.now)
    assert call.one.transport.sources == ({7: False} if security.encrypted else {})
