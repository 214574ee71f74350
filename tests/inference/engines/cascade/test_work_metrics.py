"""What is told of the cascade's work, by workers that nobody else uses."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from prometheus_client.metrics_core import Metric

from antiphon_proto.trunk import Usage
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.cascade.embedded_recogniser import EmbeddedRecogniser
from inference.engines.cascade.synthesiser import Synthesiser
from inference.engines.cascade.work_counters import WorkCounters
from inference.engines.cascade.work_metrics import work_metrics
from inference.trunk_counters import TokenKind, TrunkCounters
from tests.inference.user_voice import UserVoice


def family(work: WorkCounters, name: str) -> Metric:
    return next(each for each in work_metrics(work) if each.name.endswith(name))


def test_batches_fall_into_buckets_that_hold_the_smaller_ones_too() -> None:
    work = WorkCounters()
    work.batch_sizes.update({1: 5, 3: 2, 200: 1})
    samples = family(work, "vad_batch_windows").samples
    buckets = {each.labels["le"]: each.value for each in samples if "le" in each.labels}
    assert [buckets[limit] for limit in ("1.0", "2.0", "4.0", "128.0", "+Inf")] == [5, 5, 7, 7, 8]
    assert next(each.value for each in samples if each.name.endswith("_sum")) == 211


def test_tokens_are_counted_by_kind() -> None:
    counters = TrunkCounters()
    for _ in range(2):
        counters.count_tokens(Usage(1, 2, 3, 4, 5))
    assert [counters.tokens[kind] for kind in TokenKind] == [2, 4, 6, 8, 10]


@pytest.fixture(scope="module")
def counters() -> CascadeCounters:
    return CascadeCounters()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def recogniser(counters: CascadeCounters) -> AsyncIterator[EmbeddedRecogniser]:
    recogniser = EmbeddedRecogniser(counters)
    await recogniser.start()
    yield recogniser
    await recogniser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def synthesiser(counters: CascadeCounters) -> AsyncIterator[Synthesiser]:
    synthesiser = Synthesiser(counters)
    await synthesiser.start()
    yield synthesiser
    await synthesiser.close()


@pytest.mark.asyncio(loop_scope="session")
async def test_workers_tell_what_they_worked_and_on_how_much(
    recogniser: EmbeddedRecogniser,
    synthesiser: Synthesiser,
    counters: CascadeCounters,
    user: UserVoice,
) -> None:
    heard, spoken = counters.work.recognition, counters.work.synthesis
    before = heard.audio_s, spoken.audio_s
    stream = recogniser.open_stream()
    utterance = stream.begin(lambda text: None)
    utterance.push(user.say("what is twelve plus thirty"))
    assert heard.waiting > 1
    utterance.finish()
    await utterance.final()
    pcm = b"".join([part.pcm async for part in synthesiser.voice("").speak("twelve plus thirty")])
    stream.close()

    assert heard.waiting == pytest.approx(0, abs=1e-6)
    assert spoken.waiting == 0
    assert heard.audio_s - before[0] >= 0.5
    assert spoken.audio_s - before[1] == pytest.approx(len(pcm) / 48_000)
    assert 0 < heard.work_s < 10 * heard.audio_s
    assert 0 < spoken.work_s < spoken.audio_s


@pytest.mark.asyncio(loop_scope="session")
async def test_speech_that_is_given_up_waits_no_more(
    recogniser: EmbeddedRecogniser, counters: CascadeCounters
) -> None:
    stream = recogniser.open_stream()
    utterance = stream.begin(lambda text: None)
    utterance.push(bytes(32_000))
    utterance.abort()
    stream.close()
    assert counters.work.recognition.waiting == pytest.approx(0, abs=1e-6)
