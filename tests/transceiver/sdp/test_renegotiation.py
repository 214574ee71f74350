"""Later offers, made from Chromium's first one as its next ones differ from it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from transceiver.sdp import Direction, OfferError, OfferFault, parse_offer
from transceiver.sdp.renegotiation import renegotiated

TEXT = (Path(__file__).parents[2] / "vectors/offer_chromium156_audio_dc.sdp").read_text()
FIRST = parse_offer(TEXT)

Change = Callable[[str], str]


def replaced(old: str, new: str) -> Change:
    """The pattern must match."""

    def change(text: str) -> str:
        assert re.search(old, text), old
        return re.sub(old, new, text)

    return change


restarted = replaced(r"a=ice-ufrag:.*\na=ice-pwd:.*", "a=ice-ufrag:abcd\na=ice-pwd:" + "p" * 24)


def changed_only(field: str, other: str) -> Change:
    return replaced(rf"a={field}:.*", f"a={field}:{other}")


def without_data(text: str) -> str:
    return text[: text.index("m=application")].replace("BUNDLE 0 1", "BUNDLE 0")


def turned_round(text: str) -> str:
    head, audio, data = re.split("(?=m=)", text)
    return head + data + audio


def with_video(text: str) -> str:
    return text + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:2\r\na=rtpmap:96 VP8/90000\r\n"


@pytest.mark.parametrize("direction", list(Direction))
def test_media_may_flow_another_way(direction: Direction) -> None:
    offer = parse_offer(replaced("a=sendrecv", f"a={direction.value}")(TEXT))
    assert renegotiated(FIRST, offer).direction is direction


def test_ice_may_restart() -> None:
    offer = parse_offer(restarted(TEXT))
    assert renegotiated(FIRST, offer).ice == offer.ice != FIRST.ice


def test_candidates_session_version_and_source_may_change() -> None:
    text = TEXT.replace("1950275441", "4711")
    text = re.sub(r"(o=- \d+) \d+", r"\1 9", text)
    text = text.replace("a=ice-ufrag", "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\na=ice-ufrag")
    assert renegotiated(FIRST, parse_offer(text)).ssrcs == (4711,)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (without_data, OfferFault.SECTIONS_CHANGED),
        (turned_round, OfferFault.SECTIONS_CHANGED),
        (with_video, OfferFault.SECTIONS_CHANGED),
        (replaced("m=application 9", "m=application 0"), OfferFault.SECTIONS_CHANGED),
        (replaced("a=mid:0", "a=mid:zero"), OfferFault.SECTIONS_CHANGED),
        (
            changed_only("fingerprint", "sha-256 " + ":".join(["AA"] * 32)),
            OfferFault.TRANSPORT_CHANGED,
        ),
        (changed_only("setup", "active"), OfferFault.TRANSPORT_CHANGED),
        (changed_only("sctp-port", "5001"), OfferFault.TRANSPORT_CHANGED),
        (replaced(r"\b111\b", "112"), OfferFault.FORMAT_CHANGED),
        (replaced("red/48000/2", "x-red/48000/2"), OfferFault.FORMAT_CHANGED),
        (replaced("a=extmap:1 ", "a=extmap:7 "), OfferFault.FORMAT_CHANGED),
    ],
)
def test_what_a_call_cannot_become_is_refused(change: Change, fault: OfferFault) -> None:
    with pytest.raises(OfferError) as refused:
        renegotiated(FIRST, parse_offer(change(TEXT)))
    assert refused.value.fault is fault
    assert "goes on as it was" in refused.value.message


@pytest.mark.parametrize("first", ["actpass", "active", "passive"])
@pytest.mark.parametrize("later", ["actpass", "active", "passive"])
def test_the_dtls_roles_stay(first: str, later: str) -> None:
    """https://www.rfc-editor.org/rfc/rfc8842#section-5.5"""
    current = parse_offer(changed_only("setup", first)(TEXT))
    offer = parse_offer(changed_only("setup", later)(TEXT))
    ours = {"actpass": "client", "passive": "client", "active": "server"}
    if later == "actpass" or ours[first] == ours[later]:
        assert renegotiated(current, offer).dtls_client == current.dtls_client
    else:
        with pytest.raises(OfferError):
            renegotiated(current, offer)


def test_a_call_that_is_held_and_resumed_has_its_formats_again() -> None:
    held = parse_offer(replaced("a=sendrecv", "a=inactive")(TEXT))
    assert renegotiated(FIRST, held).extensions == ()
    again = renegotiated(FIRST, parse_offer(TEXT))
    assert (again.format, again.extensions) == (FIRST.format, FIRST.extensions)


def test_what_was_not_agreed_at_first_is_not_added_later() -> None:
    held = parse_offer(replaced("a=sendrecv", "a=inactive")(TEXT))
    agreed = renegotiated(held, FIRST)
    assert agreed.extensions == ()
    assert agreed.format == held.format
