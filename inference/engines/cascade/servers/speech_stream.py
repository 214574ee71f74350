"""From the bytes that a speech server streams to samples at the rate that the cascade plays.

The bytes are raw 16 bit samples, which OpenAI's API calls pcm, or a WAV file of them, cut
anywhere: https://developers.openai.com/api/reference/resources/audio/subresources/speech
"""

from email.message import Message

import numpy as np
import soxr

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from inference.engines.cascade.leading_silence import LeadingSilence
from inference.engines.cascade.servers.wav import WavError, read_header
from inference.engines.cascade.speech_synthesis import SAMPLE_RATE

RATES = range(8_000, 96_001)
RAW_TYPES = {"audio/pcm", "audio/l16", "application/octet-stream", "audio/x-raw", ""}
WAV_TYPES = {"audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"}

COMPRESSED = (b"ID3", b"OggS", b"fLaC", b"\xff\xfb", b"\xff\xf3", b"<!DO", b"<htm")
"""How what is no samples begins, whatever its type says: played, it would be loud noise."""

SNIFFED_BYTES = 4


class SpeechStreamError(ValueError):
    """The bytes are no speech."""


class SpeechStream:
    """One piece of speech."""

    def __init__(self, content_type: str, rate: int) -> None:
        """`rate` of raw samples, unless their type or a WAV header says another one.

        Raises SpeechStreamError for a type that is no uncompressed audio.
        """
        kind, said = _parsed(content_type)
        if kind not in RAW_TYPES | WAV_TYPES:
            raise SpeechStreamError(f"the type is {kind!r}, not samples")
        self._rate = said or rate
        self._pending = b""
        self._begun = False
        self._resampler: soxr.ResampleStream | None = None
        self._leading: LeadingSilence | None = None
        self.received_s = 0.0
        """How long what came lasts, silence before the speech included."""

    def push(self, data: bytes) -> bytes:
        """Samples at SAMPLE_RATE that `data` makes ready. Raises SpeechStreamError."""
        self._pending += data
        if not self._begun and not self._begin():
            return b""
        whole = len(self._pending) // BYTES_PER_SAMPLE * BYTES_PER_SAMPLE
        samples, self._pending = self._pending[:whole], self._pending[whole:]
        return self._converted(samples)

    def finish(self) -> bytes:
        """What is left at the end; half a sample is dropped. Raises SpeechStreamError."""
        if not self._begun:
            if self._pending.startswith(b"RIFF"):
                raise SpeechStreamError("the file ends in its header")
            self._start_samples(self._rate)
        return self.push(b"") + self._converted(b"", last=True)

    def _begin(self) -> bool:
        """Get past what comes before the samples; False until enough is there."""
        if len(self._pending) < SNIFFED_BYTES:
            return False
        if self._pending.startswith(COMPRESSED):
            raise SpeechStreamError("it is no uncompressed audio")
        if not self._pending.startswith(b"RIFF"):
            self._start_samples(self._rate)
            return True
        try:
            header = read_header(self._pending)
        except WavError as error:
            raise SpeechStreamError(str(error)) from error
        if header is None:
            return False
        self._pending = self._pending[header.size :]
        self._start_samples(header.rate)
        return True

    def _start_samples(self, rate: int) -> None:
        if rate not in RATES:
            raise SpeechStreamError(f"a rate of {rate}")
        self._begun = True
        self._rate = rate
        self._leading = LeadingSilence(rate)
        if rate != SAMPLE_RATE:
            self._resampler = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="int16")

    def _converted(self, pcm: bytes, *, last: bool = False) -> bytes:
        assert self._leading is not None
        samples = np.frombuffer(pcm, np.int16)
        self.received_s += len(samples) / self._rate
        samples = self._leading.strip(samples)
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples, last=last)
        return bytes(samples.tobytes())


def _parsed(content_type: str) -> tuple[str, int]:
    """The type without its parameters, and the rate among these or 0."""
    message = Message()
    message["Content-Type"] = content_type
    rate = str(message.get_param("rate") or "")
    kind = message.get_content_type() if "/" in content_type else ""
    return kind, int(rate) if rate.isascii() and rate.isdigit() and len(rate) < 7 else 0
