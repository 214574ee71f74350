"""What was heard and not committed, where the session stops detecting turns."""

import asyncio

import pytest

from antiphon_proto.trunk import SpeechDismissed, SpeechStopped, TurnEnded
from inference.engine_output import EngineOutput
from inference.engines.cascade.engine import CascadeEngine
from tests.inference.engines.cascade.caller import MANUAL, Caller
from tests.inference.engines.cascade.scripted_brain import ScriptedBrain
from tests.inference.user_voice import UserVoice

pytestmark = pytest.mark.asyncio(loop_scope="session")


class _SwitchingCaller(Caller):
    """Commits no turns, and wants none reported any more once it has stopped to speak."""

    def _take(self, output: EngineOutput) -> None:
        self.outputs.append(output)
        self._changed.set()
        if isinstance(output, SpeechStopped):
            asyncio.get_running_loop().call_soon(self.session.update, MANUAL)


async def test_a_turn_that_was_reported_is_in_the_next_commit(
    cascade: CascadeEngine, user: UserVoice
) -> None:
    caller = _SwitchingCaller(cascade)
    await caller.speak(user.say("spell cat"))
    await caller.until(lambda: caller.all(TurnEnded))
    await caller.speak(user.say("goodbye"))
    caller.commit()
    assert (await caller.transcript()).text == "spell cat goodbye"


async def test_speech_without_a_verdict_is_in_the_next_commit(
    cascade: CascadeEngine, brain: ScriptedBrain, user: UserVoice
) -> None:
    brain.script = ["One moment, ", "please. ", 60.0]
    caller = _SwitchingCaller(cascade)
    caller.respond()
    await caller.until(lambda: caller.audio())
    await caller.speak(user.say("okay"))
    await caller.until(lambda: caller.all(SpeechStopped))
    await caller.speak(user.say("goodbye"))
    caller.commit()
    assert (await caller.transcript()).text == "okay goodbye"
    assert caller.all(SpeechDismissed) == []
    caller.session.close("test")
