"""From clients to owners: which owner gets each datagram, and in what tunnel datagrams.

The decisions are those of `relay.router`; what it takes Python to decide is punted.
"""

from typing import Any, NamedTuple

import numpy as np

from relay.counters import TALLIED, Tally
from relay.drop_reason import DropReason
from relay.fast.client_flows import add_received, live_flow
from relay.fast.client_key import ClientKey
from relay.fast.compiling import jit
from relay.fast.counting import PUNT, TO_OWNER, count_drop, count_packet, drop
from relay.fast.layouts import MAX_HEADER_BYTES, NONE, i64
from relay.fast.libc import MSG_TRUNC
from relay.fast.message_arrays import (
    FAILED,
    HEADROOM,
    Inbox,
    Outbox,
    add_part,
    new_inbox,
    new_outbox,
    open_message,
)
from relay.fast.owner_table import owner_of
from relay.fast.packet import (
    FRAME_BYTES,
    NO_SSRC,
    OTHER,
    STUN,
    copy_bytes,
    packet_kind,
    put_u16,
    ssrc_of,
)
from relay.fast.sockaddr import (
    IPV4_BYTES,
    IPV4_NAME_BYTES,
    IPV6_BYTES,
    encode_name,
    key_of_name,
    name_bytes,
)
from relay.fast.ssrc_table import live_ssrc, spend_packet
from relay.fast.stun_walk import MALFORMED, NO_REQUEST, walk_stun
from relay.fast.table import MAX_OWNERS, Table
from relay.flows import NO_UFRAG
from relay.receive_buffers import PUBLIC_BYTES

TUNNEL_PAYLOAD = 1400
"""Bytes of a tunnel datagram that holds more than one frame: what any path takes whole."""

BATCH = 256
"""Datagrams taken from a socket at one go."""

_OVERSIZED = drop(DropReason.OVERSIZED)
_NOT_WEBRTC = drop(DropReason.NOT_WEBRTC)
_MALFORMED_STUN = drop(DropReason.MALFORMED_STUN)
_NO_FLOW = drop(DropReason.NO_FLOW)
_SSRC_RATE = drop(DropReason.SSRC_RATE)
_OWNER_SEND_FAILED = drop(DropReason.OWNER_SEND_FAILED)
_DATAGRAMS_SENT = TALLIED[Tally.TUNNEL_DATAGRAMS_SENT]


class Uplink(NamedTuple):
    """The memory of the way to the owners."""

    inbox: Inbox
    outbox: Outbox
    verdicts: Any
    kinds: Any
    follower: Any
    """Of each datagram, the next for the same owner."""
    first: Any
    last: Any
    """Of each owner in this batch, its datagrams."""
    owner: Any
    """Of each group of datagrams, their owner."""
    group: Any
    """Of each owner, its group in this batch, if that group's owner is this one."""
    message_first: Any
    """Of each message, the first of its datagrams."""


def new_uplink(batch: int = BATCH) -> Uplink:
    def numbers(count: int) -> Any:
        return np.zeros(count, np.int32)

    return Uplink(
        new_inbox(batch, PUBLIC_BYTES),
        new_outbox(batch, 2 * batch, MAX_HEADER_BYTES),
        numbers(batch),
        numbers(batch),
        numbers(batch),
        numbers(batch),
        numbers(batch),
        numbers(batch),
        numbers(MAX_OWNERS),
        numbers(batch),
    )


@jit
def judge_batch(table: Table, uplink: Uplink, received: int, now: float) -> None:
    """Note the verdict on each received datagram, and write its frame's header before it."""
    inbox = uplink.inbox
    for i in range(received):
        length = i64(inbox.messages[i].length)
        data, name = inbox.buffers[i], inbox.names[i]
        if length >= PUBLIC_BYTES or inbox.messages[i].flags & MSG_TRUNC:
            uplink.verdicts[i] = _OVERSIZED
            continue
        kind = packet_kind(data, HEADROOM, length)
        uplink.kinds[i] = kind
        uplink.verdicts[i] = judge(table, data, length, kind, key_of_name(name), now)
        address_bytes = encode_name(name, data, HEADROOM)
        put_u16(data, HEADROOM - address_bytes - FRAME_BYTES, length)
        data[HEADROOM - address_bytes - 1] = 0  # The type: DATA.


@jit
def judge(table: Table, data: Any, length: int, kind: int, client: ClientKey, now: float) -> int:
    """A client's datagram goes to an owner, is left to Python, or dropped."""
    if kind == OTHER:
        return _NOT_WEBRTC
    slot = live_flow(table, client, now)
    if kind == STUN:
        mark = walk_stun(data, HEADROOM, length)
        if mark == MALFORMED:
            return _MALFORMED_STUN
        unknown = slot == NONE or mark == NO_UFRAG or mark != table.flows[slot].mark
        if mark != NO_REQUEST and unknown:
            return PUNT
    if slot == NONE:
        return _judge_unknown(table, ssrc_of(data, HEADROOM, length, kind), now)
    flow = table.flows[slot]
    owner = owner_of(table, flow)
    if table.owners[owner].header_bytes == 0:
        return PUNT
    add_received(flow, length)
    return owner


@jit
def _judge_unknown(table: Table, ssrc: int, now: float) -> int:
    """Media whose source address nobody vouched for may be that of a rebound NAT."""
    if ssrc == NO_SSRC:
        return _NO_FLOW
    slot = live_ssrc(table, ssrc, now)
    if slot == NONE:
        return _NO_FLOW
    owner = owner_of(table, table.ssrcs[slot])
    if table.owners[owner].header_bytes == 0:
        return PUNT
    return owner if spend_packet(table.ssrcs[slot], now) else _SSRC_RATE


@jit
def assemble(table: Table, uplink: Uplink, received: int) -> int:
    """Pack each owner's datagrams into as few messages as TUNNEL_PAYLOAD allows.

    Returns the number of messages.
    """
    messages = iovecs = i64(0)
    for group in range(_group_by_owner(uplink, received)):
        owner = table.owners[uplink.owner[group]]
        size = i64(0)
        i = i64(uplink.first[group])
        while i >= 0:
            frame = _frame_bytes(uplink, i)
            if size == 0 or size + frame > TUNNEL_PAYLOAD:
                _open_datagram(uplink, messages, iovecs, owner, i)
                messages, iovecs, size = messages + 1, iovecs + 1, i64(owner.header_bytes)
            length = i64(uplink.inbox.messages[i].length)
            add_part(
                uplink.outbox,
                messages - 1,
                iovecs,
                uplink.inbox.buffers[i],
                HEADROOM + length - frame,
                frame,
            )
            iovecs, size = iovecs + 1, size + frame
            i = i64(uplink.follower[i])
    return messages


@jit
def _group_by_owner(uplink: Uplink, received: int) -> int:
    """Link the datagrams of each owner, in their order; returns the number of owners."""
    groups = i64(0)
    for i in range(received):
        owner = i64(uplink.verdicts[i])
        if owner < 0:
            continue
        group = i64(uplink.group[owner])
        if group >= groups or uplink.owner[group] != owner:
            group = groups
            groups += 1
            uplink.group[owner], uplink.owner[group], uplink.first[group] = group, owner, i
        else:
            uplink.follower[uplink.last[group]] = i
        uplink.last[group] = i
        uplink.follower[i] = -1
    return groups


@jit
def _frame_bytes(uplink: Uplink, i: int) -> int:
    ipv4 = uplink.inbox.messages[i].name_length == IPV4_NAME_BYTES
    address_bytes = IPV4_BYTES if ipv4 else IPV6_BYTES
    return FRAME_BYTES + address_bytes + i64(uplink.inbox.messages[i].length)


@jit
def _open_datagram(uplink: Uplink, message: int, iovec: int, owner: Any, first: int) -> None:
    """Copied from the owner's record, which may be another's before this is sent."""
    outbox = uplink.outbox
    copy_bytes(outbox.names[message], owner.name)
    copy_bytes(outbox.headers[message], owner.header)
    uplink.message_first[message] = first
    open_message(outbox, message, iovec, name_bytes(owner.name))
    add_part(outbox, message, iovec, outbox.headers[message], 0, i64(owner.header_bytes))


@jit
def count_verdicts(uplink: Uplink, received: int, row: Any) -> None:
    """What was neither forwarded nor punted."""
    for i in range(received):
        if uplink.verdicts[i] < PUNT:
            count_drop(row, i64(uplink.verdicts[i]))


@jit
def count_sent(uplink: Uplink, messages: int, row: Any) -> None:
    """Each datagram in a message shares its fate."""
    for message in range(messages):
        failed = uplink.outbox.fates[message] == FAILED
        i = i64(uplink.message_first[message])
        for _ in range(i64(uplink.outbox.messages[message].iovec_count) - 1):
            if failed:
                count_drop(row, _OWNER_SEND_FAILED)
            else:
                count_packet(
                    row, TO_OWNER, i64(uplink.kinds[i]), i64(uplink.inbox.messages[i].length)
                )
            i = i64(uplink.follower[i])
        if not failed:
            row[_DATAGRAMS_SENT] += 1
