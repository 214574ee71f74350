"""Which codec an offer's formats come to, and under which numbers."""

import pytest

from tests.transceiver.sdp.offers import ANSWER, CHROMIUM, audio_with, section
from transceiver.audio.format import AudioFormat, Codec, OpusPreferences
from transceiver.sdp import OfferError, OfferFault, build_answer, parse_offer


def agreed(text: str) -> AudioFormat:
    return parse_offer(text).format


@pytest.mark.parametrize(
    ("line", "replacement", "red"),
    [
        ("a=fmtp:63 111/111", "a=fmtp:63 111/111/111", 63),
        ("a=fmtp:63 111/111\r\n", "", 63),
        ("a=fmtp:63 111/111", "a=fmtp:63 111/0", None),
        ("a=fmtp:63 111/111", "a=fmtp:63 x", None),
        ("a=rtpmap:63 red/48000/2", "a=rtpmap:63 RED/48000", 63),
        ("a=rtpmap:63 red/48000/2", "a=rtpmap:63 red/8000", None),
        ("a=rtpmap:63 red/48000/2", "a=rtpmap:64 red/48000/2", None),
    ],
)
def test_redundant_audio_is_taken_when_all_of_it_is_opus(
    line: str, replacement: str, red: int | None
) -> None:
    offer = parse_offer(CHROMIUM.replace(line, replacement))
    assert offer.format.red_payload_type == red
    audio = section(build_answer(offer, ANSWER), 0)
    assert audio[0].endswith(" 111" if red is None else " 63 111")
    assert any("red" in line for line in audio) is (red is not None)


@pytest.mark.parametrize(
    ("formats", "lines", "codec", "payload_type"),
    [
        # Numbers that need no rtpmap; of the two the client's first.
        ("0", [], Codec.PCMU, 0),
        ("8", [], Codec.PCMA, 8),
        ("0 8", [], Codec.PCMU, 0),
        ("9 8 0", [], Codec.PCMA, 8),
        # Opus goes first, wherever it stands.
        ("0 8 111", ["a=rtpmap:111 opus/48000/2"], Codec.OPUS, 111),
        # Names count without regard to case, and under any number.
        ("96", ["a=rtpmap:96 pcmu/8000/1"], Codec.PCMU, 96),
        ("111", ["a=rtpmap:111 OPUS/48000/2"], Codec.OPUS, 111),
        # What an rtpmap says counts, not what the number means without one.
        ("0 8", ["a=rtpmap:0 G726-32/8000"], Codec.PCMA, 8),
        # G.711 at other rates, or in stereo, is not the telephone's.
        ("96 97 8", ["a=rtpmap:96 PCMU/16000", "a=rtpmap:97 PCMU/8000/2"], Codec.PCMA, 8),
        # Not to be told from RTCP on one port.
        ("90 0", ["a=rtpmap:90 opus/48000/2"], Codec.PCMU, 0),
        # A line that says nothing costs no more than itself.
        ("0", ["a=rtpmap:0", "a=rtpmap:", "a=rtpmap:0 PCMU/x", "a=rtpmap:999 a/1"], Codec.PCMU, 0),
        # Of another format than the section offers.
        ("0", ["a=rtpmap:111 opus/48000/2"], Codec.PCMU, 0),
    ],
)
def test_opus_goes_before_g711_and_g711_in_the_clients_order(
    formats: str, lines: list[str], codec: Codec, payload_type: int
) -> None:
    found = agreed(audio_with(*lines, formats=formats))
    assert (found.codec, found.payload_type) == (codec, payload_type)
    assert found.red_payload_type is None


@pytest.mark.parametrize(
    ("formats", "lines"),
    [
        ("9 13 101", []),
        ("111", ["a=rtpmap:111 opus/16000/2"]),
        ("96", ["a=rtpmap:96 PCMA/16000"]),
        ("64", ["a=rtpmap:64 opus/48000/2"]),
    ],
)
def test_without_a_codec_of_ours_the_offer_is_refused(formats: str, lines: list[str]) -> None:
    with pytest.raises(OfferError) as caught:
        parse_offer(audio_with(*lines, formats=formats))
    assert caught.value.fault is OfferFault.NO_CODEC


def test_the_answer_in_g711() -> None:
    text = audio_with(formats="8 0 13")
    assert agreed(text).comfort_noise_payload_type == 13
    audio = section(build_answer(parse_offer(text), ANSWER), 0)
    assert audio[0] == "m=audio 3478 UDP/TLS/RTP/SAVPF 8 13"
    assert [line for line in audio if "rtpmap" in line or "fmtp" in line] == [
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:13 CN/8000",
    ]


@pytest.mark.parametrize(
    ("formats", "lines", "noise"),
    [
        ("0", [], None),
        ("0 97", ["a=rtpmap:97 CN/8000"], 97),
        ("0 97", ["a=rtpmap:97 CN/16000"], None),
        ("111 13", ["a=rtpmap:111 opus/48000/2"], None),
    ],
)
def test_comfort_noise_is_g711s_and_at_its_rate(
    formats: str, lines: list[str], noise: int | None
) -> None:
    assert agreed(audio_with(*lines, formats=formats)).comfort_noise_payload_type == noise


OPUS = "a=rtpmap:111 opus/48000/2"


@pytest.mark.parametrize(
    ("fmtp", "preferences"),
    [
        ("minptime=10;useinbandfec=1", OpusPreferences(in_band_fec=True)),
        ("", OpusPreferences()),
        ("useinbandfec=0", OpusPreferences()),
        # https://www.rfc-editor.org/rfc/rfc7587#section-7.1
        (
            "maxplaybackrate=16000; sprop-maxcapturerate=16000; maxaveragebitrate=20000; "
            "stereo=1; useinbandfec=1; usedtx=0",
            OpusPreferences(in_band_fec=True, max_bitrate=20000, max_playback_rate=16000),
        ),
        ("CBR=1;MaxAverageBitrate=6000", OpusPreferences(max_bitrate=6000, constant_bitrate=True)),
        # Out of the ranges that RFC 7587 gives, and no numbers at all.
        ("maxaveragebitrate=5999;maxplaybackrate=7999", OpusPreferences()),
        ("maxaveragebitrate=600000;maxplaybackrate=96000", OpusPreferences()),
        ("maxaveragebitrate=;maxplaybackrate=x;;=;useinbandfec", OpusPreferences()),
        ("maxaveragebitrate=" + "9" * 5000, OpusPreferences()),
    ],
)
def test_what_the_clients_opus_decoder_prefers(fmtp: str, preferences: OpusPreferences) -> None:
    assert agreed(audio_with(OPUS, f"a=fmtp:111 {fmtp}", formats="111")).opus == preferences
