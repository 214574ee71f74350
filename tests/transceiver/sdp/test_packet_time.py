"""How long our packets are, for every way of asking."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transceiver.sdp.offers import ANSWER, audio_with, section
from transceiver.sdp import build_answer, parse_offer
from transceiver.sdp.packet_time import FRAMES_MS

OPUS = "a=rtpmap:111 opus/48000/2"


@pytest.mark.parametrize(
    ("lines", "frame_ms"),
    [
        ([], 20),
        (["a=ptime:10"], 10),
        (["a=ptime:20"], 20),
        (["a=ptime:40"], 40),
        (["a=ptime:60"], 60),
        # Between ours, and beyond them.
        (["a=ptime:30"], 20),
        (["a=ptime:120"], 60),
        (["a=ptime:3"], 10),
        (["a=maxptime:60"], 20),
        (["a=maxptime:10"], 10),
        (["a=ptime:60", "a=maxptime:40"], 40),
        (["a=ptime:40", "a=maxptime:5"], 10),
        # As clients write them into the format's parameters.
        (["a=fmtp:111 minptime=10;useinbandfec=1"], 20),
        (["a=fmtp:111 minptime=40"], 40),
        (["a=fmtp:111 maxptime=10"], 10),
        (["a=fmtp:111 minptime=40;maxptime=20"], 20),
        (["a=fmtp:111 ptime=40"], 20),
        # https://www.rfc-editor.org/rfc/rfc7587#section-7.1
        (["a=ptime:40", "a=maxptime:40"], 40),
        # What is no number counts as not said.
        (["a=ptime:", "a=maxptime:x"], 20),
        (["a=ptime:0", "a=maxptime:0"], 20),
        (["a=ptime:-40", "a=ptime", "a=fmtp:111 minptime"], 20),
        (["a=ptime:40.5"], 20),
    ],
)
def test_the_packets_are_what_the_offer_asks_for(lines: list[str], frame_ms: int) -> None:
    offer = parse_offer(audio_with(OPUS, *lines, formats="111"))
    assert offer.format.frame_ms == frame_ms
    audio = section(build_answer(offer, ANSWER), 0)
    said = [line for line in audio if line.startswith("a=ptime")]
    assert said == ([] if frame_ms == 20 else [f"a=ptime:{frame_ms}"])


def test_g711_too() -> None:
    assert parse_offer(audio_with("a=ptime:60", formats="0")).format.frame_ms == 60


@given(st.integers(1, 200), st.integers(1, 200))
def test_nothing_is_longer_than_the_client_takes_unless_nothing_is_as_short(
    asked: int, longest: int
) -> None:
    lines = [f"a=ptime:{asked}", f"a=maxptime:{longest}"]
    frame_ms = parse_offer(audio_with(OPUS, *lines, formats="111")).format.frame_ms
    assert frame_ms in FRAMES_MS
    assert frame_ms <= max(min(asked, longest), 10)
