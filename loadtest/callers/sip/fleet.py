"""All callers by SIP of a process."""

import asyncio
import random
import secrets
import socket
import time

from loadtest.callers.address import Address
from loadtest.callers.call_outcome import counted, up
from loadtest.callers.failed_call import FailedCallError
from loadtest.callers.fault_gaps import FaultGaps
from loadtest.callers.fleet import FleetContext, FleetError
from loadtest.callers.media_socket import KernelClock, MediaSocket
from loadtest.callers.own_address import own_address
from loadtest.callers.silence_watch import SilenceWatch
from loadtest.callers.sip.caller import Caller, Voice
from loadtest.callers.sip.digest import Credentials
from loadtest.callers.sip.g711 import CodedSpeech
from loadtest.callers.sip.media_line import MediaLine
from loadtest.callers.sip.session_description import (
    Answer,
    Codec,
    SdpError,
    offer,
    parse_answer,
)
from loadtest.callers.sip.signaling import SignaledCall, Signaling
from loadtest.callers.sip.sip_target import SipTarget, SipTargetError
from loadtest.callers.speech import recorded_speech
from loadtest.callers.speech_loudness import audible_frames, speech_loudness
from loadtest.callers.talk import Conversation
from loadtest.callers.turn_judge import TurnJudge
from loadtest.measures.names import Failure, Latency
from loadtest.scenario.call_plan import CallPlan
from loadtest.scenario.scenario import CallerProfile, Expect, Kind, Talk

DEFAULT_USER = "loadtest"
"""What a caller is called that proves nothing."""
ADJUST_S = 10.0
"""How often the kernel's clock is compared with ours."""


class SipFleet:
    """See `loadtest.callers.fleet.Fleet`."""

    def __init__(self, context: FleetContext) -> None:
        self._context = context
        self._signaling: list[Signaling] = []

    async def start(self) -> None:
        self._check_scenario()
        target = self._context.target
        try:
            self._target = SipTarget.parse(target.sip, target.model)
            self._server = await _resolved(self._target)
            hosts = self._context.addresses or (own_address(self._server),)
            for host in hosts:
                self._signaling.append(Signaling(host, self._context.measures))
        except (SipTargetError, OSError) as error:
            raise FleetError(f"SIP at {target.sip!r}: {error}") from error
        speech = recorded_speech()
        loudness = speech_loudness(speech)
        self._voices = {
            codec: Voice(codec, CodedSpeech.of(speech, codec), loudness) for codec in Codec
        }
        self._audible = audible_frames(loudness)
        self._lengths, self._answers = speech.lengths, speech.answers
        self._kernel_clock = KernelClock()
        self._adjusting = asyncio.create_task(_keep_adjusted(self._kernel_clock))

    async def call(self, plan: CallPlan, profile: CallerProfile) -> None:
        call = self._call(plan, profile, self._context.clock.planned(plan))
        await counted(call, plan.number, self._context.measures)

    async def close(self) -> None:
        self._adjusting.cancel()
        for each in self._signaling:
            each.close()

    async def _call(self, plan: CallPlan, profile: CallerProfile, planned: float) -> None:
        ends_at = planned + plan.length_s
        signaling = self._signaling[plan.number % len(self._signaling)]
        host, _port = signaling.address
        media = MediaSocket(self._kernel_clock, host, ipv6=":" in host)
        try:
            begun = time.monotonic()
            call = self._dial(signaling, (host, media.port))
            try:
                answer = await _agreed(call)
                self._note_set_up(begun, planned)
                with up(self._context.measures, ends_at):
                    await self._talk(call, media, answer, plan, profile, ends_at)
            finally:
                await call.hang_up()
        finally:
            media.close()

    def _dial(self, signaling: Signaling, media: Address) -> SignaledCall:
        target = self._context.target
        user = target.sip_user or DEFAULT_USER
        credentials = Credentials(user, target.sip_password) if target.sip_password else None
        sdp = offer(media, secrets.randbits(31))
        return signaling.call(self._target.number, self._server, user, credentials, sdp)

    def _note_set_up(self, begun: float, planned: float) -> None:
        now, measures = time.monotonic(), self._context.measures
        measures.note(Latency.SET_UP_SIGNALING, now - begun)
        measures.note(Latency.SET_UP, now - planned)

    async def _talk(
        self,
        call: SignaledCall,
        media: MediaSocket,
        answer: Answer,
        plan: CallPlan,
        profile: CallerProfile,
        until: float,
    ) -> None:
        """Until then, or until the other side hangs up. Raises FailedCallError."""
        chance = random.Random(plan.seed)  # noqa: S311 - repeatable, and no secret
        caller = self._caller(answer.codec, profile, chance)
        line = MediaLine(
            media, answer.address, caller, self._context.measures, profile.network, chance
        )
        talking = asyncio.create_task(line.talk(until))
        ended = asyncio.create_task(call.ended())
        try:
            await asyncio.wait((talking, ended), return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                raise ended.result()
            talking.result()
        finally:
            talking.cancel()
            ended.cancel()
            await asyncio.gather(talking, ended, return_exceptions=True)
            audible = caller.close(time.monotonic())
        if not audible:
            raise FailedCallError(Failure.NO_MEDIA, "nothing was answered")

    def _caller(self, codec: Codec, profile: CallerProfile, chance: random.Random) -> Caller:
        measures, talk = self._context.measures, profile.talk
        scenario, clock = self._context.scenario, self._context.clock
        echo = talk.expect is Expect.ECHO
        return Caller(
            self._voices[codec],
            self._conversation(talk, chance),
            TurnJudge(talk, self._answers, measures),
            SilenceWatch(talk),
            measures,
            chance,
            gaps=FaultGaps(scenario.faults, clock, measures) if echo else None,
            without_pause=echo and not profile.network.loss,
            on_schedule_s=scenario.on_schedule_ms / 1000,
            clock_offset_s=self._kernel_clock.offset_s,
        )

    def _conversation(self, talk: Talk, chance: random.Random) -> Conversation:
        return Conversation(
            talk,
            self._lengths,
            chance,
            self._context.measures,
            starts_at=time.monotonic(),
            audible=self._audible,
        )

    def _check_scenario(self) -> None:
        for profile in self._context.scenario.callers:
            network = profile.network
            if profile.kind is Kind.SIP and (network.rebind_seconds or network.move_seconds):
                raise FleetError("callers by SIP neither rebind nor move: telephones stay")


async def _agreed(call: SignaledCall) -> Answer:
    """Raises FailedCallError."""
    try:
        return parse_answer(await call.answered())
    except SdpError as error:
        raise FailedCallError(Failure.BAD_ANSWER, str(error)) from error


async def _resolved(target: SipTarget) -> Address:
    """Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_DGRAM)
    host, port = found[0][4][:2]
    return str(host), int(port)


async def _keep_adjusted(clock: KernelClock) -> None:
    while True:
        await asyncio.sleep(ADJUST_S)
        clock.adjust()
