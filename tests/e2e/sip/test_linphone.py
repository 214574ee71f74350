"""Linphone, with ICE and DTLS-SRTP."""

from pathlib import Path

import numpy as np

from tests.e2e.sip.linphone import linphone, needs_linphone
from tests.e2e.sip.recordings import ANSWER, QUESTION, same_words
from tests.e2e.sip.sip_deployment import SipDeployment, needs_own_address
from tests.e2e.speech import Speaker, silence

pytestmark = [needs_linphone, needs_own_address]


async def test_a_phone_with_ice_and_dtls_asks_and_presses_a_key(
    sip: SipDeployment, speaker: Speaker, tmp_path: Path
) -> None:
    microphone = np.concatenate([silence(1.0), speaker.say(QUESTION), silence(10.0)])
    async with linphone(tmp_path, "dave", sip.address, microphone) as phone:
        phone.dial(sip.uri("linphone"))
        incoming = await sip.application.incoming("linphone")
        assert incoming.data.sip_media_security == "srtp"
        async with sip.application.taken(incoming) as sideband:
            assert await sideband.question() == QUESTION
            assert await sideband.answered() == ANSWER
            phone.press("5")
            pressed = await sideband.event("input_audio_buffer.dtmf_event_received")
            assert pressed.event == "5"
            phone.hang_up()
            await sideband.ended()
    assert same_words(await sip.application.spoken(QUESTION), phone.heard())
