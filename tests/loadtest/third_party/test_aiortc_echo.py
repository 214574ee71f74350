"""Stock aiortc behind the Realtime API's POST, called by stock aiortc."""

import aiohttp
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack

from loadtest.deployment.deployment import DeploymentError
from loadtest.scenario.scenario import Fault, FaultAction
from loadtest.third_party.aiortc_deployment import AiortcDeployment

pytestmark = pytest.mark.e2e


async def test_it_answers_an_offer_and_plays_back_what_it_hears() -> None:
    deployment = AiortcDeployment()
    try:
        await deployment.start()
        caller = RTCPeerConnection()
        transceiver = caller.addTransceiver(AudioStreamTrack(), direction="sendrecv")
        await caller.setLocalDescription(await caller.createOffer())
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"{deployment.target.http}/v1/realtime/calls",
                data=caller.localDescription.sdp,
                headers={"Content-Type": "application/sdp"},
            ) as response,
        ):
            assert response.status == 201
            answer = await response.text()
        await caller.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        frame = await transceiver.receiver.track.recv()
        assert frame.samples > 0
        assert set(deployment.use().memory) == {"aiortc"}
        with pytest.raises(DeploymentError):
            await deployment.carry_out(Fault(at_seconds=0, action=FaultAction.PAUSE, tier="aiortc"))
        await caller.close()
    finally:
        await deployment.stop()
