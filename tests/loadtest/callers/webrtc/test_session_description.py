import pytest
from aiortc.sdp import SessionDescription

from loadtest.callers.webrtc.session_description import (
    MOST_CANDIDATES,
    AnswerError,
    LocalDescription,
    offer,
    parse_answer,
)

ANSWER = """v=0
o=- 1 1 IN IP4 192.0.2.1
s=-
t=0 0
a=group:BUNDLE 0 1
m=audio 3478 UDP/TLS/RTP/SAVPF 63 111
c=IN IP4 192.0.2.1
a=ice-ufrag:them
a=ice-pwd:their-password-that-is-long
a=fingerprint:sha-256 AB:cd
a=setup:active
a=mid:0
a=rtpmap:63 red/48000/2
a=rtpmap:111 opus/48000/2
a=candidate:1 1 udp 100 192.0.2.9 3479 typ host
a=candidate:2 1 UDP 200 2001:db8::1 3478 typ host
a=candidate:3 1 tcp 300 192.0.2.1 9 typ host tcptype active
m=application 3478 UDP/DTLS/SCTP webrtc-datachannel
a=mid:1
""".replace("\n", "\r\n")


@pytest.mark.parametrize("host", ["127.0.0.1", "2001:db8::1"])
def test_the_offer_is_one_that_another_implementation_reads(host: str) -> None:
    local = LocalDescription(
        "ours", "p" * 24, (host, 5000), "AB:CD", 77, red=True, data_channel=True
    )
    audio, application = SessionDescription.parse(offer(local)).media

    assert audio.ice.usernameFragment == "ours"
    assert [codec.mimeType for codec in audio.rtp.codecs] == ["audio/opus", "audio/red"]
    assert (audio.ice_candidates[0].ip, audio.ice_candidates[0].port) == (host, 5000)
    assert audio.ssrc[0].ssrc == 77
    assert application.sctp_port == 5000


def test_reads_an_answer() -> None:
    remote = parse_answer(ANSWER)

    assert remote.ufrag == b"them"
    assert remote.addresses == (("2001:db8::1", 3478), ("192.0.2.9", 3479))
    assert remote.fingerprint == "AB:CD"
    assert remote.dtls_client
    assert (remote.opus, remote.red) == (111, 63)
    assert remote.data_channel


def test_red_is_sent_where_it_is_preferred_only() -> None:
    assert parse_answer(ANSWER.replace("SAVPF 63 111", "SAVPF 111 63")).red is None


def test_knows_that_the_data_channel_was_declined() -> None:
    declined = ANSWER.replace("m=application 3478", "m=application 0")
    assert not parse_answer(declined).data_channel
    assert not parse_answer(ANSWER.partition("m=application")[0]).data_channel


@pytest.mark.parametrize(
    "missing", ["ice-ufrag", "ice-pwd", "fingerprint", "setup", "rtpmap:111", "candidate"]
)
def test_refuses_an_answer_that_lacks_what_is_needed(missing: str) -> None:
    with pytest.raises(AnswerError):
        parse_answer(ANSWER.replace(f"a={missing}", "a=unknown"))


def test_checks_no_more_candidates_than_a_server_has() -> None:
    lines = [f"a=candidate:1 1 udp {each} 192.0.2.1 {each} typ host" for each in range(1, 1000)]
    addresses = parse_answer(ANSWER.replace("a=mid:0", "\r\n".join(lines))).addresses
    assert len(addresses) == MOST_CANDIDATES
    assert addresses[0] == ("192.0.2.1", 999)
