"""Prometheus metrics of the inference process, read from plain counters at a scrape."""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import TypeVar

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from antiphon_proto.trunk import Done, DoneStatus, Stage
from inference.admission import Admission
from inference.engines.cascade.counters import (
    CascadeCounters,
    Consultation,
    Miss,
    SpeculationCounters,
    TurnModelCounters,
    Verdict,
    WorkerKind,
)
from inference.engines.cascade.servers.metrics import speech_server_metrics
from inference.engines.cascade.work_metrics import work_metrics
from inference.error_code import ErrorCode
from inference.model_server.metrics import model_server_metrics
from inference.trunk_counters import AudioDrop, TokenKind, TrunkCounters

EnumT = TypeVar("EnumT", bound=Enum)

STAGE_BUCKETS_S = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)


class StageLatency:
    """How long after the user's last voiced sample an answer's stages were reached."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "antiphon_inference_stage_seconds",
            "Arrival of the turn's last voiced sample to the stage of its answer.",
            ["stage"],
            buckets=STAGE_BUCKETS_S,
            registry=registry,
        )
        for stage in Stage:
            self._seconds.labels(stage.value)

    def observe(self, done: Done) -> None:
        for time in done.stages:
            self._seconds.labels(time.stage.value).observe(time.after_voiced_end_us / 1e6)


class InferenceCollector(Collector):
    """Translates the process's counters into metric families."""

    def __init__(
        self, trunk: TrunkCounters, cascade: CascadeCounters, admission: Admission
    ) -> None:
        self._trunk = trunk
        self._cascade = cascade
        self._admission = admission

    def collect(self) -> Iterable[Metric]:
        yield from self._session_metrics()
        yield from self._traffic_metrics()
        yield from self._cascade_metrics()
        yield from work_metrics(self._cascade.work)
        yield from model_server_metrics(self._cascade.model_servers)
        yield from speech_server_metrics(self._cascade.speech_servers)

    def _session_metrics(self) -> Iterable[Metric]:
        trunk, admission = self._trunk, self._admission
        name = "antiphon_inference_"
        yield _gauge(name + "sessions", "Sessions held.", admission.sessions)
        yield _gauge(name + "capacity", "Sessions that may be held.", admission.capacity)
        yield _gauge(name + "draining", "1 while no new session is taken.", int(admission.draining))
        opened = CounterMetricFamily(
            name + "sessions_opened", "Sessions opened.", labels=["engine"]
        )
        for engine, count in trunk.opened.items():
            opened.add_metric([engine], count)
        yield opened
        yield _counter(name + "sessions_closed", "Sessions ended.", trunk.closed)
        yield _by_enum(name + "errors", "Error events sent.", "code", ErrorCode, trunk.errors)
        yield _by_enum(
            name + "responses", "Responses that ended.", "status", DoneStatus, trunk.done
        )
        yield _by_enum(
            name + "tokens",
            "Tokens of ended responses as clients are told them; cached ones are input ones too.",
            "kind",
            TokenKind,
            trunk.tokens,
        )

    def _traffic_metrics(self) -> Iterable[Metric]:
        trunk = self._trunk
        name = "antiphon_inference_trunk_"
        for direction, messages, audio_bytes in (
            ("received", trunk.messages_in, trunk.audio_in_bytes),
            ("sent", trunk.messages_out, trunk.audio_out_bytes),
        ):
            yield _counter(f"{name}messages_{direction}", f"Trunk messages {direction}.", messages)
            yield _counter(
                f"{name}audio_{direction}_bytes", f"Bytes of PCM {direction}.", audio_bytes
            )
        yield _by_enum(
            name + "audio_dropped_bytes",
            "Bytes of PCM that went nowhere; overlap and stale output once the session ended.",
            "reason",
            AudioDrop,
            trunk.dropped_bytes,
        )

    def _cascade_metrics(self) -> Iterable[Metric]:
        cascade = self._cascade
        name = "antiphon_inference_cascade_"
        yield _by_enum(
            name + "worker_restarts",
            "Times that a crashed or stuck worker was started again.",
            "worker",
            WorkerKind,
            cascade.restarts,
        )
        yield _counter(name + "utterances", "Utterances recognised.", cascade.utterances)
        yield _counter(name + "utterances_failed", "Utterances lost.", cascade.utterances_failed)
        yield _counter(
            name + "vad_batches", "Runs of the voice activity model.", cascade.vad_batches
        )
        yield _counter(
            name + "vad_windows", "32 ms windows that those runs judged.", cascade.vad_windows
        )
        yield from _speculation_metrics(cascade.speculation)
        yield from _turn_model_metrics(cascade.turn_model)
        yield _by_enum(
            name + "consultations",
            "Questions to the expert model, by how they ended.",
            "outcome",
            Consultation,
            cascade.consultations,
        )
        yield _by_enum(
            name + "interruptions",
            "Times that the user spoke over an answer, by what it was taken for.",
            "verdict",
            Verdict,
            cascade.interruptions,
        )


def _turn_model_metrics(turn_model: TurnModelCounters) -> Iterable[Metric]:
    name = "antiphon_inference_cascade_turn_model_"
    yield _counter(
        name + "answers", "Questions that the end-of-turn model answered.", turn_model.answered
    )
    yield _counter(
        name + "seconds", "Time that the end-of-turn model took for them.", turn_model.seconds
    )
    yield _counter(
        name + "failures", "Questions on which the end-of-turn model failed.", turn_model.failed
    )
    yield _counter(
        name + "shed",
        "Questions that the end-of-turn model was not asked, because too many waited.",
        turn_model.shed,
    )


def _speculation_metrics(speculation: SpeculationCounters) -> Iterable[Metric]:
    name = "antiphon_inference_cascade_speculation_"
    yield _counter(name + "started", "Answers begun before the turn was over.", speculation.started)
    yield _counter(name + "hits", "Such answers that were given.", speculation.hits)
    yield _by_enum(
        name + "misses", "Such answers that were discarded.", "reason", Miss, speculation.misses
    )
    yield _counter(
        name + "wasted_tokens",
        "Tokens of text and calls in what was discarded, at four characters each.",
        speculation.wasted_tokens,
    )
    yield _counter(
        name + "wasted_audio_seconds",
        "Length of the speech in what was discarded.",
        speculation.wasted_audio_s,
    )


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_text, value=value)


def _counter(name: str, help_text: str, value: float) -> Metric:
    return CounterMetricFamily(name, help_text, value=value)


def _by_enum(
    name: str, help_text: str, label: str, kinds: type[EnumT], values: Mapping[EnumT, int]
) -> Metric:
    """A series for each member, zeros too, so that a rate exists before the first event."""
    family = CounterMetricFamily(name, help_text, labels=[label])
    for kind in kinds:
        family.add_metric([str(kind.value)], values.get(kind, 0))
    return family
