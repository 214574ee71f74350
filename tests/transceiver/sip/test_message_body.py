import pytest
from sipmessage import Request

from tests.transceiver.sip.agents import Network, RawPeer
from transceiver.sip.message import parse_message
from transceiver.sip.message_body import BodyError, fragment_status, session_description

MIXED = (
    "Preamble\r\n--b\r\nContent-Type: application/isup\r\n\r\n\x01\r\n"
    "--b\r\nContent-Type: application/SDP;x=y\r\nContent-Disposition: session\r\n\r\n"
    "v=0\r\n\r\n--b--"
)


def request(body: str, *fields: tuple[str, str]) -> Request:
    parsed = parse_message(RawPeer(Network()).request("INVITE", *fields, body=body))
    assert isinstance(parsed, Request)
    return parsed


@pytest.mark.parametrize(
    ("kind", "body", "description"),
    [
        ("application/sdp", "v=0", "v=0"),
        ("Application/SDP; charset=utf-8", "v=0", "v=0"),
        ("multipart/mixed; boundary=b", MIXED, "v=0\r\n"),
        ('multipart/alternative;boundary="b"', MIXED, "v=0\r\n"),
        ("application/sdp", "", None),
    ],
)
def test_a_description_is_found(kind: str, body: str, description: str | None) -> None:
    assert session_description(request(body, ("Content-Type", kind))) == description


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ((("Content-Type", "text/plain"),), "v=0"),
        ((("Content-Type", "application/sdp"), ("Content-Encoding", "gzip")), "v=0"),
        ((("Content-Type", "multipart/mixed; boundary=c"),), MIXED),
        ((("Content-Type", "multipart/mixed"),), MIXED),
    ],
)
def test_what_is_no_description(fields: tuple[tuple[str, str], ...], body: str) -> None:
    with pytest.raises(BodyError):
        session_description(request(body, *fields))


def nested(levels: int) -> str:
    opened = "".join(
        f"Content-Type: multipart/mixed;boundary=b{each}\r\n\r\n--b{each}\r\n"
        for each in range(levels)
    )
    return f"--b\r\n{opened}Content-Type: application/sdp\r\n\r\nv=0"


@pytest.mark.parametrize(
    "body",
    [
        nested(1000),
        "--b\r\n" + "Content-Type: message/rfc822\r\n\r\n" * 1900,
        "--b\r\n\r\n" * 6000,
        "--b\r\n" + "X: y\r\n" * 9000,
        f"--b\r\nX: {'y' * 3000}\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b--",
    ],
)
def test_parts_are_not_looked_into_as_deep_as_they_go(body: str) -> None:
    with pytest.raises(BodyError):
        session_description(request(body, ("Content-Type", "multipart/mixed; boundary=b")))


def test_a_body_that_need_not_be_understood() -> None:
    optional = ("Content-Disposition", "session;handling=optional")
    assert session_description(request("x", ("Content-Type", "text/plain"), optional)) is None


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"SIP/2.0 200 OK\r\n", 200), (b"SIP/2.0 486", 486), (b"SIP/2.0 2000 OK", None), (b"", None)],
)
def test_a_fragment_tells_a_status(body: bytes, status: int | None) -> None:
    assert fragment_status(body) == status
