"""SDP as lines, before anyone asks what they mean."""

import pytest

from transceiver.sdp import Direction, OfferError, OfferFault
from transceiver.sdp.description import MAX_SECTIONS, SessionDescription


def parse(*lines: str) -> SessionDescription:
    return SessionDescription.parse("\r\n".join(("v=0", *lines)))


def test_attributes_are_the_sections_own_or_else_the_sessions() -> None:
    description = parse(
        "a=setup:active",
        "a=ice-ufrag:session",
        "m=audio 9 RTP/SAVPF 0",
        "a=ice-ufrag: first ",
        "a=ice-ufrag:second",
        "m=audio 9 RTP/SAVPF 8",
        "a=rtcp-mux",
    )
    first, second = description.sections
    assert (first.first("ice-ufrag"), second.first("ice-ufrag")) == ("first", "session")
    assert first.all("ice-ufrag") == ["first", "second"]
    assert second.first("setup") == "active"
    assert ("rtcp-mux" in first.attributes, "rtcp-mux" in second.attributes) == (False, True)
    assert second.first("mid") is None
    assert second.mid == ""


@pytest.mark.parametrize(
    ("session", "section", "direction"),
    [
        ([], [], Direction.SENDRECV),
        (["a=sendonly"], [], Direction.SENDONLY),
        (["a=sendonly"], ["a=inactive"], Direction.INACTIVE),
    ],
)
def test_the_direction_is_the_sections_or_the_sessions_or_both_ways(
    session: list[str], section: list[str], direction: Direction
) -> None:
    description = parse(*session, "m=audio 9 RTP/SAVPF 0", *section)
    assert description.sections[0].direction is direction


def test_groups() -> None:
    description = parse("a=group:BUNDLE a b", "a=group:LS a b", "a=group:BUNDLE", "a=group:")
    assert list(description.groups("BUNDLE")) == [("a", "b"), ()]


@pytest.mark.parametrize(
    "line",
    [
        "m=",
        "m=audio",
        "m=audio 9 RTP/SAVPF",
        "m=audio x RTP/SAVPF 0",
        "m=audio 65536 RTP/SAVPF 0",
        "m=audio 9 RTP/SAVPF opus",
        "m=audio 9 RTP/SAVPF 128",
        "m=video 9 RTP/SAVPF 72",
        "m=audio ٩ RTP/SAVPF 0",
        "m=application 9 UDP/DTLS/SCTP wébrtc",
        "m=application 9 UDP/DTLS/SCTP x\x7f",
    ],
)
def test_a_line_that_the_answer_cannot_repeat(line: str) -> None:
    with pytest.raises(OfferError) as caught:
        parse(line)
    assert caught.value.fault is OfferFault.MALFORMED


def test_line_ends_and_ports_of_all_sorts() -> None:
    text = "v=0\nm=audio 9/2 RTP/SAVPF 0 8\r\na=mid:x\rm=video 0 RTP/SAVPF 96"
    audio, video = SessionDescription.parse(text).sections
    assert (audio.port, audio.formats, audio.mid, audio.wanted) == (9, ("0", "8"), "x", True)
    assert not video.wanted


def test_only_so_many_sections_are_read() -> None:
    lines = ["m=audio 9 RTP/AVP 0"] * MAX_SECTIONS
    assert len(parse(*lines).sections) == MAX_SECTIONS
    with pytest.raises(OfferError) as refused:
        parse(*lines, lines[0])
    assert refused.value.fault is OfferFault.MALFORMED
