"""The load generator's two ends, by the project's own codecs, with a socket for a relay."""

import socket

import pytest

from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.tunnel import HEADER_BYTES, Frame, FrameType, TunnelReceiver, TunnelSender
from bench.relay.endpoints import CLIENTS, OWNERS, Endpoints
from bench.relay.load import PAYLOAD_BYTES, Answer, Count, Traffic

KEYS = ClusterKeys.parse(ClusterKeys.generate(bytes(range(32))))
PACKETS = 64
A_MOMENT = 0.02


class StandIn:
    """Both sockets of a relay with one worker; forwards nothing by itself."""

    def __init__(self, ends: Endpoints) -> None:
        self.ends = ends
        self.public, self.tunnel = (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)
        )
        for each in (self.public, self.tunnel):
            each.bind(("127.0.0.1", 0))
            each.settimeout(5)
        address = self.tunnel.getsockname()
        headers = [
            TunnelSender(KEYS, owner, address).encode_data(("0.0.0.0", 0), b"")[:HEADER_BYTES]
            for owner in range(OWNERS)
        ]
        ends.through_tunnel(self.public.getsockname(), [address], headers)
        self._receiver = TunnelReceiver(KEYS, address)

    def close(self) -> None:
        self.public.close()
        self.tunnel.close()

    def clients_packets(self) -> list[Frame]:
        """What the clients sent, as the frames that a relay makes of it."""
        self.ends.run(Traffic(up_window=PACKETS), A_MOMENT)
        packets = [self.public.recvfrom(2048) for _ in range(self.ends.counts[Count.UP_SENT])]
        return [Frame(FrameType.DATA, client, payload) for payload, client in packets]

    def to_owner(self, owner: int, frames: list[Frame]) -> None:
        address = self.ends.owners[owner]
        self.tunnel.sendto(TunnelSender(KEYS, 99, address).encode(frames), address)

    def from_owner(self) -> tuple[list[Frame], int]:
        datagram, owner = self.tunnel.recvfrom(65536)
        return self._receiver.decode(datagram)[1], self.ends.owners.index(owner)


@pytest.fixture
def ends():
    with Endpoints() as ends:
        yield ends


@pytest.fixture
def relay(ends):
    relay = StandIn(ends)
    yield relay
    relay.close()


def owner_of(relay: StandIn, frame: Frame) -> int:
    return int(relay.ends.owner_of[relay.ends.clients.index(frame.client)])


def of_one_owner(relay: StandIn) -> tuple[int, list[Frame]]:
    frames = relay.clients_packets()
    owner = owner_of(relay, frames[0])
    return owner, [frame for frame in frames if owner_of(relay, frame) == owner]


def test_each_client_has_an_address_and_an_owner(ends) -> None:
    assert len(set(ends.clients)) == CLIENTS
    shares = [list(ends.owner_of).count(owner) for owner in range(OWNERS)]
    assert shares == [CLIENTS // OWNERS] * OWNERS


def test_clients_send_from_their_own_addresses(relay) -> None:
    frames = relay.clients_packets()
    assert len(frames) >= PACKETS
    for frame in frames:
        assert len(frame.payload) == PAYLOAD_BYTES
        assert frame.client == relay.ends.clients[int.from_bytes(frame.payload[8:10], "little")]


def test_owners_send_frames_that_the_tunnel_accepts(relay) -> None:
    relay.ends.run(Traffic(down_window=PACKETS), A_MOMENT)
    for _ in range(relay.ends.counts[Count.DOWN_SENT]):
        (frame,), owner = relay.from_owner()
        assert (frame.type, len(frame.payload)) == (FrameType.DATA, PAYLOAD_BYTES)
        assert owner == owner_of(relay, frame)


def test_counts_what_arrives_in_one_datagram(relay) -> None:
    owner, frames = of_one_owner(relay)
    relay.to_owner(owner, frames)
    relay.ends.run(Traffic(), A_MOMENT)
    assert relay.ends.counts[Count.UP_RECEIVED] == len(frames) > 1
    assert not relay.ends.counts[Count.WRONG]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda frame: Frame(frame.type, ("127.10.0.1", 9), frame.payload),
        lambda frame: Frame(frame.type, frame.client, frame.payload[:-1]),
        lambda frame: Frame(frame.type, frame.client, frame.payload[:-1] + b"?"),
        lambda frame: Frame(frame.type, frame.client, bytes(PAYLOAD_BYTES)),
        lambda frame: Frame(frame.type, frame.client, b""),
    ],
    ids=["another address", "cut", "altered", "not ours", "empty"],
)
def test_counts_a_spoilt_packet_as_wrong(relay, spoil) -> None:
    owner, frames = of_one_owner(relay)
    relay.to_owner(owner, [spoil(frames[0]), frames[1]])
    relay.ends.run(Traffic(), A_MOMENT)
    assert relay.ends.counts[Count.WRONG] == 1
    assert relay.ends.counts[Count.UP_RECEIVED] == 1


def test_counts_a_packet_for_another_owner_as_wrong(relay) -> None:
    owner, frames = of_one_owner(relay)
    relay.to_owner((owner + 1) % OWNERS, frames[:1])
    relay.ends.run(Traffic(), A_MOMENT)
    assert relay.ends.counts[Count.WRONG] == 1


def test_counts_a_datagram_that_ends_within_a_frame_as_wrong(relay) -> None:
    owner, frames = of_one_owner(relay)
    address = relay.ends.owners[owner]
    datagram = TunnelSender(KEYS, 99, address).encode(frames[:2])
    relay.tunnel.sendto(datagram[:-1], address)
    relay.ends.run(Traffic(), A_MOMENT)
    assert relay.ends.counts[Count.WRONG] == 1


@pytest.mark.parametrize(
    ("answer", "shape"), [(Answer.AS_IT_CAME, [3]), (Answer.FRAME_BY_FRAME, [1, 1, 1])]
)
def test_owners_answer(relay, answer, shape) -> None:
    owner, frames = of_one_owner(relay)
    relay.to_owner(owner, frames[:3])
    relay.ends.run(Traffic(answer=answer), A_MOMENT)
    answers = [relay.from_owner()[0] for _ in shape]
    assert [len(each) for each in answers] == shape
    assert [frame for each in answers for frame in each] == frames[:3]
    assert relay.ends.counts[Count.DOWN_SENT] == 3


def test_clients_tell_their_own_packets_from_others(relay) -> None:
    own, foreign, *_ = relay.clients_packets()
    relay.public.sendto(own.payload, own.client)
    relay.public.sendto(foreign.payload, own.client)
    relay.ends.run(Traffic(), A_MOMENT)
    assert relay.ends.counts[Count.DOWN_RECEIVED] == 1
    assert relay.ends.counts[Count.WRONG] == 1
