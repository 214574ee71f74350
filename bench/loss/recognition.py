"""The embedded recogniser on one sentence at a time."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from antiphon.wav import Samples
from inference.engines.cascade import domain
from inference.engines.cascade.asr_worker import AsrWorker, new_decoder
from inference.engines.cascade.language_model import write_model
from inference.engines.cascade.worker_messages import Kind, WorkerMessage

CHUNK_SAMPLES = 1600


class Recogniser:
    """What the cascade's worker processes run, in this one. Sentences teach it nothing of
    each other's channel: each is a call of its own."""

    def __init__(self, directory: Path) -> None:
        """Writes the domain's language model into `directory`."""
        spec = find_spec("pocketsphinx")
        assert spec is not None
        assert spec.submodule_search_locations
        dictionary = Path(spec.submodule_search_locations[0]) / "model/en-us/cmudict-en-us.dict"
        files = write_model(domain.sentences(), dictionary, directory)
        model = [str(files.language_model), str(files.dictionary)]
        self._messages: list[WorkerMessage] = []
        self._worker = AsrWorker(lambda: new_decoder(model), self._messages.append)

    def transcript(self, samples: Samples) -> str:
        self._worker.handle(WorkerMessage(Kind.OPEN_STREAM))
        self._worker.handle(WorkerMessage(Kind.BEGIN))
        for start in range(0, len(samples), CHUNK_SAMPLES):
            chunk = samples[start : start + CHUNK_SAMPLES].tobytes()
            self._worker.handle(WorkerMessage(Kind.AUDIO, payload=chunk))
        self._worker.handle(WorkerMessage(Kind.FINISH))
        self._worker.handle(WorkerMessage(Kind.CLOSE_STREAM))
        final = self._messages[-1].payload.decode()
        self._messages.clear()
        return final


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """The fewest words to change, leave out or put in to make one from the other."""
    row = list(range(len(heard) + 1))
    for place, word in enumerate(said, 1):
        diagonal, row[0] = row[0], place
        for index, other in enumerate(heard, 1):
            diagonal, row[index] = (
                row[index],
                min(diagonal + (word != other), row[index] + 1, row[index - 1] + 1),
            )
    return row[-1]
