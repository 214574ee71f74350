"""The lines of an SDP that say what payload types stand for.

https://www.rfc-editor.org/rfc/rfc8866#section-6.6
"""

from collections.abc import Iterator

from transceiver.audio.format import AudioFormat, Codec


def codec_attributes(audio: AudioFormat) -> Iterator[tuple[int, list[str]]]:
    """The codec's payload types and their attributes; the first is the one to be sent."""
    primary, red = audio.payload_type, audio.red_payload_type
    if red is not None:
        yield red, [f"a=rtpmap:{red} red/48000/2", f"a=fmtp:{red} {primary}/{primary}"]
    if audio.codec is Codec.OPUS:
        fmtp = f"a=fmtp:{primary} minptime=10;useinbandfec=1"
        yield primary, [f"a=rtpmap:{primary} opus/48000/2", fmtp]
    else:
        yield primary, [f"a=rtpmap:{primary} {audio.codec.value}/8000"]


def comfort_noise_attributes(audio: AudioFormat) -> Iterator[tuple[int, list[str]]]:
    """Those of its comfort noise, if it was offered."""
    noise = audio.comfort_noise_payload_type
    if noise is not None:
        yield noise, [f"a=rtpmap:{noise} CN/8000"]
