"""Opus by libopus (RFC 6716, RFC 7587): mono PCM as signed 16 bit, little endian bytes.

Called through ctypes: 25 us to decode a 20 ms frame, against 37 us through PyAV,
and with the in-band FEC that PyAV does not expose. Not for use from several
threads: every codec shares one buffer.
"""

import ctypes
import importlib.util
import re
import sys
from functools import lru_cache
from pathlib import Path

from transceiver.audio.codec import AudioCodecError

CLOCK_RATE = 48000
"""RTP timestamps of Opus, whatever rate it codes at: https://www.rfc-editor.org/rfc/rfc7587#section-4.1"""

RATES = (8000, 12000, 16000, 24000, 48000)
MAX_PACKET_BYTES = 1275
MAX_PACKET_SECONDS = 0.12
OLDEST_VERSION = (1, 5)

_MAX_SAMPLES = int(48000 * MAX_PACKET_SECONDS)
_BYTES_PER_SAMPLE = 2

# opus_defines.h
_OK = 0
_APPLICATION_VOIP = 2048
_SIGNAL_VOICE = 3001
_SET_BITRATE = 4002
_SET_COMPLEXITY = 4010
_SET_INBAND_FEC = 4012
_SET_PACKET_LOSS_PERC = 4014
_SET_DTX = 4016
_SET_SIGNAL = 4024
_RESET_STATE = 4028

_pcm = ctypes.create_string_buffer(_MAX_SAMPLES * _BYTES_PER_SAMPLE)
_packet = ctypes.create_string_buffer(MAX_PACKET_BYTES)


class LibraryNotFoundError(OSError):
    """There is no libopus that is new enough."""


class OpusError(AudioCodecError):
    """Not an Opus packet, or not a frame that Opus can code."""


class OpusDecoder:
    """Decodes one stream to mono at `rate`, one of `RATES`."""

    clock_rate = CLOCK_RATE

    def __init__(self, rate: int) -> None:
        _check_rate(rate)
        self.concealment_step = rate // 400
        self._library = library()
        self._rate = rate
        # libopus writes its state into memory that Python owns and frees.
        self._state = ctypes.create_string_buffer(self._library.opus_decoder_get_size(1))
        _checked(self._library.opus_decoder_init(self._state, rate, 1))

    def duration(self, packet: bytes) -> int:
        """The samples that `packet` decodes to. Raises OpusError."""
        return _checked(self._library.opus_packet_get_nb_samples(packet, len(packet), self._rate))

    def decode(self, packet: bytes) -> bytes:
        """The packet's audio. Raises OpusError."""
        if not packet:
            raise OpusError("an empty packet")
        return self._decode(packet, _MAX_SAMPLES, fec=0)

    def decode_fec(self, following: bytes, samples: int) -> bytes:
        """The `samples` before packet `following`, as far as its in-band FEC tells.

        What it does not tell is concealed. `samples` is a multiple of 2.5 ms, at
        most 120 ms. Raises OpusError.
        """
        return self._decode(following, samples, fec=1)

    def repair(self, following: bytes, samples: int) -> bytes:
        """As `decode_fec`, or concealed where `following` cannot be decoded."""
        try:
            return self.decode_fec(following, samples)
        except OpusError:
            return self.conceal(samples)

    def conceal(self, samples: int) -> bytes:
        """A guess at the next `samples`, a multiple of 2.5 ms, at most 120 ms."""
        return self._decode(None, samples, fec=0)

    def reset(self) -> None:
        """Forget the past: the next packet begins another stream."""
        _checked(self._library.opus_decoder_ctl(self._state, _RESET_STATE, 0))

    def _decode(self, packet: bytes | None, samples: int, fec: int) -> bytes:
        if not 0 < samples <= _MAX_SAMPLES:
            raise OpusError(f"{samples} samples cannot be decoded at once")
        length = len(packet) if packet else 0
        decoded = _checked(
            self._library.opus_decode(self._state, packet, length, _pcm, samples, fec)
        )
        return ctypes.string_at(_pcm, decoded * _BYTES_PER_SAMPLE)


class OpusEncoder:
    """Encodes mono speech at `rate` with in-band FEC for 10 % loss, without DTX."""

    clock_rate = CLOCK_RATE

    def __init__(self, rate: int, *, bitrate: int = 32000, complexity: int = 5) -> None:
        _check_rate(rate)
        self._library = library()
        self._state = ctypes.create_string_buffer(self._library.opus_encoder_get_size(1))
        _checked(self._library.opus_encoder_init(self._state, rate, 1, _APPLICATION_VOIP))
        for request, value in (
            (_SET_BITRATE, bitrate),
            (_SET_COMPLEXITY, complexity),
            (_SET_INBAND_FEC, 1),
            (_SET_PACKET_LOSS_PERC, 10),
            (_SET_DTX, 0),
            (_SET_SIGNAL, _SIGNAL_VOICE),
        ):
            _checked(self._library.opus_encoder_ctl(self._state, request, value))

    def encode(self, pcm: bytes) -> bytes:
        """One packet; `pcm` lasts 2.5, 5, 10, 20, 40 or 60 ms. Raises OpusError."""
        samples = len(pcm) // _BYTES_PER_SAMPLE
        length = _checked(
            self._library.opus_encode(self._state, pcm, samples, _packet, MAX_PACKET_BYTES)
        )
        return ctypes.string_at(_packet, length)

    def expect_loss(self, fraction: float) -> None:
        """Spend as much on in-band FEC as this part of our packets being lost, 0 to 1, asks for."""
        percent = round(100 * fraction)
        _checked(self._library.opus_encoder_ctl(self._state, _SET_PACKET_LOSS_PERC, percent))


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL:
    """libopus: the system's if it is new enough, else the one in PyAV's wheel.

    Raises LibraryNotFoundError; call it at start-up to fail early.
    """
    for name in ("libopus.so.0", "libopus.so", "libopus.0.dylib", *_in_pyav()):
        try:
            candidate = ctypes.CDLL(name)
        except OSError:
            continue
        _declare(candidate)
        if _version(candidate) >= OLDEST_VERSION:
            return candidate
    oldest = ".".join(map(str, OLDEST_VERSION))
    raise LibraryNotFoundError(
        f"libopus {oldest} or newer was found neither on the system nor in PyAV "
        "(pip install av, or your system's package of libopus)"
    )


def _in_pyav() -> list[str]:
    spec = importlib.util.find_spec("av")
    if spec is None or spec.origin is None:
        return []
    package = Path(spec.origin).parent
    folder = package / ".dylibs" if sys.platform == "darwin" else package.parent / "av.libs"
    return sorted(str(path) for path in folder.glob("libopus*"))


def _version(candidate: ctypes.CDLL) -> tuple[int, ...]:
    """As `opus_get_version_string` writes it: "libopus 1.6.1", with any suffix."""
    found = re.search(rb"(\d+)\.(\d+)", candidate.opus_get_version_string())
    return tuple(map(int, found.groups())) if found else ()


def _declare(candidate: ctypes.CDLL) -> None:
    """State types to ctypes once, so that calls convert nothing by guess."""
    state, data, integer = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    candidate.opus_get_version_string.restype = ctypes.c_char_p
    for name, arguments in {
        "opus_decoder_get_size": [integer],
        "opus_decoder_init": [state, ctypes.c_int32, integer],
        "opus_decoder_ctl": [state, integer, integer],
        "opus_decode": [state, data, ctypes.c_int32, state, integer, integer],
        "opus_packet_get_nb_samples": [data, ctypes.c_int32, ctypes.c_int32],
        "opus_encoder_get_size": [integer],
        "opus_encoder_init": [state, ctypes.c_int32, integer, integer],
        "opus_encoder_ctl": [state, integer, integer],
        "opus_encode": [state, data, integer, state, ctypes.c_int32],
    }.items():
        function = getattr(candidate, name)
        function.argtypes, function.restype = arguments, integer


def _check_rate(rate: int) -> None:
    if rate not in RATES:
        raise ValueError(f"Opus codes at {RATES} Hz, not {rate}")


def _checked(result: int) -> int:
    if result < _OK:
        raise OpusError(f"libopus error {result}")
    return result
