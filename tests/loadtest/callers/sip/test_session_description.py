import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.callers.sip.session_description import Answer, Codec, SdpError, offer, parse_answer


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_an_offer_says_where_we_are_and_what_we_speak(host: str) -> None:
    lines = offer((host, 40_000), 7).decode().splitlines()
    family = "IP6" if ":" in host else "IP4"
    assert f"c=IN {family} {host}" in lines
    assert "m=audio 40000 RTP/AVP 0 8" in lines
    assert "a=rtcp-mux" in lines


def test_an_offer_answered_alike_is_an_answer() -> None:
    assert parse_answer(offer(("192.0.2.1", 4000), 7)) == Answer(("192.0.2.1", 4000), Codec.PCMU)


def test_the_address_of_the_section_counts() -> None:
    body = (
        b"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 3478 RTP/AVP 8\r\nc=IN IP4 198.51.100.9/127\r\n"
        b"m=video 0 RTP/AVP 96\r\nc=IN IP4 203.0.113.1\r\n"
    )
    assert parse_answer(body) == Answer(("198.51.100.9", 3478), Codec.PCMA)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"m=audio 3478 RTP/AVP 0\r\n",
        b"c=IN IP4 192.0.2.1\r\n",
        b"c=IN IP4 somewhere\r\nm=audio 3478 RTP/AVP 0\r\n",
        b"c=IN IP4 192.0.2.1\r\nm=audio 0 RTP/AVP 0\r\n",
        b"c=IN IP4 192.0.2.1\r\nm=audio 70000 RTP/AVP 0\r\n",
        b"c=IN IP4 192.0.2.1\r\nm=audio 3478 RTP/SAVP 0\r\n",
        b"c=IN IP4 192.0.2.1\r\nm=audio 3478 RTP/AVP 111\r\n",
        b"c=IN IP4 192.0.2.1\r\nm=audio 3478 RTP/AVP\r\n",
        b"c=IN\r\nm=audio 3478 RTP/AVP 0\r\n",
    ],
)
def test_what_no_call_can_be_made_of_is_told(body: bytes) -> None:
    with pytest.raises(SdpError):
        parse_answer(body)


@given(st.lists(st.sampled_from(["m=", "c=", "IN IP4 1.2.3.4", "audio 9 RTP/AVP 0", "x"])))
def test_nothing_else_is_raised(pieces: list[str]) -> None:
    for separator in ("", " ", "\r\n"):
        try:
            parse_answer(separator.join(pieces).encode())
        except SdpError:
            continue
