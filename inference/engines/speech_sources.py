"""What the cascade hears and speaks with, by the settings."""

from inference.config import AsrProtocol, InferenceConfig, TtsFallback, Vocabulary
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.cascade.embedded_recogniser import EmbeddedRecogniser
from inference.engines.cascade.servers.realtime_transcription import (
    RealtimeSettings,
    RealtimeTranscriptionServer,
)
from inference.engines.cascade.servers.speech_server import SpeechServer, SpeechSettings
from inference.engines.cascade.servers.transcription_server import (
    TranscriptionServer,
    TranscriptionSettings,
)
from inference.engines.cascade.speech_recognition import RecognitionSource
from inference.engines.cascade.speech_synthesis import VoiceSource
from inference.engines.cascade.synthesiser import Synthesiser
from inference.engines.server_access import server_access


def recogniser(config: InferenceConfig, counters: CascadeCounters) -> RecognitionSource:
    """Raises SettingError."""
    access = server_access(config, "asr", config.asr_url, config.asr_model, config.asr_api_key_file)
    if access is None or config.asr_model is None:
        return EmbeddedRecogniser(
            counters, workers=config.asr_workers, general_vocabulary=_general(config)
        )
    model, timeout_s = config.asr_model, config.asr_timeout_s
    servers = counters.model_servers, counters.speech_servers
    if config.asr_protocol is AsrProtocol.REALTIME:
        streamed = RealtimeSettings(model=model, timeout_s=timeout_s)
        return RealtimeTranscriptionServer(access, streamed, *servers)
    posted = TranscriptionSettings(
        model=model, timeout_s=timeout_s, partial_interval_s=config.asr_partial_interval_s
    )
    return TranscriptionServer(access, posted, *servers)


def synthesiser(config: InferenceConfig, counters: CascadeCounters) -> VoiceSource:
    """Raises SettingError."""
    embedded = Synthesiser(counters)
    access = server_access(config, "tts", config.tts_url, config.tts_model, config.tts_api_key_file)
    if access is None or config.tts_model is None:
        return embedded
    settings = SpeechSettings(
        model=config.tts_model,
        voice=config.tts_voice or "",
        voices=config.tts_voices or {},
        rate=config.tts_rate,
        speed=config.tts_speed,
        timeout_s=config.tts_timeout_s,
        falls_back_to_answer=config.tts_fallback is TtsFallback.ANSWER,
    )
    return SpeechServer(access, settings, counters.model_servers, counters.speech_servers, embedded)


def _general(config: InferenceConfig) -> bool:
    if config.asr_vocabulary is Vocabulary.AUTO:
        return config.llm_url is not None or config.expert_url is not None
    return config.asr_vocabulary is Vocabulary.GENERAL
