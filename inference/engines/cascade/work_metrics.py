"""The work of the cascade's models in Prometheus' terms."""

from collections import Counter
from collections.abc import Iterable

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from inference.engines.cascade.counters import WorkerKind
from inference.engines.cascade.work_counters import WorkCounters

PREFIX = "antiphon_inference_cascade_"
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


def work_metrics(work: WorkCounters) -> Iterable[Metric]:
    loads = {WorkerKind.RECOGNISER: work.recognition, WorkerKind.SYNTHESISER: work.synthesis}
    seconds = CounterMetricFamily(
        PREFIX + "work_seconds",
        "CPU time that worker processes took for speech.",
        labels=["worker"],
    )
    audio = CounterMetricFamily(
        PREFIX + "work_audio_seconds",
        "How long that speech lasts: the ratio of both rates is the real-time factor.",
        labels=["worker"],
    )
    for kind, load in loads.items():
        seconds.add_metric([kind.value], load.work_s)
        audio.add_metric([kind.value], load.audio_s)
    yield seconds
    yield audio
    yield GaugeMetricFamily(
        PREFIX + "recogniser_backlog_seconds",
        "Speech that the recognisers have not decoded yet.",
        value=max(0.0, round(work.recognition.waiting, 3)),
    )
    yield GaugeMetricFamily(
        PREFIX + "synthesiser_backlog_pieces",
        "Pieces of text that the voice has not spoken to their end.",
        value=work.synthesis.waiting,
    )
    yield _batch_sizes(work.batch_sizes)


def _batch_sizes(sizes: Counter[int]) -> Metric:
    buckets = [
        (str(float(limit)), float(sum(runs for size, runs in sizes.items() if size <= limit)))
        for limit in BATCH_SIZES
    ]
    buckets.append(("+Inf", float(sizes.total())))
    family = HistogramMetricFamily(
        PREFIX + "vad_batch_windows", "Windows that a run of the voice activity model judged."
    )
    family.add_metric([], buckets, sum_value=sum(size * runs for size, runs in sizes.items()))
    return family
