"""A call that OpenAI's client for Python places for a WebRTC peer, and ends."""

import asyncio
from collections.abc import Mapping

from openai import AsyncOpenAI

from antiphon.realtime_call import RealtimeCall
from tests.e2e.running_deployment import RunningDeployment
from tests.e2e.speech import Speaker

QUESTION = "what time is it"
PATIENCE_S = 20.0
SESSION = {
    "type": "realtime",
    "audio": {"input": {"transcription": {"model": "gpt-4o-mini-transcribe"}}},
}


class SdkCall(RealtimeCall):
    async def _post(self, url: str, api_key: str, offer: str, session: Mapping[str, object]) -> str:
        self.sdk = AsyncOpenAI(base_url=url.removesuffix("/realtime/calls"), api_key=api_key)
        answer = await self.sdk.realtime.calls.create(sdp=offer, session=session)
        self.call_id = answer.response.headers["Location"].rpartition("/")[2]
        return answer.text


async def test_a_call_is_placed_and_hung_up(
    deployment: RunningDeployment, speaker: Speaker
) -> None:
    async with SdkCall() as call:
        await call.place(deployment.url, deployment.api_key, SESSION)
        assert call.call_id.startswith("rtc_")
        call.microphone.say(speaker.say(QUESTION))
        asked = await call.event(
            "conversation.item.input_audio_transcription.completed", timeout_s=PATIENCE_S
        )
        assert asked.event["transcript"] == QUESTION
        done = await call.event("response.done", timeout_s=PATIENCE_S)
        assert done.event["response"]["status"] == "completed"

        await call.sdk.realtime.calls.hangup(call.call_id)
        async with asyncio.timeout(PATIENCE_S):
            while call._channel.readyState != "closed":
                await asyncio.sleep(0.05)
