"""A codec at a rate that it does not code at itself."""

import math

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from transceiver.audio.codec import AudioDecoder, AudioEncoder
from transceiver.audio.opus_mode import OpusMode
from transceiver.audio.resampler import Resampler

_SPARE_SAMPLES = 2
"""As many as one sample of an engine's rate may become."""


class ResampledDecoder:
    """What `decoder` decodes at `inner_rate`, at `rate`, and late by the resampler's delay."""

    def __init__(self, decoder: AudioDecoder, inner_rate: int, rate: int) -> None:
        self._decoder = decoder
        self._resampler = Resampler(inner_rate, rate)
        self._inner_rate, self._rate = inner_rate, rate
        self.clock_rate = decoder.clock_rate
        step = math.lcm(decoder.concealment_step, self._resampler.period)
        self.concealment_step = step * rate // inner_rate

    def duration(self, payload: bytes) -> int:
        """The samples that `payload` decodes to. Raises AudioCodecError."""
        return self._resampler.due(self._decoder.duration(payload))

    def decode(self, payload: bytes) -> bytes:
        """The packet's audio. Raises AudioCodecError."""
        return self._resampler.resample(self._decoder.decode(payload))

    def repair(self, following: bytes, samples: int) -> bytes:
        """The `samples` before packet `following`, a multiple of the concealment step."""
        return self._resampler.resample(self._decoder.repair(following, self._inner(samples)))

    def conceal(self, samples: int) -> bytes:
        """A guess at the next `samples`, a multiple of the concealment step."""
        return self._resampler.resample(self._decoder.conceal(self._inner(samples)))

    def reset(self) -> None:
        """Forget the past: the next packet begins another stream."""
        self._decoder.reset()
        self._resampler.reset()

    def _inner(self, samples: int) -> int:
        return samples * self._inner_rate // self._rate


class ResampledEncoder:
    """Encodes PCM at `rate` by `encoder`, which takes frames of `frame_ms` at `inner_rate`."""

    def __init__(self, encoder: AudioEncoder, inner_rate: int, rate: int, frame_ms: int) -> None:
        """Raises ValueError when the encoder's frames end within a sample."""
        if inner_rate * frame_ms % 1000:
            raise ValueError(f"{frame_ms} ms at {inner_rate} Hz end within a sample")
        self._encoder = encoder
        self._resampler = Resampler(rate, inner_rate)
        self._frame_bytes = inner_rate * frame_ms // 1000 * BYTES_PER_SAMPLE
        # Frames that would end within a sample come short of it or with all of it.
        self._rest = bytes(_SPARE_SAMPLES * BYTES_PER_SAMPLE if rate * frame_ms % 1000 else 0)
        self.clock_rate = encoder.clock_rate

    def encode(self, pcm: bytes) -> bytes:
        """One packet's payload. Raises AudioCodecError."""
        inner = self._rest + self._resampler.resample(pcm)
        self._rest = inner[self._frame_bytes :]
        return self._encoder.encode(inner[: self._frame_bytes])

    def adapt(self, mode: OpusMode, expected_loss: float) -> None:
        """Code what follows so, where the codec has a choice."""
        self._encoder.adapt(mode, expected_loss)
