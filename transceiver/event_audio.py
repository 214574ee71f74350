"""Audio in events: from the client's format to an engine's PCM, and back."""

from collections import OrderedDict
from dataclasses import dataclass

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from antiphon_proto.realtime.audio_format import AudioFormat, Pcm, Pcma
from transceiver.audio.format import Codec
from transceiver.audio.g711 import CLOCK_RATE, G711Decoder, G711Encoder
from transceiver.audio.resampler import Resampler

MAX_STREAMS = 16
"""Responses whose audio is being encoded: more than are given at once."""


def bytes_per_s(audio_format: AudioFormat) -> int:
    return audio_format.rate * BYTES_PER_SAMPLE if isinstance(audio_format, Pcm) else CLOCK_RATE


def _rate(audio_format: AudioFormat) -> int:
    return audio_format.rate if isinstance(audio_format, Pcm) else CLOCK_RATE


def _codec(audio_format: AudioFormat) -> Codec:
    return Codec.PCMA if isinstance(audio_format, Pcma) else Codec.PCMU


class EventAudioDecoder:
    """One client's audio as PCM at `rate`. A format that changes begins another stream."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._format: AudioFormat | None = None
        self._decoder: G711Decoder | None = None
        self._resampler = Resampler(rate, rate)
        self._half = b""
        """The first byte of a sample whose second one has not come."""

    def decode(self, audio_format: AudioFormat, audio: bytes) -> bytes:
        """At most 200 ms of audio, which may end within a sample; its PCM."""
        if audio_format != self._format:
            self._begin(audio_format)
        if self._decoder is not None:
            pcm = self._decoder.decode(audio) if audio else b""
        else:
            pcm = self._half + audio
            whole = len(pcm) - len(pcm) % BYTES_PER_SAMPLE
            pcm, self._half = pcm[:whole], pcm[whole:]
        return self._resampler.resample(pcm) if pcm else b""

    def _begin(self, audio_format: AudioFormat) -> None:
        linear = isinstance(audio_format, Pcm)
        self._format, self._half = audio_format, b""
        self._decoder = None if linear else G711Decoder(_codec(audio_format))
        self._resampler = Resampler(_rate(audio_format), self._rate)


@dataclass(slots=True)
class _Stream:
    resampler: Resampler
    encoder: G711Encoder | None


class EventAudioEncoder:
    """PCM at `rate` in a client's format. Each response is a stream of its own, of which
    several may be given at once."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._streams: OrderedDict[int, _Stream] = OrderedDict()

    def encode(self, audio_format: AudioFormat, response: int, pcm: bytes) -> bytes:
        """What the client is sent; empty where `pcm` makes no sample of its format."""
        stream = self._streams.get(response)
        if stream is None:
            stream = self._streams[response] = self._begin(audio_format)
            if len(self._streams) > MAX_STREAMS:
                self._streams.popitem(last=False)
        self._streams.move_to_end(response)
        resampled = stream.resampler.resample(pcm)
        return resampled if stream.encoder is None else stream.encoder.encode(resampled)

    def _begin(self, audio_format: AudioFormat) -> _Stream:
        linear = isinstance(audio_format, Pcm)
        encoder = None if linear else G711Encoder(_codec(audio_format))
        return _Stream(Resampler(self._rate, _rate(audio_format)), encoder)
