"""A relay that makes itself known to transceivers."""

from antiphon_proto.tunnel import TunnelReceiver
from antiphon_proto.tunnel_control import Hello, control_message
from tests.relay.conftest import Cluster, udp_socket


def test_a_relay_greets_every_worker_from_every_tunnel(start_relay, cluster: Cluster) -> None:
    owners = [udp_socket() for _ in range(2)]
    places = ",".join("{}:{}".format(*owner.getsockname()) for owner in owners)

    relay = start_relay("--workers", "2", "--transceivers", places)

    for owner in owners:
        receiver = TunnelReceiver(cluster.keys, owner.getsockname())
        greeted_from = set()
        while greeted_from != set(relay.tunnels):
            datagram, tunnel = owner.recvfrom(2048)
            _epoch, [frame] = receiver.decode(datagram)
            assert control_message(frame) == Hello(0, ())
            greeted_from.add(tunnel)
        owner.close()
