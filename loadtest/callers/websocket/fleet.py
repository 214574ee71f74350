"""All WebSocket callers of a process."""

import asyncio
import random
import time
from collections.abc import Mapping

import aiohttp

from loadtest.callers.call_outcome import counted, up
from loadtest.callers.fleet import FleetContext, FleetError
from loadtest.callers.http_client import http_client
from loadtest.callers.silence_watch import SilenceWatch
from loadtest.callers.speech import recorded_speech
from loadtest.callers.speech_loudness import speech_loudness
from loadtest.callers.talk import Conversation
from loadtest.callers.turn_judge import TurnJudge
from loadtest.callers.websocket.append_events import EncodedSpeech
from loadtest.callers.websocket.call import converse
from loadtest.callers.websocket.caller import Caller, Voice
from loadtest.callers.websocket.connection import Connection
from loadtest.callers.websocket.playout import Playout
from loadtest.measures.names import Latency
from loadtest.scenario.call_plan import CallPlan
from loadtest.scenario.scenario import CallerProfile, Expect, Kind, Network


class WebSocketFleet:
    """See `loadtest.callers.fleet.Fleet`."""

    def __init__(self, context: FleetContext) -> None:
        self._context = context
        self._sessions: list[aiohttp.ClientSession] = []

    async def start(self) -> None:
        self._check_scenario()
        speech = recorded_speech()
        self._voice = Voice(EncodedSpeech.of(speech), speech_loudness(speech))
        self._lengths, self._answers = speech.lengths, speech.answers
        for address in self._context.addresses or ("",):
            self._sessions.append(http_client(self._context.target, address))

    async def call(self, plan: CallPlan, profile: CallerProfile) -> None:
        call = self._call(plan, profile, self._context.clock.planned(plan))
        await counted(call, plan.number, self._context.measures)

    async def close(self) -> None:
        await asyncio.gather(*(each.close() for each in self._sessions))

    async def _call(self, plan: CallPlan, profile: CallerProfile, planned: float) -> None:
        measures, until = self._context.measures, planned + plan.length_s
        begun = time.monotonic()
        http = self._sessions[plan.number % len(self._sessions)]
        connection = await Connection.open(http, self._parameters(), measures)
        now = time.monotonic()
        measures.note(Latency.SET_UP_SIGNALING, now - begun)
        measures.note(Latency.SET_UP, now - planned)
        caller = self._caller(plan, profile, now)
        try:
            with up(measures, until):
                await converse(connection, caller, measures, until=until)
        finally:
            await connection.close()

    def _caller(self, plan: CallPlan, profile: CallerProfile, now: float) -> Caller:
        measures, talk = self._context.measures, profile.talk
        chance = random.Random(plan.seed)  # noqa: S311 - repeatable, and no secret
        conversation = Conversation(talk, self._lengths, chance, measures, starts_at=now)
        on_schedule_s = self._context.scenario.on_schedule_ms / 1000
        return Caller(
            self._voice,
            conversation,
            TurnJudge(talk, self._answers, measures),
            Playout(measures, on_schedule_s=on_schedule_s),
            SilenceWatch(talk),
            measures,
            compares=talk.expect is Expect.ECHO,
        )

    def _parameters(self) -> Mapping[str, str]:
        model = self._context.target.model
        return {"model": model} if model else {}

    def _check_scenario(self) -> None:
        for profile in self._context.scenario.callers:
            if profile.kind is Kind.WEBSOCKET and profile.network != Network():
                raise FleetError("callers by WebSocket have no network of their own: it is TCP")
