"""How many calls a core could carry if it did nothing but run libopus."""

import time
from collections.abc import Sequence

from bench.transceiver.generator import FRAME_S
from transceiver.audio.libopus import library
from transceiver.audio.opus import OpusDecoder, OpusEncoder
from transceiver.audio.opus_mode import OpusMode

ENGINE_RATE = 24_000


def codec_calls_per_core(speech: Sequence[bytes], mode: OpusMode) -> float:
    """Each call decodes what its client says and encodes as much, on this process's core."""
    decoder, encoder = OpusDecoder(ENGINE_RATE), OpusEncoder(ENGINE_RATE)
    encoder.adapt(mode, 0.0)
    used = time.process_time()
    for packet in speech:
        encoder.encode(decoder.decode(packet))
    used = time.process_time() - used
    return FRAME_S * len(speech) / used


def libopus_version() -> str:
    text: bytes = library().opus_get_version_string()
    return text.decode().removeprefix("libopus ")
