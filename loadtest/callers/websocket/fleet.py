"""All WebSocket callers of a process."""

import asyncio
import random
import ssl
import time
from collections.abc import Mapping

import aiohttp

from loadtest.callers.failed_call import FailedCallError
from loadtest.callers.fleet import FleetContext, FleetError
from loadtest.callers.silence_watch import SilenceWatch
from loadtest.callers.speech import recorded_speech
from loadtest.callers.speech_loudness import audible_frames, speech_loudness
from loadtest.callers.talk import Conversation
from loadtest.callers.turn_judge import TurnJudge
from loadtest.callers.websocket.append_events import EncodedSpeech
from loadtest.callers.websocket.call import converse
from loadtest.callers.websocket.caller import Caller, Voice
from loadtest.callers.websocket.connection import Connection
from loadtest.callers.websocket.playout import Playout
from loadtest.measures.names import Count, Failure, Latency
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
        loudness = speech_loudness(speech)
        self._voice = Voice(EncodedSpeech.of(speech), loudness)
        self._audible = audible_frames(loudness)
        self._lengths = [len(each.packets) for each in speech.utterances]
        self._patterns = [each.answer for each in speech.utterances]
        trusted = self._trusted()
        for address in self._context.addresses or ("",):
            self._sessions.append(self._session(address, trusted))

    async def call(self, plan: CallPlan, profile: CallerProfile) -> None:
        measures, clock = self._context.measures, self._context.clock
        try:
            await self._call(plan, profile, clock.planned(plan))
        except FailedCallError as failed:
            measures.failed(plan.number, failed.reason, failed.detail)
        except Exception as defect:  # noqa: BLE001 - the run goes on, and its report tells
            measures.failed(plan.number, Failure.CALLER_DEFECT, repr(defect))
        else:
            measures.count(Count.CALLS_ENDED)

    async def close(self) -> None:
        await asyncio.gather(*(each.close() for each in self._sessions))

    async def _call(self, plan: CallPlan, profile: CallerProfile, planned: float) -> None:
        measures = self._context.measures
        begun = time.monotonic()
        http = self._sessions[plan.number % len(self._sessions)]
        connection = await Connection.open(http, self._parameters(), measures)
        now = time.monotonic()
        measures.note(Latency.SET_UP_SIGNALING, now - begun)
        measures.note(Latency.SET_UP, now - planned)
        measures.opened()
        caller = self._caller(plan, profile, now)
        try:
            await converse(connection, caller, measures, until=planned + plan.length_s)
        except asyncio.CancelledError:
            if time.monotonic() < planned + plan.length_s:
                measures.count(Count.CALLS_ENDED)  # Who cancels it wants it hung up.
            raise
        finally:
            measures.closed()
            await connection.close()

    def _caller(self, plan: CallPlan, profile: CallerProfile, now: float) -> Caller:
        measures, talk = self._context.measures, profile.talk
        chance = random.Random(plan.seed)  # noqa: S311 - repeatable, and no secret
        conversation = Conversation(talk, self._lengths, chance, measures, starts_at=now)
        on_schedule_s = self._context.scenario.on_schedule_ms / 1000
        return Caller(
            self._voice,
            conversation,
            TurnJudge(talk, self._patterns, measures),
            Playout(measures, on_schedule_s=on_schedule_s),
            SilenceWatch(talk),
            measures,
            compares=talk.expect is Expect.ECHO,
        )

    def _parameters(self) -> Mapping[str, str]:
        model = self._context.target.model
        return {"model": model} if model else {}

    def _session(self, address: str, trusted: ssl.SSLContext | bool) -> aiohttp.ClientSession:
        key = self._context.target.api_key
        return aiohttp.ClientSession(
            self._context.target.http,
            connector=aiohttp.TCPConnector(
                limit=0, ssl=trusted, local_addr=(address, 0) if address else None
            ),
            headers={"Authorization": f"Bearer {key}"} if key else {},
        )

    def _trusted(self) -> ssl.SSLContext | bool:
        authority = self._context.target.certificate_authority
        try:
            return ssl.create_default_context(cafile=authority) if authority else True
        except OSError as error:
            raise FleetError(f"--certificate-authority {authority}: {error}") from error

    def _check_scenario(self) -> None:
        http = self._context.target.http
        if not http.startswith(("http://", "https://")):
            raise FleetError(f"callers by WebSocket need an http: or https: URL, not {http!r}")
        for profile in self._context.scenario.callers:
            if profile.kind is Kind.WEBSOCKET and profile.network != Network():
                raise FleetError("callers by WebSocket have no network of their own: it is TCP")
