"""Datagrams that the compiled loop leaves to Python.

A punt is a datagram of a local socket: the source's address, encoded as in the tunnel,
then what came from there.
"""

from typing import Any

from antiphon_proto.address import ADDRESS_LENGTHS, Address, decode_address
from relay.drop_reason import DropReason
from relay.fast.compiling import jit
from relay.fast.counting import PUNT, count_drop, drop
from relay.fast.layouts import i64
from relay.fast.message_arrays import (
    FAILED,
    HEADROOM,
    Inbox,
    Outbox,
    add_part,
    open_message,
    send,
)
from relay.fast.sockaddr import IPV4_BYTES, IPV4_NAME_BYTES, IPV6_BYTES

PUBLIC_PUNT_LOST = drop(DropReason.PUNT_QUEUE_FULL)
TUNNEL_PUNT_LOST = drop(DropReason.TUNNEL_PUNT_QUEUE_FULL)


def read_punt(punt: bytes) -> tuple[bytes, Address]:
    """The datagram, and the client or the owner that it came from."""
    end = ADDRESS_LENGTHS[punt[0]]
    return punt[end:], decode_address(punt[:end])


@jit
def send_punts(
    descriptor: int, inbox: Inbox, verdicts: Any, received: int, outbox: Outbox, row: Any, lost: int
) -> None:
    """Leave to Python what the verdicts say, its address written before it; counts `lost`."""
    count = i64(0)
    for i in range(received):
        if verdicts[i] == PUNT:
            header = inbox.messages[i]
            ipv4 = header.name_length == IPV4_NAME_BYTES
            address_bytes = IPV4_BYTES if ipv4 else IPV6_BYTES
            open_message(outbox, count, count, 0)
            length = address_bytes + i64(header.length)
            add_part(outbox, count, count, inbox.buffers[i], HEADROOM - address_bytes, length)
            count += 1
    if count == 0:
        return
    send(descriptor, outbox, count)
    for i in range(count):
        if outbox.fates[i] == FAILED:
            count_drop(row, lost)
