"""What Chromium's packets carry, seen on the path and in what the server makes of them."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from antiphon.wav import Samples
from tests.e2e.browser import CHROMIUM, LEAD_IN_S, BrowserCall, browser_call
from tests.e2e.bursts import ONSETS_S, rhythm
from tests.e2e.nat import Nat
from tests.e2e.running_deployment import RunningDeployment
from tests.e2e.speech import Speaker, silence
from transceiver.rtp.header_extensions import SILENT_LEVEL, audio_level
from transceiver.rtp.packet import RtpPacket

pytestmark = [
    pytest.mark.calm,
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: Debian's package of that name"),
]

AUDIBLE_DB = -45.0

PADDING = 0x20
# As Chromium offers them: tests/vectors/offer_chromium156_audio_dc.sdp.
RED, AUDIO_LEVEL_ID = 63, 1


FRAME_SAMPLES = 960
"""Of 20 ms, as Chromium counts them."""

# https://www.w3.org/TR/webrtc-stats/#inboundrtpstats-dict*
LOSSES = """async () => {
  for (const each of (await observed.peer.getStats()).values()) {
    if (each.type === "inbound-rtp") return [each.packetsLost, each.concealedSamples];
  }
}"""


@dataclass(frozen=True, slots=True)
class Place:
    """A deployment that is reached through a NAT, which sees what passes."""

    nat: Nat
    deployment: RunningDeployment

    def said(self) -> list[RtpPacket]:
        """The client's latest RTP, encrypted as it is."""
        return [RtpPacket.parse(packet) for packet in self.nat.media]

    def heard(self) -> list[RtpPacket]:
        """The agent's."""
        return [RtpPacket.parse(packet) for packet in self.nat.answered_media]

    def count(self, name: str) -> float:
        return self.deployment.metrics("transceiver")[f"antiphon_transceiver_audio_{name}"]


@pytest.fixture
async def place(nat_and_deployment: tuple[Nat, RunningDeployment]) -> AsyncIterator[Place]:
    nat, deployment = nat_and_deployment
    nat.open((deployment.public.host, deployment.public.port))
    yield Place(nat, deployment)
    nat.shut()


def microphone() -> Samples:
    return np.concatenate([silence(LEAD_IN_S), rhythm()])


async def every_burst_came_back(call: BrowserCall) -> None:
    """Raises TimeoutError when they do not."""
    await call.onsets(len(ONSETS_S))


async def test_redundant_audio_heals_both_ways(place: Place, tmp_path: Path) -> None:
    names = ("redundant_packets_total", "lost_packets_total", 'seconds_total{origin="recovered"}')
    talk = np.concatenate([microphone(), rhythm(), rhythm(), rhythm()])
    async with browser_call(place.deployment, talk, tmp_path, model="echo") as call:
        before = [place.count(name) for name in names]
        place.nat.loses_every = 20
        await every_burst_came_back(call)
        await agent_repeats_itself(place)
        await asyncio.sleep(0.5)  # what came before has been played
        missed, made_up = await losses(call)
        await call.page.evaluate("observed.levels.length = 0")
        await call.onsets(2)
        missed, made_up = np.subtract(await losses(call), (missed, made_up))
        assert missed > 0
        assert made_up < 0.5 * missed * FRAME_SAMPLES
        place.nat.loses_every = 0
        await asyncio.sleep(0.5)
        after = [place.count(name) for name in names]
    assert place.nat.lost > 5
    assert list(np.subtract(after, before)) == [place.nat.lost, 0, 0]
    assert {packet.payload_type for packet in place.said()} == {RED}
    # docs/decisions/0022-feedback-or-redundancy.md
    assert not any(packet[0] & PADDING for packet in place.nat.media)


async def losses(call: BrowserCall) -> tuple[int, int]:
    """The agent's packets that did not reach Chromium, and samples that it made up."""
    missed, made_up = await call.page.evaluate(LOSSES)
    return missed, made_up


async def agent_repeats_itself(place: Place) -> None:
    """Wait for it to be told of losses; Chromium reports every 5 s."""
    async with asyncio.timeout(20):
        while place.heard()[-1].payload_type != RED:
            await asyncio.sleep(0.1)


async def test_packets_tell_their_level_and_a_muted_microphone_says_nothing(
    place: Place, speaker: Speaker, tmp_path: Path
) -> None:
    speech = np.concatenate([speaker.say("what can you do")] * 6)
    async with browser_call(place.deployment, speech, tmp_path, model="echo") as call:
        await asyncio.sleep(1.5)
        assert min(levels(place.said())) < 40
        await call.page.get_by_test_id("mute").click()
        await asyncio.sleep(0.5)
        place.nat.media.clear()
        silent = place.count("silent_packets_total")
        await asyncio.sleep(1.0)
        assert set(levels(place.said())) == {SILENT_LEVEL}
        assert place.count("silent_packets_total") - silent >= 25


def levels(packets: list[RtpPacket]) -> list[int]:
    """In -dBov; every packet tells its own."""
    told = [audio_level(packet.extension, AUDIO_LEVEL_ID) for packet in packets]
    assert None not in told
    return [each.level for each in told if each is not None]


STEREO_AND_LONG_PACKETS = """
{
  const { createOffer, setRemoteDescription } = RTCPeerConnection.prototype;
  const changed = ({ type, sdp }) => ({
    type,
    sdp: sdp.replace(/useinbandfec=1/, "$&;stereo=1;sprop-stereo=1")
            .replace(/(a=ptime:\\d+\\r\\n)|(?=a=rtcp-mux\\r\\n)/, "a=ptime:60\\r\\n"),
  });
  RTCPeerConnection.prototype.createOffer = async function () {
    return changed(await createOffer.call(this));
  };
  RTCPeerConnection.prototype.setRemoteDescription = function (answer) {
    return setRemoteDescription.call(this, changed(answer));
  };
}
"""


async def test_stereo_and_packets_of_60_ms_come_back_too(place: Place, tmp_path: Path) -> None:
    async with browser_call(
        place.deployment, microphone(), tmp_path, model="echo", script=STEREO_AND_LONG_PACKETS
    ) as call:
        await every_burst_came_back(call)
    for packets in (place.said(), place.heard()):
        steps = np.diff([packet.timestamp for packet in packets])
        assert np.median(steps) == 0.060 * 48000


RESTART_ICE = """async ([resource, key]) => {
  const { peer } = observed;
  peer.restartIce();
  const offer = await peer.createOffer();
  await peer.setLocalDescription(offer);
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/sdp" };
  const response = await fetch(resource, { method: "POST", headers, body: offer.sdp });
  await peer.setRemoteDescription({ type: "answer", sdp: await response.text() });
  return /a=ice-ufrag:(\\S+)/.exec(offer.sdp)[1];
}"""


UFRAG_IN_USE = """
observed.peer.sctp.transport.iceTransport.getSelectedCandidatePair().local.usernameFragment
"""


async def test_a_call_goes_on_over_an_ice_restart(
    deployment: RunningDeployment, tmp_path: Path
) -> None:
    async with browser_call(deployment, microphone(), tmp_path, model="echo") as call:
        await asyncio.sleep(LEAD_IN_S)
        call_id = await call.page.get_by_test_id("call-id").inner_text()
        resource = f"/v1/realtime/calls/{call_id}"
        ufrag = await call.page.evaluate(RESTART_ICE, [resource, deployment.api_key])
        await every_burst_came_back(call)
        assert await call.page.evaluate(UFRAG_IN_USE) == ufrag


WITHOUT_A_MICROPHONE = """
RTCPeerConnection.prototype.addTrack = function () {
  return this.addTransceiver("audio", { direction: "recvonly" });
};
"""


async def test_a_client_that_only_listens_hears_the_agent(
    deployment: RunningDeployment, tmp_path: Path
) -> None:
    async with browser_call(
        deployment, silence(1.0), tmp_path, script=WITHOUT_A_MICROPHONE
    ) as call:
        answer = await call.page.evaluate("observed.peer.remoteDescription.sdp")
        assert re.findall("a=(sendrecv|sendonly|recvonly|inactive)", answer) == ["sendonly"]
        await call.send({"type": "response.create", "response": {}})
        await call.wait_for_event("output_audio_buffer.stopped", timeout_s=20)
        _times, levels = await call.levels()
        assert levels.max() > AUDIBLE_DB
