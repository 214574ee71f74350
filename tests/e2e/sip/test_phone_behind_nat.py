"""A phone whose SDP names an address that nobody can reach hears its answer all the same."""

from pathlib import Path

import numpy as np
import pytest

from tests.e2e.running_deployment import wait_until
from tests.e2e.sip.baresip import Account, baresip, needs_baresip
from tests.e2e.sip.peer_process import HOST
from tests.e2e.sip.private_network import needs_private_network, private_network
from tests.e2e.sip.recordings import ANSWER, QUESTION, same_words
from tests.e2e.sip.sip_deployment import PHONE_PORTS, SipDeployment
from tests.e2e.speech import Speaker, silence

pytestmark = [needs_baresip, needs_private_network]


@pytest.mark.parametrize("media_encryption", ["", "srtp-mand"])
async def test_a_phone_behind_a_nat_calls_and_is_called(
    sip: SipDeployment, speaker: Speaker, tmp_path: Path, media_encryption: str
) -> None:
    phone_account = Account(
        media_encryption=media_encryption,
        answers=True,
        registrar=sip.address,
    )
    microphone = np.concatenate([silence(1.0), speaker.say(QUESTION)])
    async with (
        private_network(HOST) as network,
        baresip(tmp_path, phone_account, microphone, network) as phone,
    ):
        await phone.registered()
        phone.dial(sip.uri("behind"))
        incoming = await sip.application.incoming("behind")
        async with sip.application.taken(incoming) as sideband:
            assert await sideband.question() == QUESTION
            assert await sideband.answered() == ANSWER
            assert sip.free_phone_ports() == PHONE_PORTS - 1
            called_out = await phone.hang_up()
        heard = [called_out]
        if not media_encryption:  # which offers to phones have none of
            call_id = await sip.application.place({"to": "alice"})
            async with sip.application.beside(call_id) as sideband:
                assert await sideband.answered() == ANSWER
                heard.append(await phone.hang_up())
    wait_until(lambda: sip.free_phone_ports() == PHONE_PORTS, "the ports' return")
    said = await sip.application.spoken(QUESTION)
    assert all(same_words(said, each) for each in heard)
