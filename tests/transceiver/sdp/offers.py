"""Offers of clients, and our side of the answers to them."""

from pathlib import Path

from transceiver.fingerprint import Fingerprint
from transceiver.ice import IceCredentials
from transceiver.sdp import AnswerParameters

CHROMIUM = (Path(__file__).parents[2] / "vectors" / "offer_chromium156_audio_dc.sdp").read_text()

FORMATS = "111 63 9 0 8 13 110 126"

ANSWER = AnswerParameters(
    ice=IceCredentials("A" * 23, "b" * 24),
    host="203.0.113.1",
    port=3478,
    fingerprint=Fingerprint("sha-256", bytes(32)),
    ssrc=12345,
    cname="antiphon",
    session_id=42,
)

FIREFOX_LIKE = "\r\n".join(
    [
        "v=0",
        "o=mozilla...THIS_IS_SDPARTA-99.0 5105 0 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=sendrecv",
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
        "a=group:BUNDLE 0 1",
        "a=ice-options:trickle",
        "a=ice-ufrag:4d6ec11a",
        "a=ice-pwd:8d0b1a3c5e7f90122334455667788990",
        "a=msid-semantic:WMS *",
        "m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101",
        "c=IN IP4 0.0.0.0",
        "a=sendrecv",
        "a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level",
        "a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1",
        "a=fmtp:101 0-15",
        "a=fmtp:18 annexb=no",
        "a=mid:0",
        "a=rtcp-mux",
        "a=rtpmap:109 opus/48000/2",
        "a=rtpmap:9 G722/8000/1",
        "a=rtpmap:101 telephone-event/8000/1",
        "a=setup:actpass",
        "a=ssrc:2655508255 cname:{0d8cbd5f-1f0a-4d2b-a1d0-8b7bb1f8f5a5}",
        "a=candidate:0 1 UDP 2122252543 a-name.local 50000 typ host extra",
        "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        "a=bundle-only",
        "a=sendrecv",
        "a=mid:1",
        "a=setup:actpass",
        "a=sctp-port:5001",
        "a=max-message-size:1073741823",
        "",
    ]
)


def without(text: str, prefix: str) -> str:
    return "".join(line for line in text.splitlines(True) if not line.startswith(prefix))


def section(answer: str, index: int) -> list[str]:
    return ("m=" + answer.split("\r\nm=")[index + 1]).splitlines()


def audio_with(*lines: str, formats: str = FORMATS) -> str:
    """Chromium's offer with these attributes in its audio section and no others of a codec."""
    kept = CHROMIUM.replace(FORMATS, formats)
    for prefix in ("a=rtpmap:", "a=fmtp:", "a=rtcp-fb:", "a=extmap:"):
        kept = without(kept, prefix)
    return kept.replace("a=rtcp-mux\n", "\n".join(("a=rtcp-mux", *lines, "")))
