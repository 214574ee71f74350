"""Opus by libopus (RFC 6716, RFC 7587): mono PCM as signed 16 bit, little endian bytes.

Called through ctypes: 25 us to decode a 20 ms frame, against 37 us through PyAV,
and with the in-band FEC that PyAV does not expose. Not for use from several
threads: every codec shares two buffers.
"""

import ctypes
import math

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from transceiver.audio import libopus
from transceiver.audio.format import OpusPreferences
from transceiver.audio.libopus import (
    MAX_PACKET_BYTES,
    MAX_SAMPLES,
    OpusError,
    checked,
    library,
    packet_buffer,
    packet_view,
    pcm_buffer,
    pcm_view,
)
from transceiver.audio.opus_mode import OpusMode

CLOCK_RATE = 48000
"""RTP timestamps of Opus, whatever rate it codes at: https://www.rfc-editor.org/rfc/rfc7587#section-4.1"""

RATES = (8000, 12000, 16000, 24000, 48000)

MAX_EXPECTED_LOSS = 0.3
"""More in-band FEC than for this is more than libopus makes good use of."""

_BANDWIDTHS = {
    8000: libopus.NARROWBAND,
    12000: libopus.MEDIUMBAND,
    16000: libopus.WIDEBAND,
    24000: libopus.SUPERWIDEBAND,
    48000: libopus.FULLBAND,
}


class OpusDecoder:
    """Decodes one stream to mono at `rate`, one of `RATES`."""

    clock_rate = CLOCK_RATE

    def __init__(self, rate: int) -> None:
        _check_rate(rate)
        self.concealment_step = rate // 400
        self._rate = rate
        opus = library()
        self._opus_decode = opus.opus_decode
        self._opus_packet_get_nb_samples = opus.opus_packet_get_nb_samples
        # libopus writes its state into memory that Python owns and frees.
        self._state = ctypes.create_string_buffer(opus.opus_decoder_get_size(1))
        checked(opus.opus_decoder_init(self._state, rate, 1))

    def duration(self, packet: bytes) -> int:
        """The samples that `packet` decodes to. Raises OpusError."""
        return checked(self._opus_packet_get_nb_samples(packet, len(packet), self._rate))

    def decode(self, packet: bytes) -> bytes:
        """The packet's audio. Raises OpusError."""
        if not packet:
            raise OpusError("an empty packet")
        samples = self._opus_decode(self._state, packet, len(packet), pcm_buffer, MAX_SAMPLES, 0)
        return pcm_view[: BYTES_PER_SAMPLE * checked(samples)].tobytes()

    def decode_fec(self, following: bytes, samples: int) -> bytes:
        """The `samples` before packet `following`, as far as its in-band FEC tells.

        What it does not tell is concealed. `samples` is a multiple of 2.5 ms, at
        most 120 ms. Raises OpusError.
        """
        return self._make_up(following, len(following), samples, fec=1)

    def repair(self, following: bytes, samples: int) -> bytes:
        """As `decode_fec`, or concealed where `following` cannot be decoded."""
        try:
            return self.decode_fec(following, samples)
        except OpusError:
            return self.conceal(samples)

    def conceal(self, samples: int) -> bytes:
        """A guess at the next `samples`, a multiple of 2.5 ms, at most 120 ms."""
        return self._make_up(None, 0, samples, fec=0)

    def reset(self) -> None:
        """Forget the past: the next packet begins another stream."""
        checked(library().opus_decoder_ctl(self._state, libopus.RESET_STATE, 0))

    def _make_up(self, packet: bytes | None, length: int, samples: int, fec: int) -> bytes:
        if not 0 < samples <= MAX_SAMPLES:
            raise OpusError(f"{samples} samples cannot be decoded at once")
        decoded = self._opus_decode(self._state, packet, length, pcm_buffer, samples, fec)
        return pcm_view[: BYTES_PER_SAMPLE * checked(decoded)].tobytes()


class OpusEncoder:
    """Encodes mono speech at `rate`, as `OpusMode.VOIP` until `adapt` says otherwise.

    Without DTX: who has nothing to say sends nothing.
    """

    clock_rate = CLOCK_RATE

    def __init__(self, rate: int, preferences: OpusPreferences | None = None) -> None:
        """`preferences` are the receiver's; without any, it takes everything."""
        _check_rate(rate)
        opus = library()
        self._opus_encode = opus.opus_encode
        self._opus_encoder_ctl = opus.opus_encoder_ctl
        self._state = ctypes.create_string_buffer(opus.opus_encoder_get_size(1))
        checked(opus.opus_encoder_init(self._state, rate, 1, libopus.APPLICATION_VOIP))
        self._takes_fec = preferences is None or preferences.in_band_fec
        self._max_bitrate = preferences.max_bitrate if preferences else None
        if preferences is not None:
            self._request(libopus.SET_MAX_BANDWIDTH, _bandwidth(preferences.max_playback_rate))
            self._request(libopus.SET_VBR, int(not preferences.constant_bitrate))
        self._adapted_to: tuple[OpusMode, float] | None = None
        self.adapt(OpusMode.VOIP, 0.0)

    def encode(self, pcm: bytes) -> bytes:
        """One packet; `pcm` lasts 2.5, 5, 10, 20, 40 or 60 ms. Raises OpusError."""
        samples = len(pcm) // BYTES_PER_SAMPLE
        size = self._opus_encode(self._state, pcm, samples, packet_buffer, MAX_PACKET_BYTES)
        return packet_view[: checked(size)].tobytes()

    def adapt(self, mode: OpusMode, expected_loss: float) -> None:
        """Code what follows so, for a receiver that misses this part of the packets, 0 to 1.

        libopus makes the transition between its coders itself: no frame is a bad one.
        """
        if self._adapted_to == (mode, expected_loss):
            return
        self._adapted_to = mode, expected_loss
        tuning = mode.tuning
        fec = self._takes_fec and tuning.silk
        loss = min(expected_loss, MAX_EXPECTED_LOSS) if fec else 0.0
        # libopus takes voice to SILK, and music to CELT, at any of the bitrates.
        signal = libopus.SIGNAL_VOICE if tuning.silk else libopus.SIGNAL_MUSIC
        self._request(libopus.SET_BITRATE, min(tuning.bitrate, self._max_bitrate or tuning.bitrate))
        self._request(libopus.SET_COMPLEXITY, tuning.complexity)
        self._request(libopus.SET_SIGNAL, signal)
        self._request(libopus.SET_INBAND_FEC, int(loss > 0))
        self._request(libopus.SET_PACKET_LOSS_PERC, math.ceil(100 * loss))

    def _request(self, request: int, value: int) -> None:
        checked(self._opus_encoder_ctl(self._state, request, value))


def _bandwidth(playback_rate: int) -> int:
    """The widest band that is heard at this sampling rate."""
    return max(_BANDWIDTHS[rate] for rate in RATES if rate <= max(playback_rate, RATES[0]))


def _check_rate(rate: int) -> None:
    if rate not in RATES:
        raise ValueError(f"Opus codes at {RATES} Hz, not {rate}")
