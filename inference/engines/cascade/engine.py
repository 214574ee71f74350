"""The embedded voice agent: VAD, recogniser, brain and voice on CPU, without downloads."""

import asyncio
import logging
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import soxr

from antiphon_proto.trunk import Item, Ready, SessionConfig
from inference.engine import Capabilities, Emit
from inference.engines.cascade import domain, recogniser, synthesiser
from inference.engines.cascade.brain.brain import BrainSource
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.cascade.language_model import write_model
from inference.engines.cascade.listener import Listener
from inference.engines.cascade.recogniser import Recogniser
from inference.engines.cascade.session import CascadeSession
from inference.engines.cascade.synthesiser import Synthesiser
from inference.engines.cascade.vad import SileroModel, VoiceBatch
from inference.engines.cascade.voices import DEFAULT
from inference.error_code import EngineError

logger = logging.getLogger(__name__)

SELF_TEST_SENTENCE = "what time is it"


class CascadeEngine:
    """Holds what the sessions share: the models and the worker processes."""

    name = "cascade"
    capabilities = Capabilities(recogniser.SAMPLE_RATE, synthesiser.SAMPLE_RATE, full_duplex=False)

    def __init__(
        self,
        brains: BrainSource,
        counters: CascadeCounters,
        *,
        asr_workers: int = 1,
        general_vocabulary: bool = False,
    ) -> None:
        self._brains = brains
        self._counters = counters
        self._asr_workers = asr_workers
        self._general_vocabulary = general_vocabulary
        self._directory = tempfile.TemporaryDirectory(prefix="antiphon-")
        self.synthesiser = Synthesiser(counters)
        self.recogniser: Recogniser | None = None
        self._batch: VoiceBatch | None = None

    async def start(self) -> None:
        """Start the workers, and hear what the voice says."""
        loop = asyncio.get_running_loop()
        self._batch = VoiceBatch(SileroModel(), self._counters, loop.call_soon)
        self.recogniser = Recogniser(self._asr_workers, self._model_files(), self._counters)
        try:
            await asyncio.gather(self.recogniser.start(), self.synthesiser.start())
            await self._self_test(self.recogniser)
        except OSError:
            await self.close()
            raise

    async def close(self) -> None:
        closing = [self.synthesiser.close(), self._brains.close()]
        if self.recogniser is not None:
            closing.append(self.recogniser.close())
        await asyncio.gather(*closing)
        self._directory.cleanup()

    def unready_reason(self) -> str | None:
        if self.recogniser is None or not self.recogniser.ready:
            return "the speech recogniser is not running"
        return None if self.synthesiser.ready else "the voice is not running"

    def open(
        self, config: SessionConfig, history: Sequence[Item], emit: Emit, session_key: str = ""
    ) -> CascadeSession:
        assert self.recogniser is not None, "open before start"
        assert self._batch is not None, "open before start"
        clock = asyncio.get_running_loop().time
        stream = self.recogniser.open_stream()
        session = CascadeSession(
            config,
            history,
            listener=Listener(config, self._batch, stream, emit, clock),
            brain=self._brains.open(session_key),
            synthesiser=self.synthesiser,
            emit=emit,
            clock=clock,
        )
        rates = self.capabilities
        emit(Ready(self.name, rates.input_rate, rates.output_rate, rates.full_duplex))
        return session

    def _model_files(self) -> list[str]:
        """The recogniser's arguments. Raises OSError when its data is missing."""
        if self._general_vocabulary:
            return []
        files = write_model(domain.sentences(), _dictionary(), Path(self._directory.name))
        return [str(files.language_model), str(files.dictionary)]

    async def _self_test(self, recogniser: Recogniser) -> None:
        """Have a sentence spoken and recognised. Raises OSError when that fails."""
        try:
            speech = self.synthesiser.speak(SELF_TEST_SENTENCE, DEFAULT)
            chunks = [spoken.pcm async for spoken in speech]
            stream = recogniser.open_stream()
            utterance = stream.begin(lambda text: None)
            utterance.push(_for_recogniser(b"".join(chunks)))
            utterance.finish()
            heard = await utterance.final()
            stream.close()
        except EngineError as error:
            raise OSError(f"the cascade's self-test failed: {error}") from error
        logger.info("self-test: %r was heard as %r", SELF_TEST_SENTENCE, heard)


def _for_recogniser(pcm: bytes) -> bytes:
    """The voice's samples at the recogniser's rate, between two pauses."""
    samples = np.frombuffer(pcm, np.int16)
    pause = bytes(recogniser.SAMPLE_RATE // 2 * samples.itemsize)
    resampled = soxr.resample(samples, synthesiser.SAMPLE_RATE, recogniser.SAMPLE_RATE)
    return pause + bytes(resampled.tobytes()) + pause


def _dictionary() -> Path:
    """The pronouncing dictionary in pocketsphinx's wheel; the package itself holds the GIL."""
    spec = find_spec("pocketsphinx")
    if spec is None or not spec.submodule_search_locations:
        raise OSError("pocketsphinx is not installed: pip install 'antiphon[inference]'")
    return Path(spec.submodule_search_locations[0]) / "model" / "en-us" / "cmudict-en-us.dict"
