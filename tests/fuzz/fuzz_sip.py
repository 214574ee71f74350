"""SIP messages of strangers and of callers: understood, refused or dropped, and nothing is left."""

from tests.transceiver.sip.agents import Agent, Network, RawPeer
from tests.transceiver.sip.torture import torture_messages
from transceiver.sip.flow import Flow

_OFFER = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
_SEPARATOR = b"\x00next\x00"


def _seeds() -> list[bytes]:
    peer = RawPeer(Network())
    asked = peer.request(
        "INVITE",
        ("Supported", "timer, 100rel"),
        ("Session-Expires", "120;refresher=uac"),
        ("Record-Route", "<sip:proxy.example.com;lr>, <sip:192.0.2.77>"),
        ("Contact", '"A, \\"B\\"" <sip:peer@192.0.2.9:5062;transport=tcp;ob>;q=0.5'),
        ("Route", "<sip:192.0.2.1;lr>"),
        body=_OFFER,
        branch="z9hG4bK-one",
    )
    within = {"to_tag": "tag-alice1"}
    return [
        asked,
        asked + _SEPARATOR + peer.request("CANCEL", branch="z9hG4bK-one"),
        asked + _SEPARATOR + peer.request("ACK", to_tag="tag-alice1"),
        peer.request("INVITE", ("Require", "100rel"))
        + _SEPARATOR
        + peer.request("PRACK", ("RAck", "1 1 INVITE"), to_tag="tag-alice1", sequence=2),
        peer.request("REGISTER", ("Contact", "<sip:peer@192.0.2.9>;expires=60, *")),
        peer.request("OPTIONS", uri="sips:%61gent@[2001:db8::1]:5061;transport=tls"),
        asked
        + _SEPARATOR
        + peer.request("INFO", ("Content-Type", "application/dtmf"), **within, body="5"),  # type: ignore[arg-type]
        asked
        + _SEPARATOR
        + peer.request(
            "INVITE",
            ("Content-Type", 'multipart/mixed; boundary="b"'),
            sequence=2,
            body=f"--b\r\nContent-Type: application/sdp\r\n\r\n{_OFFER}\r\n--b--\r\n",
            to_tag="tag-alice1",
        ),
        b"SIP/2.0 200 OK\r\nv: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-alice2\r\n"
        b"f: <sip:alice@192.0.2.1>;tag=tag-alice1\r\nt: <sip:agent@192.0.2.9>;tag=p\r\n"
        b"i: rtc_fuzz\r\nCSeq: 1 INVITE\r\nm: <sip:peer@192.0.2.9>\r\nl: 0\r\n\r\n",
        b"SIP/2.0 183 Progress\r\nv: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-alice2\r\n"
        b"f: <sip:alice@192.0.2.1>;tag=tag-alice1\r\nt: <sip:agent@192.0.2.9>;tag=p\r\n"
        b"i: rtc_fuzz\r\nCSeq: 1 INVITE\r\nm: <sip:peer@192.0.2.9>\r\nRequire: 100rel\r\n"
        b"RSeq: 1\r\nRecord-Route: <sip:192.0.2.9>\r\nc: application/sdp\r\nl: 3\r\n\r\nv=0",
    ]


SEEDS = [*_seeds(), *torture_messages().values()]


class _Stranger(RawPeer):
    """Hears also what repeats fields of theirs that nobody can parse."""

    def receive(self, data: bytes, flow: Flow) -> None:
        assert data.startswith(b"SIP/2.0 ") or b" SIP/2.0\r\n" in data


def one_input(data: bytes) -> None:
    network = Network()
    alice: Agent = network.agent("alice", "192.0.2.1")
    peer = _Stranger(network)
    if data.startswith(b"SIP/2.0"):
        alice.call(peer.address, ring_at_most_s=20)
    for message in data.split(_SEPARATOR):
        peer.send(message, alice)
        network.clock.run(0.05)
    alice.sip.hang_up_all()
    network.clock.run(2000)
    assert alice.sip.due_at == float("inf")
    assert (alice.sip.session_count, alice.sip.transaction_count) == (0, 0)
    for handler in alice.calls:
        assert len(handler.endings) == 1
