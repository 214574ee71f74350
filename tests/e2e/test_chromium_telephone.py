"""Chromium as a client without Opus: what it says in G.711 comes back from the echo in G.711."""

import re
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.browser import CHROMIUM, LEAD_IN_S, browser_call
from tests.e2e.bursts import ONSETS_S, rhythm
from tests.e2e.running_deployment import RunningDeployment
from tests.e2e.speech import silence

pytestmark = [
    pytest.mark.calm,
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: Debian's package of that name"),
]

ONLY_G711 = """
const { addTrack } = RTCPeerConnection.prototype;
RTCPeerConnection.prototype.addTrack = function (...media) {
  const sender = addTrack.apply(this, media);
  const { codecs } = RTCRtpReceiver.getCapabilities("audio");
  this.getTransceivers().find((each) => each.sender === sender).setCodecPreferences(
    codecs.filter(({ mimeType }) => /PCMA|PCMU|CN/.test(mimeType)));
  return sender;
};
"""


async def test_what_is_said_in_g711_comes_back_in_it(
    deployment: RunningDeployment, tmp_path: Path
) -> None:
    microphone = np.concatenate([silence(LEAD_IN_S), rhythm()])
    async with browser_call(
        deployment, microphone, tmp_path, model="echo", script=ONLY_G711
    ) as call:
        await call.onsets(len(ONSETS_S))
        answer = await call.page.evaluate("observed.peer.remoteDescription.sdp")
    assert re.findall(r"a=rtpmap:\d+ (\S+)", answer) == ["PCMU/8000", "CN/8000"]
