"""A relay worker that a transceiver knows only by its keys."""

import socket

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.tunnel import FrameType, TunnelReceiver, TunnelSender

CLIENT: Address = ("192.0.2.7", 4321)


class StrangeRelay:
    def __init__(self, keys: ClusterKeys) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self._keys = keys
        self._receiver = TunnelReceiver(keys, self._socket.getsockname())

    def was_greeted_by(self, transceiver: Address) -> bool:
        """Send a client's packet; whether a probe came back, under the same keys, for an earlier.

        Raises TunnelError when one came back under others.
        """
        datagram = TunnelSender(self._keys, 1, transceiver).encode_data(CLIENT, b"?")
        self._socket.sendto(datagram, transceiver)
        try:
            _epoch, frames = self._receiver.decode(self._socket.recv(2048))
        except BlockingIOError:
            return False
        return FrameType.HELLO in [frame.type for frame in frames]

    def close(self) -> None:
        self._socket.close()
