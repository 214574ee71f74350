"""What a call is put together from, and what it shares with the others of its fleet."""

import random
from dataclasses import dataclass

from loadtest.callers.fault_gaps import FaultGaps
from loadtest.callers.fleet import FleetContext
from loadtest.callers.media_socket import KernelClock
from loadtest.callers.rtcp_reports import Reports
from loadtest.callers.silence_watch import SilenceWatch
from loadtest.callers.speech import OPUS_RATE, Speech
from loadtest.callers.stream_check import StreamCheck
from loadtest.callers.talk import Conversation
from loadtest.callers.turn_judge import TurnJudge
from loadtest.callers.webrtc.caller import Caller
from loadtest.callers.webrtc.dtls_endpoint import DtlsCertificate, DtlsEndpoint
from loadtest.callers.webrtc.heard_audio import HeardAudio
from loadtest.callers.webrtc.ice_agent import IceAgent
from loadtest.callers.webrtc.media import Media
from loadtest.callers.webrtc.network_path import NetworkPath
from loadtest.callers.webrtc.pace import Pace
from loadtest.callers.webrtc.session_description import LocalDescription, RemoteDescription
from loadtest.callers.webrtc.signaling import Signaling
from loadtest.callers.webrtc.voice import FRAME_TICKS, Voice, VoiceFormat
from loadtest.scenario.scenario import CallerProfile, Expect

COMPARED_SHARE = 0.05
"""Of callers: those that decode what they hear, to compare it with what they said."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What all calls of a fleet share."""

    context: FleetContext
    certificate: DtlsCertificate
    signaling: Signaling
    pace: Pace
    clock: KernelClock
    speech: Speech
    loudness: tuple[tuple[float, ...], ...]
    """Of each frame of each utterance."""
    audible: tuple[tuple[bool, ...], ...]
    """Likewise."""
    hosts: tuple[str, ...]
    """Addresses that calls may come from."""
    advertised: str
    """What offers say instead of an address that means any."""


@dataclass(frozen=True, slots=True)
class CallParts:
    """A call, once the server's answer is known."""

    caller: Caller
    media: Media
    conversation: Conversation
    judge: TurnJudge


def new_path(
    shared: Shared, profile: CallerProfile, number: int, chance: random.Random
) -> NetworkPath:
    """Of the call with that number. Raises OSError."""
    first = number % len(shared.hosts)
    hosts = shared.hosts[first:] + shared.hosts[:first]
    return NetworkPath(shared.clock, hosts, profile.network, chance)


def new_local_description(
    shared: Shared, profile: CallerProfile, path: NetworkPath, chance: random.Random
) -> LocalDescription:
    """What it offers. Secrets are random, but repeatable: they protect nothing."""
    return LocalDescription(
        ufrag=chance.randbytes(4).hex(),
        password=chance.randbytes(12).hex(),
        address=(shared.advertised, path.port),
        fingerprint=shared.certificate.fingerprint,
        ssrc=chance.getrandbits(32),
        red=profile.red,
        data_channel=profile.data_channel,
    )


def put_together(
    shared: Shared,
    profile: CallerProfile,
    path: NetworkPath,
    local: LocalDescription,
    remote: RemoteDescription,
    chance: random.Random,
    *,
    starts_at: float,
) -> CallParts:
    """Speech begins no earlier than `starts_at`."""
    measures, speech, talk = shared.context.measures, shared.speech, profile.talk
    conversation = Conversation(
        talk, speech.lengths, chance, measures, starts_at=starts_at, audible=shared.audible
    )
    silence = SilenceWatch(talk)
    judge = TurnJudge(talk, speech.answers, measures)
    compares = talk.expect is Expect.ECHO and chance.random() < COMPARED_SHARE
    voice_format = VoiceFormat.agreed(remote, red=profile.red)
    media = Media(
        conversation,
        judge,
        Voice(speech, voice_format, local.ssrc, chance),
        HeardAudio(
            lambda: _new_check(shared.context, profile),
            conversation,
            red=voice_format.red,
            listen=judge.heard if compares else None,
            gaps=_fault_gaps(shared.context) if talk.expect is Expect.ECHO else None,
            silence=silence,
        ),
        Reports(local.ssrc, shared.clock.offset_s),
        silence,
        measures,
        loudness=shared.loudness if compares else None,
    )
    dtls = DtlsEndpoint(shared.certificate, remote.fingerprint, client=not remote.dtls_client)
    caller = Caller(path, IceAgent(local, remote, chance), dtls, media, measures, chance)
    path.on_dropped(caller.dropped)
    return CallParts(caller, media, conversation, judge)


def _fault_gaps(context: FleetContext) -> FaultGaps | None:
    faults = context.scenario.faults
    return FaultGaps(faults, context.clock, context.measures) if faults else None


def _new_check(context: FleetContext, profile: CallerProfile) -> StreamCheck:
    unbroken = profile.talk.expect is Expect.ECHO and not profile.network.loss
    return StreamCheck(
        context.measures,
        clock_rate=OPUS_RATE,
        on_schedule_s=context.scenario.on_schedule_ms / 1000,
        frame_ticks=FRAME_TICKS if unbroken else None,
    )
