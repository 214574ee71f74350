"""Plain numbers about speech servers; `metrics.py` reads them at a scrape."""

from dataclasses import dataclass


@dataclass(slots=True)
class SpeechServerCounters:
    """Seconds of work are those in which a server was waited for: compare them with the audio's."""

    asr_utterances: int = 0
    """Transcripts that servers gave."""
    asr_audio_seconds: float = 0.0
    """Speech that they transcribed."""
    asr_work_seconds: float = 0.0
    """From the end of the speech to its transcript."""
    asr_partials: int = 0
    """Requests for the words so far, of which each hears all of the utterance again."""
    asr_partials_skipped: int = 0
    """Not asked for, as the one before had not been answered."""
    asr_shed_seconds: float = 0.0
    """Speech that was given up, as its server did not take it in time."""
    tts_pieces: int = 0
    """Pieces of text of which audio came."""
    tts_first_audio_seconds: float = 0.0
    """From asking to the first audio, summed over the pieces."""
    tts_audio_seconds: float = 0.0
    tts_work_seconds: float = 0.0
    tts_fallbacks: int = 0
    """Times that the embedded voice spoke for a server's."""
