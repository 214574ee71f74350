"""Speech servers in Prometheus' terms; `model_server_metrics` has their tries and failures."""

from collections.abc import Iterable

from prometheus_client.metrics_core import CounterMetricFamily, Metric

from inference.engines.cascade.servers.counters import SpeechServerCounters

PREFIX = "antiphon_inference_speech_server_"

HELP = {
    "asr_utterances": "Transcripts that servers gave.",
    "asr_audio_seconds": "Speech that servers transcribed.",
    "asr_work_seconds": "From the end of the speech to its transcript.",
    "asr_partials": "Requests for the words of an utterance that goes on.",
    "asr_partials_skipped": "Such requests not made, as the one before had no answer yet.",
    "asr_shed_seconds": "Speech given up, as its server did not take it in time.",
    "tts_pieces": "Pieces of text of which servers gave audio.",
    "tts_first_audio_seconds": "From asking to a piece's first audio.",
    "tts_audio_seconds": "Speech that servers gave.",
    "tts_work_seconds": "Waited for servers' speech, playback's own pauses left out.",
    "tts_fallbacks": "Times that the embedded voice spoke for a server's.",
}
"""By the counter's name."""


def speech_server_metrics(counters: SpeechServerCounters) -> Iterable[Metric]:
    """A real-time factor is the ratio of work to audio, a mean latency that of time to count."""
    for name, help_text in HELP.items():
        yield CounterMetricFamily(PREFIX + name, help_text, value=getattr(counters, name))
