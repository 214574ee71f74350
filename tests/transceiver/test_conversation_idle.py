"""The agent speaks again where nobody has for as long as the client allows."""

from antiphon_proto import trunk as engine
from tests.transceiver.conversation_driver import FRAME_MS, Driver
from transceiver.transport import Transport

IDLE = {"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000}}}}
TRIGGERED = "input_audio_buffer.timeout_triggered"


def wait(driver: Driver, milliseconds: int) -> None:
    """The client sends silence."""
    for _ in range(milliseconds // 100):
        driver.input(100 // FRAME_MS * FRAME_MS)
        driver.act(driver.conversation.tick(driver.now))


def answer(driver: Driver, response: int = 1, milliseconds: int = 400) -> None:
    """The agent is heard to its end."""
    driver.speech(response, milliseconds)
    driver.engine(engine.Done(response, engine.DoneStatus.COMPLETED))
    driver.play(milliseconds + 100)
    driver.act(driver.conversation.tick(driver.now))


def test_a_silence_becomes_an_item_that_is_answered() -> None:
    driver = Driver(IDLE)
    driver.user_turn()
    answer(driver)
    mark, before = driver.mark(), driver.position_ms
    wait(driver, 4900)
    assert driver.types(mark) == []
    wait(driver, 200)
    assert driver.types(mark) == [
        TRIGGERED,
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        *driver.types(mark)[5:],
    ]
    triggered = driver.last(TRIGGERED)
    assert triggered["item_id"] == driver.last("input_audio_buffer.committed")["item_id"]
    assert triggered["audio_start_ms"] == before
    assert abs(triggered["audio_end_ms"] - before - 5000) <= 100
    assert driver.sent(engine.Commit)[-1] == engine.Commit(triggered["item_id"])
    assert driver.sent(engine.Respond)[-1].response == 2


def test_it_happens_again_behind_the_next_answer_only() -> None:
    driver = Driver(IDLE)
    wait(driver, 6000)
    driver.user_turn()
    answer(driver)
    wait(driver, 6000)
    answer(driver, 2)
    wait(driver, 6000)
    assert [event["type"] for event in driver.events].count(TRIGGERED) == 2


def test_speech_in_the_silence_keeps_its_id_and_begins_it_anew() -> None:
    driver = Driver(IDLE)
    driver.user_turn()
    answer(driver)
    wait(driver, 4000)
    driver.engine(engine.SpeechStarted(driver.position_ms))
    wait(driver, 4000)
    mark = driver.mark()
    driver.engine(engine.SpeechStopped(driver.position_ms), engine.TurnEnded(driver.position_ms))
    assert TRIGGERED not in driver.types()
    assert "response.created" in driver.types(mark)


def test_what_a_client_plays_is_not_silence() -> None:
    driver = Driver(IDLE, transport=Transport.WEBSOCKET)
    driver.user_turn()
    driver.speech(1, 3000)
    driver.engine(engine.Done(1, engine.DoneStatus.COMPLETED))
    mark = driver.mark()
    wait(driver, 7800)
    assert driver.types(mark) == []
    wait(driver, 400)
    assert driver.types(mark)[0] == TRIGGERED


def test_a_full_duplex_agent_hears_the_silence_itself() -> None:
    driver = Driver(IDLE)
    driver.engine(engine.Ready("native", 24000, 24000, full_duplex=True))
    driver.user_turn()
    answer(driver)
    wait(driver, 8000)
    assert TRIGGERED not in driver.types()
