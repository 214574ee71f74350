"""From the tunnel: which frames of a datagram are delivered to clients, and which go on whole."""

from typing import Any, NamedTuple

import numpy as np

from antiphon_proto.tunnel import CONTROL, HEADER_BYTES, FrameType
from relay.address_key import IPV4
from relay.counters import TALLIED, Tally
from relay.drop_reason import DropReason
from relay.fast.client_flows import may_send
from relay.fast.compiling import jit
from relay.fast.counting import PUNT, TO_CLIENT, count_drop, count_packet, drop
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
from relay.fast.packet import FRAME_BYTES, copy_bytes, packet_kind, u16_at
from relay.fast.passages import find_passage, new_passages
from relay.fast.sockaddr import (
    encode_name,
    encoded_length,
    key_of_encoded,
    name_bytes,
    name_encoded,
)
from relay.fast.table import Table
from relay.fast.trusted_headers import is_trusted, new_trusted_headers
from relay.receive_buffers import TUNNEL_BYTES

BATCH = 256
"""Datagrams taken from the socket, and payloads sent, at one go."""

DELIVER = 0
"""The verdict on a datagram whose frames can all be read."""

PASS_ON = 1
"""On one in transit, plus the slot of its passage."""

_DATA, _PORT_DATA = int(FrameType.DATA), int(FrameType.PORT_DATA)
_FIRST_TRANSIT, _LAST_TRANSIT = int(FrameType.TO_OWNER), int(FrameType.FROM_OWNER)
_TRUNCATED = drop(DropReason.TUNNEL_TRUNCATED)
_FRAME = drop(DropReason.TUNNEL_FRAME)
_FAMILY = drop(DropReason.CLIENT_FAMILY)
_ALLOWANCE = drop(DropReason.PROVISIONAL_ALLOWANCE)
_TRANSIT_SEND_FAILED = drop(DropReason.TRANSIT_SEND_FAILED)
_TRANSIT_TO_OWNER = TALLIED[Tally.TRANSIT_TO_OWNER]
_TRANSIT_TO_RELAY = TALLIED[Tally.TRANSIT_TO_RELAY]
_CLIENT_SEND_FAILED = drop(DropReason.CLIENT_SEND_FAILED)


class Delivery(NamedTuple):
    """Payloads on their way to the clients of one family."""

    outbox: Outbox
    kinds: Any
    count: Any
    """One number: how many."""


class Downlink(NamedTuple):
    """The memory of the way to the clients, and through this relay."""

    inbox: Inbox
    verdicts: Any
    trusted: Any
    passages: Any
    transit: Outbox
    to_owner: Any
    """Of each message in transit, whether it goes to an owner."""
    ipv4: Delivery
    ipv6: Delivery
    cursor: Any
    """Two numbers: the datagram, and the position in it, of the next frame to deliver."""


def new_downlink(batch: int = BATCH) -> Downlink:
    return Downlink(
        new_inbox(batch, TUNNEL_BYTES),
        np.zeros(batch, np.int32),
        new_trusted_headers(),
        new_passages(),
        new_outbox(batch, 2 * batch, MAX_HEADER_BYTES),
        np.zeros(batch, np.int32),
        _new_delivery(batch),
        _new_delivery(batch),
        np.zeros(2, np.int64),
    )


def _new_delivery(batch: int) -> Delivery:
    return Delivery(new_outbox(batch, batch, 0), np.zeros(batch, np.int32), np.zeros(1, np.int64))


@jit
def judge_datagrams(table: Table, downlink: Downlink, received: int) -> None:
    """Note the verdict on each received datagram as a whole."""
    inbox = downlink.inbox
    for i in range(received):
        length = i64(inbox.messages[i].length)
        cut_short = inbox.messages[i].flags & MSG_TRUNC
        verdict = _TRUNCATED if cut_short else judge_datagram(table, downlink, i, length)
        downlink.verdicts[i] = verdict
        if verdict == PUNT:
            encode_name(inbox.names[i], inbox.buffers[i], HEADROOM)
    downlink.cursor[0], downlink.cursor[1] = 0, HEADER_BYTES


@jit
def judge_datagram(table: Table, downlink: Downlink, i: int, length: int) -> int:
    """A datagram is delivered, left to Python, or dropped."""
    data = downlink.inbox.buffers[i]
    if length < HEADER_BYTES:
        return _TRUNCATED
    seed = table.header[0].seed
    if data[HEADROOM] & CONTROL or not is_trusted(downlink.trusted, seed, data, HEADROOM):
        return PUNT
    first = HEADROOM + HEADER_BYTES
    if length > HEADER_BYTES + FRAME_BYTES and _FIRST_TRANSIT <= data[first + 2] <= _LAST_TRANSIT:
        return _judge_transit(table, downlink, data, first, HEADROOM + length)
    return check_frames(data, first, HEADROOM + length)


@jit
def _judge_transit(table: Table, downlink: Downlink, data: Any, first: int, end: int) -> int:
    """Python has whatever comes by no open passage, or is not all DATA."""
    address_bytes = encoded_length(i64(data[first + FRAME_BYTES]))
    others = first + FRAME_BYTES + address_bytes + u16_at(data, first)
    if address_bytes == 0 or others > end:
        return PUNT
    seed = table.header[0].seed
    slot = find_passage(downlink.passages, seed, data, HEADROOM, others - HEADROOM)
    if slot == NONE or check_frames(data, others, end) != DELIVER:
        return PUNT
    return PASS_ON + slot


@jit
def check_frames(data: Any, position: int, end: int) -> int:
    """Whether frames of DATA, and nothing else, fill the datagram; Python has phone ports."""
    if position == end:
        return _FRAME
    while position < end:
        if end - position <= FRAME_BYTES:
            return _TRUNCATED
        address_bytes = encoded_length(i64(data[position + FRAME_BYTES]))
        if address_bytes == 0:
            return _FRAME
        kind = data[position + 2]
        if kind != _DATA:
            return PUNT if kind == _PORT_DATA else _FRAME
        position += FRAME_BYTES + address_bytes + u16_at(data, position)
    return _TRUNCATED if position > end else DELIVER


@jit
def deliver_some(
    table: Table,
    downlink: Downlink,
    received: int,
    has_ipv4: bool,
    has_ipv6: bool,
    now: float,
    row: Any,
) -> bool:
    """Ready payloads from the cursor on, as many as can be sent at one go.

    Returns whether any frame is left.
    """
    downlink.ipv4.count[0] = downlink.ipv6.count[0] = 0
    room = len(downlink.ipv4.kinds)
    cursor = downlink.cursor
    while cursor[0] < received:
        i = cursor[0]
        end = i64(downlink.inbox.messages[i].length)
        if downlink.verdicts[i] != DELIVER or cursor[1] >= end:
            cursor[0], cursor[1] = i + 1, HEADER_BYTES
            continue
        if max(downlink.ipv4.count[0], downlink.ipv6.count[0]) >= room:
            return True
        at = HEADROOM + cursor[1]
        data = downlink.inbox.buffers[i]
        length = u16_at(data, at)
        family = i64(data[at + FRAME_BYTES])
        address_bytes = encoded_length(family)
        verdict = _judge_frame(
            table, data, at, length, has_ipv4 if family == IPV4 else has_ipv6, now
        )
        if verdict != DELIVER:
            count_drop(row, verdict)
        elif family == IPV4:
            _ready(downlink.ipv4, data, at + FRAME_BYTES, address_bytes, length)
        else:
            _ready(downlink.ipv6, data, at + FRAME_BYTES, address_bytes, length)
        cursor[1] += FRAME_BYTES + address_bytes + length
    return False


@jit
def _judge_frame(
    table: Table, data: Any, at: int, length: int, has_family: bool, now: float
) -> int:
    if not has_family:
        return _FAMILY
    client = key_of_encoded(data, at + FRAME_BYTES)
    return DELIVER if may_send(table, client, length, now) else _ALLOWANCE


@jit
def _ready(delivery: Delivery, data: Any, address_at: int, address_bytes: int, length: int) -> None:
    """One more payload to send."""
    i = delivery.count[0]
    name_length = name_encoded(data, address_at, delivery.outbox.names[i])
    open_message(delivery.outbox, i, i, name_length)
    payload_at = address_at + address_bytes
    add_part(delivery.outbox, i, i, data, payload_at, length)
    delivery.kinds[i] = packet_kind(data, payload_at, length)
    delivery.count[0] += 1


@jit
def assemble_transit(downlink: Downlink, received: int) -> int:
    """Ready what goes on; returns the number of messages."""
    messages = i64(0)
    for i in range(received):
        if downlink.verdicts[i] >= PASS_ON:
            slot = i64(downlink.verdicts[i]) - PASS_ON
            end = HEADROOM + i64(downlink.inbox.messages[i].length)
            _pass_on(downlink, downlink.passages[slot], messages, downlink.inbox.buffers[i], end)
            messages += 1
    return messages


@jit
def _pass_on(downlink: Downlink, passage: Any, message: int, data: Any, end: int) -> None:
    """Copied from the passage's record, which may be another's before this is sent."""
    outbox = downlink.transit
    copy_bytes(outbox.names[message], passage.name)
    copy_bytes(outbox.headers[message], passage.header)
    downlink.to_owner[message] = passage.to_owner
    open_message(outbox, message, 2 * message, name_bytes(passage.name))
    header_bytes, others = i64(passage.header_bytes), HEADROOM + i64(passage.prefix_bytes)
    add_part(outbox, message, 2 * message, outbox.headers[message], 0, header_bytes)
    add_part(outbox, message, 2 * message + 1, data, others, end - others)


@jit
def count_transit(downlink: Downlink, messages: int, row: Any) -> None:
    """What was sent on, or could not be."""
    for message in range(messages):
        if downlink.transit.fates[message] == FAILED:
            count_drop(row, _TRANSIT_SEND_FAILED)
        elif downlink.to_owner[message]:
            row[_TRANSIT_TO_OWNER] += 1
        else:
            row[_TRANSIT_TO_RELAY] += 1


@jit
def count_dropped(downlink: Downlink, received: int, row: Any) -> None:
    """Datagrams that were neither delivered nor punted."""
    for i in range(received):
        if downlink.verdicts[i] < PUNT:
            count_drop(row, i64(downlink.verdicts[i]))


@jit
def count_delivered(delivery: Delivery, row: Any) -> None:
    """Payloads that were sent, or could not be."""
    for i in range(delivery.count[0]):
        if delivery.outbox.fates[i] == FAILED:
            count_drop(row, _CLIENT_SEND_FAILED)
        else:
            size = i64(delivery.outbox.iovecs[i].length)
            count_packet(row, TO_CLIENT, i64(delivery.kinds[i]), size)
