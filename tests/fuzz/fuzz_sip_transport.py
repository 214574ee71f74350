"""SIP before it is understood: streams are cut into messages, and messages are told apart.

However a stream is cut, the same messages come out of it, and it ends at the same place. Nothing
raises, and nothing is answered before somebody understood what was asked.
"""

from tests.transceiver.sip.transport_driver import PHONE, WORKERS, Host, names, request, response
from transceiver.sip.routing_fields import RoutingFields
from transceiver.sip.stream_framing import MAX_MESSAGE_BYTES, StreamFraming

HERE, NEXT, _ = WORKERS
HOST = Host()
SEEDS = [
    request(body=b"v=0\r\n"),
    request("BYE", uri=f"sip:{names(NEXT).call_id()}@192.0.2.1", to_tag=names(NEXT).tag()),
    response(branch=names(NEXT).branch()),
    b"\r\n\r\n" + request() + b"\r\n" + response(),
    b"ACK sip:a SIP/2.0\r\nl:3\r\nt: <sip:b>\r\n ;tag=x\r\ni:1\r\nv: SIP/2.0/UDP a\r\n\r\nabc",
]


def one_input(data: bytes) -> None:
    whole = framed(data, len(data) or 1)
    assert framed(data, 1 + len(data) // 50) == whole
    messages, _, _ = whole
    assert all(len(each) <= MAX_MESSAGE_BYTES for each in messages)
    HOST.now += 10.0
    for message in (data, *messages):
        HOST.workers[HERE].exchange.datagram(message, PHONE)
    HOST.run()
    for worker in HOST.workers.values():
        assert worker.sent == []
        assert all(RoutingFields.of(message) for message, _ in worker.heard)
        worker.heard.clear()


def framed(stream: bytes, step: int) -> tuple[list[bytes], int, bool]:
    """Messages, pings, and whether the stream goes on."""
    framing = StreamFraming()
    found: list[bytes] = []
    pings = 0
    for start in range(0, len(stream), step):
        fed = framing.feed(stream[start : start + step])
        found += fed.messages
        pings += fed.pings
        if not fed.intact:
            return found, pings, False
    return found, pings, True
