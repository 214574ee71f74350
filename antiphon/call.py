"""`antiphon call`: one spoken question from a file, and its answer."""

import asyncio
import sys
from collections.abc import Mapping, Sequence

from antiphon.call_display import CallDisplay, display
from antiphon.call_end import CallProgress, is_over
from antiphon.call_settings import CallSettings
from antiphon.microphone import Utterance
from antiphon.realtime_call import CallError, RealtimeCall, TimedEvent
from antiphon.turn_report import Turn, TurnReport
from antiphon.wav import RATE, Samples, WavError, read_wav, write_wav
from chassis.settings import SettingError, load

PATIENCE_S = 30.0
_POLL_S = 0.1


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Returns 0 when something was heard, 1 when the call failed, 2 for an unreadable file."""
    settings = load(CallSettings, argv, environ, prog="antiphon call")
    try:
        question = read_wav(settings.wav)
        if settings.out is not None and not settings.out.parent.is_dir():
            raise SettingError(f"--out: there is no directory {settings.out.parent}")
        with display() as shown:
            recording = asyncio.run(_call(settings, question, shown))
        if settings.out is not None:
            write_wav(settings.out, recording)
    except (WavError, OSError) as error:
        print(f"antiphon call: {error}", file=sys.stderr)
        return 2
    except CallError as error:
        print(f"antiphon call: {error}", file=sys.stderr)
        return 1
    return 0


async def _call(settings: CallSettings, question: Samples, shown: CallDisplay) -> Samples:
    """Returns what was heard from the first sample of the question on. Raises CallError."""

    def measure(turn: Turn) -> float | None:
        return voice_to_voice_ms(call, turn)

    def take(event: TimedEvent) -> None:
        for line in report.event(event.event, event.at):
            shown.line(line)

    report = TurnReport(measure)
    longest_s = settings.seconds or len(question) / RATE + PATIENCE_S
    async with RealtimeCall(take) as call:
        await call.place(settings.url, settings.api_key, session_config(settings.model))
        shown.line(f"call: {call.call_id}")
        utterance = call.microphone.say(question)
        await _until_over(call, report, utterance, longest_s, shown)
        for line in report.rest():
            shown.line(line)
        if not report.turns:
            shown.line(_heard_text(call, utterance))
        begins_at = utterance.started_at
        if begins_at is None or call.heard.last_audible_at is None:
            raise CallError("the call was connected, but no audio came back")
        return call.heard.recording(begins_at, asyncio.get_running_loop().time())


async def _until_over(
    call: RealtimeCall,
    report: TurnReport,
    utterance: Utterance,
    longest_s: float,
    shown: CallDisplay,
) -> None:
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    said_at = None
    while (now := loop.time()) - began_at < longest_s:
        call.check()
        if said_at is None and utterance.finished.is_set():
            said_at = now
        if said_at is not None:
            progress = CallProgress(said_at, call.heard.last_audible_at, report.awaits_agent)
            if is_over(progress, now):
                return
        shown.stage("speaking" if said_at is None else "listening", (now - began_at) / longest_s)
        await asyncio.sleep(_POLL_S)


def session_config(model: str | None) -> dict[str, object]:
    """A session that has the caller's speech transcribed too."""
    session: dict[str, object] = {
        "type": "realtime",
        "audio": {"input": {"transcription": {"model": "whisper-1"}}},
    }
    return session if model is None else {**session, "model": model}


def voice_to_voice_ms(call: RealtimeCall, turn: Turn) -> float | None:
    """From the caller's last voiced sample to the first audible frame of the turn."""
    heard_at = call.heard.first_audible_after(turn.created_at)
    if heard_at is None:
        return None
    said_at = call.microphone.last_voiced_before(heard_at)
    return None if said_at is None else (heard_at - said_at) * 1000


def _heard_text(call: RealtimeCall, utterance: Utterance) -> str:
    """What came back when no response was announced, as from the echo engine."""
    said_at = utterance.first_voiced_at
    heard_at = None if said_at is None else call.heard.first_audible_after(said_at)
    if said_at is None or heard_at is None:
        return "heard: nothing"
    duration_s = sum(len(frame.samples) for frame in call.heard.frames if frame.audible) / RATE
    return f"heard: {duration_s:.1f} s of sound, {(heard_at - said_at) * 1000:.0f} ms after yours"
