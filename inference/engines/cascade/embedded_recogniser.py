"""The recogniser that needs no server: pocketsphinx in worker processes."""

import tempfile
from importlib.util import find_spec
from pathlib import Path

from inference.engines.cascade import domain
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.cascade.language_model import write_model
from inference.engines.cascade.recogniser import Recogniser, RecogniserStream, RecogniserWorker


class EmbeddedRecogniser:
    """Knows the sentences of the domain, or everyday English."""

    local = True

    def __init__(
        self, counters: CascadeCounters, *, workers: int = 1, general_vocabulary: bool = False
    ) -> None:
        self._counters = counters
        self._worker_count = workers
        self._general_vocabulary = general_vocabulary
        self._directory = tempfile.TemporaryDirectory(prefix="antiphon-")
        self._recogniser: Recogniser | None = None

    @property
    def workers(self) -> list[RecogniserWorker]:
        """Empty before `start`."""
        return [] if self._recogniser is None else self._recogniser.workers

    async def start(self) -> None:
        """Raises OSError when a worker does not start, or its data is missing."""
        self._recogniser = Recogniser(self._worker_count, self._model_files(), self._counters)
        await self._recogniser.start()

    async def close(self) -> None:
        if self._recogniser is not None:
            await self._recogniser.close()
        self._directory.cleanup()

    def unready_reason(self) -> str | None:
        ready = self._recogniser is not None and self._recogniser.ready
        return None if ready else "the speech recogniser is not running"

    def open_stream(self, session_key: str = "") -> RecogniserStream:
        assert self._recogniser is not None, "open before start"
        return self._recogniser.open_stream()

    def _model_files(self) -> list[str]:
        """The workers' arguments; none: general English."""
        if self._general_vocabulary:
            return []
        files = write_model(domain.sentences(), _dictionary(), Path(self._directory.name))
        return [str(files.language_model), str(files.dictionary)]


def _dictionary() -> Path:
    """The pronouncing dictionary in pocketsphinx's wheel; the package itself holds the GIL."""
    spec = find_spec("pocketsphinx")
    if spec is None or not spec.submodule_search_locations:
        raise OSError("pocketsphinx is not installed: pip install 'antiphon[inference]'")
    return Path(spec.submodule_search_locations[0]) / "model" / "en-us" / "cmudict-en-us.dict"
