"""A muted microphone costs no decoding: its packets say that they hold digital silence.

Clients that send the audio level of each packet (RFC 6464) give digital silence the
lowest, 127: https://www.rfc-editor.org/rfc/rfc6464#section-3
"""

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from transceiver.audio.codec import AudioCodecError, AudioDecoder
from transceiver.audio.counts import AudioCounts
from transceiver.rtp.header_extensions import SILENT_LEVEL, audio_level

PROOF_PERIOD = 25
"""Of packets in a row that are said to be silent, each such one is decoded all the same."""

QUIET_PEAK = 16
"""What the codec may make of digital silence, -66 dB of full scale: libopus comes down to it
within 80 ms, the tail of what was said before."""


class SkippingDecoder:
    """Decodes a stream, but puts zeros for what its sender says is silent.

    It is believed as long as what is decoded bears it out: the last packet before one
    that is skipped, and then one of each `PROOF_PERIOD`. A sender whose level proves wrong
    is not believed again.

    What follows comes out as if nothing had been skipped: the decoder's state depends on
    little more than the packet before, and the last one skipped is then decoded for that.
    """

    __slots__ = ("_believed", "_counts", "_decoder", "_level_id", "_quiet", "_run", "_skipped")

    def __init__(self, decoder: AudioDecoder, level_id: int | None, counts: AudioCounts) -> None:
        """`level_id`: of the audio level's header extension; None: everything is decoded."""
        self._decoder = decoder
        self._level_id = level_id
        self._counts = counts
        self._believed = True
        self._quiet = False
        self._run = 0
        self._skipped: bytes | None = None

    def decode(self, payload: bytes, extension: bytes) -> bytes:
        """The packet's PCM, given its header extension. Raises AudioCodecError."""
        if self._level_id is None or not self._believed:
            return self._decoder.decode(payload)
        level = audio_level(extension, self._level_id)
        if level is None or level[1] != SILENT_LEVEL:
            self._quiet = False
            self._run = 0
            self._catch_up()
            return self._decoder.decode(payload)
        self._run += 1
        if not self._quiet or self._run % PROOF_PERIOD == 0:
            return self._prove(payload)
        silence = bytes(self._decoder.duration(payload) * BYTES_PER_SAMPLE)
        self._skipped = payload
        self._counts.silent += 1
        return silence

    def repair(self, following: bytes, samples: int) -> bytes:
        """The `samples` before packet `following`; see AudioDecoder."""
        self._catch_up()
        return self._decoder.repair(following, samples)

    def conceal(self, samples: int) -> bytes:
        """A guess at the next `samples`; see AudioDecoder."""
        self._catch_up()
        return self._decoder.conceal(samples)

    def reset(self) -> None:
        """Forget the past: the next packet begins another stream."""
        self._decoder.reset()
        self._quiet = False
        self._run = 0
        self._skipped = None

    def _prove(self, payload: bytes) -> bytes:
        was_quiet = self._quiet
        self._catch_up()
        pcm = self._decoder.decode(payload)
        samples = memoryview(pcm).cast("h")
        self._quiet = max(samples) <= QUIET_PEAK and min(samples) >= -QUIET_PEAK
        self._believed = self._quiet or not was_quiet
        return pcm

    def _catch_up(self) -> None:
        """Bring the decoder to where the stream is."""
        if self._skipped is None:
            return
        payload, self._skipped = self._skipped, None
        try:
            self._decoder.decode(payload)
        except AudioCodecError:
            return  # It was not played, and leaves the state as it is.
