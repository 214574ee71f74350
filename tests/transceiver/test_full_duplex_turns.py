"""A full-duplex agent's turns: it decides whether it yields, and may speak unasked."""

import pytest

from antiphon_proto import trunk as engine
from tests.transceiver.conversation_driver import RATE, Driver

NO_ANSWERS = {
    "audio": {"input": {"turn_detection": {"type": "server_vad", "create_response": False}}}
}
NO_DETECTION = {"audio": {"input": {"turn_detection": None}}}


def full_duplex(session: dict[str, object] | None = None) -> Driver:
    driver = Driver(session)
    driver.engine(engine.Ready("native", RATE, RATE, full_duplex=True))
    return driver


def test_an_agent_that_is_spoken_over_is_not_cut() -> None:
    driver = full_duplex()
    driver.user_turn()
    driver.speech(1, 1000)
    driver.play(500)
    mark = driver.mark()
    driver.engine(engine.SpeechStarted(driver.position_ms))
    driver.play(400)
    driver.speech(1, 200)
    assert driver.types(mark) == ["input_audio_buffer.speech_started"]
    assert driver.sent(engine.Cancel) == []


def test_an_agent_that_proposes_to_speak_is_let() -> None:
    driver = full_duplex()
    driver.engine(engine.ResponseProposed())
    assert [respond.response for respond in driver.sent(engine.Respond)] == [1]
    assert driver.sent(engine.Commit) == []
    driver.engine(engine.TextDelta(1, "Hello?"))
    driver.speech(1, 400)
    driver.engine(engine.Done(1, engine.DoneStatus.COMPLETED))
    driver.play(600)
    driver.rules.settle()
    done = driver.last("response.done")["response"]
    assert done["output"][0]["content"] == [{"type": "output_audio", "transcript": "Hello?"}]


def test_an_agent_that_answers_needs_no_second_response() -> None:
    driver = full_duplex()
    driver.user_turn()
    driver.engine(engine.ResponseProposed())
    driver.engine(engine.Done(1, engine.DoneStatus.COMPLETED))
    assert [respond.response for respond in driver.sent(engine.Respond)] == [1]


@pytest.mark.parametrize("session", [NO_ANSWERS, NO_DETECTION])
def test_a_client_that_asks_for_responses_itself_gets_no_others(session: dict[str, object]) -> None:
    driver = full_duplex(session)
    driver.engine(engine.ResponseProposed())
    assert driver.sent(engine.Respond) == []
