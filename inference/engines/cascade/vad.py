"""Voice activity by Silero's model, one run for the next window of every session that has one.

The ONNX file inside the silero-vad wheel is used by itself: importing the
package would need torch.
"""

import logging
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.cascade.onnx_session import onnx_session

logger = logging.getLogger(__name__)

SAMPLE_RATE = 16_000
WINDOW_SAMPLES = 512
CONTEXT_SAMPLES = 64
STATE_SHAPE = (2, 1, 128)
FULL_SCALE = np.float32(32768)

Samples = NDArray[np.float32]
OnWindow = Callable[[float, int], None]
"""Takes a window's probability of speech and the position behind its last sample."""


class SileroModel:
    """The network; stateless, one thread."""

    def __init__(self) -> None:
        """Raises OSError when the wheel's model file is missing."""
        self._session = onnx_session(str(_model_file()))
        self._rate = np.array(SAMPLE_RATE, np.int64)

    def run(self, inputs: Samples, states: Samples) -> tuple[Samples, Samples]:
        """Probabilities (B,) and new states (2, B, 128), of windows with their contexts
        (B, 64 + 512) and states (2, B, 128)."""
        feed = {"input": inputs, "state": states, "sr": self._rate}
        probabilities, new_states = self._session.run(None, feed)
        return probabilities[:, 0], new_states


class VoiceStream:
    """One session's audio, cut into windows, with the model's memory of it."""

    def __init__(self, on_window: OnWindow, on_failure: Callable[[], None]) -> None:
        """`on_failure` is called once, when `on_window` has raised: nothing more is judged."""
        self.on_window = on_window
        self._on_failure = on_failure
        self.closed = False
        # A run is made in whosever context scheduled it.
        self._call = copy_context()
        self.state: Samples = np.zeros(STATE_SHAPE, np.float32)
        self._context: Samples = np.zeros(CONTEXT_SAMPLES, np.float32)
        self._windows: deque[tuple[Samples, int]] = deque()
        self._rest = b""

    @property
    def pending(self) -> bool:
        return bool(self._windows) and not self.closed

    def push(self, position: int, pcm: bytes) -> None:
        """Add samples at 16 kHz whose first is sample `position`."""
        start = position - len(self._rest) // BYTES_PER_SAMPLE
        data = self._rest + pcm
        window_bytes = WINDOW_SAMPLES * BYTES_PER_SAMPLE
        whole = len(data) // window_bytes * window_bytes
        samples = np.frombuffer(data[:whole], "<i2").astype(np.float32) / FULL_SCALE
        for index, window in enumerate(samples.reshape(-1, WINDOW_SAMPLES), start=1):
            self._windows.append((window, start + index * WINDOW_SAMPLES))
        self._rest = data[whole:]

    def take(self) -> tuple[Samples, int]:
        """The oldest window behind its context (576,), and the position of its end."""
        window, end = self._windows.popleft()
        model_input = np.concatenate([self._context, window])
        self._context = window[-CONTEXT_SAMPLES:]
        return model_input, end

    def judge(self, probability: float, end: int) -> None:
        """Report a window; a bug in what follows from it ends this stream only."""
        try:
            self._call.run(self.on_window, probability, end)
        except Exception:
            logger.exception("a session failed on the voice in it")
            self.closed = True
            self._on_failure()


class VoiceBatch:
    """Judges one window at a time of every stream that has one.

    A burst of audio holds nobody up: between two runs other work has its turn.
    """

    def __init__(
        self,
        model: SileroModel,
        counters: CascadeCounters,
        schedule: Callable[[Callable[[], None]], object],
    ) -> None:
        """`schedule` has a callable run soon, once what is ready now has been handled."""
        self._model = model
        self._counters = counters
        self._schedule = schedule
        self._waiting: dict[VoiceStream, None] = {}

    def push(self, stream: VoiceStream, position: int, pcm: bytes) -> None:
        """Add audio to a stream; its windows are judged in the runs that follow."""
        stream.push(position, pcm)
        self._wait(stream)

    def settle(self, stream: VoiceStream) -> None:
        """Judge what waits of one stream: its caller must know where the speech in it ends."""
        while stream.pending:
            self._judge([stream])

    def run(self) -> None:
        """Judge the oldest window of each stream that waits."""
        waiting, self._waiting = self._waiting, {}
        streams = [stream for stream in waiting if stream.pending]
        if streams:
            self._judge(streams)
        for stream in streams:
            self._wait(stream)

    def _wait(self, stream: VoiceStream) -> None:
        if stream.pending:
            if not self._waiting:
                self._schedule(self.run)
            self._waiting[stream] = None

    def _judge(self, streams: list[VoiceStream]) -> None:
        inputs, ends = zip(*(stream.take() for stream in streams), strict=True)
        states = np.concatenate([stream.state for stream in streams], axis=1)
        probabilities, states = self._model.run(np.stack(inputs), states)
        self._counters.vad_batches += 1
        self._counters.vad_windows += len(streams)
        self._counters.work.batch_sizes[len(streams)] += 1
        for index, stream in enumerate(streams):
            stream.state = states[:, index : index + 1]
        for stream, probability, end in zip(streams, probabilities, ends, strict=True):
            stream.judge(float(probability), end)


def _model_file() -> Path:
    """Raises OSError when silero-vad is not installed."""
    spec = find_spec("silero_vad")
    if spec is None or not spec.submodule_search_locations:
        raise OSError("silero-vad is not installed: pip install --no-deps silero-vad")
    path = Path(spec.submodule_search_locations[0]) / "data" / "silero_vad.onnx"
    if not path.is_file():
        raise OSError(f"{path} is missing: this version of silero-vad cannot be used")
    return path
