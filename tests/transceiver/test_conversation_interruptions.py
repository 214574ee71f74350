"""Engines that judge interruptions: an answer is held until it is known what speech means."""

from antiphon_proto import trunk as engine
from tests.transceiver.conversation_driver import Driver
from transceiver.audio.playout import MAX_HOLD_S
from transceiver.transport import Transport

SAID = "One, two, three, four, five."
WORDS = (engine.WordEnd(4, 200), engine.WordEnd(9, 450), engine.WordEnd(16, 800))


def answering(transport: Transport = Transport.WEBRTC, **detection: object) -> Driver:
    """500 of 2000 ms of an answer were heard, in its third word, and more is being made."""
    session = {"audio": {"input": {"turn_detection": {"type": "server_vad", **detection}}}}
    driver = Driver(session, transport=transport, judges=True)
    driver.user_turn()
    driver.engine(engine.TextDelta(1, SAID), engine.WordsSpoken(1, WORDS))
    driver.speech(1, 2000)
    driver.play(500)
    return driver


def transcript(driver: Driver) -> str:
    item_id = driver.sent(engine.Respond)[0].item_id
    text: str = driver.item(item_id)["content"][0]["transcript"]
    return text


def test_a_cough_is_silence_and_then_the_answer_goes_on() -> None:
    driver = answering()
    mark = driver.mark()
    driver.engine(engine.SpeechStarted(3000))
    assert driver.types(mark) == ["input_audio_buffer.speech_started"]
    driver.play(600)
    assert driver.playout.played_ms(1) == 500

    driver.engine(engine.SpeechStopped(3600), engine.SpeechDismissed(3600))
    assert driver.types(mark) == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
    ]
    driver.play(20)
    assert driver.playout.played_ms(1) == 450 + 20
    driver.engine(engine.Done(1, engine.DoneStatus.COMPLETED))
    driver.play(2000)
    assert driver.playout.played_ms(1) == 2000
    assert driver.types(mark)[-2:] == ["response.done", "output_audio_buffer.stopped"]
    assert driver.sent(engine.Cancel) == []
    assert len(driver.sent(engine.Commit)) == 1
    assert transcript(driver) == SAID


def test_an_answer_without_word_times_starts_again_a_little_earlier() -> None:
    driver = Driver(judges=True)
    driver.user_turn()
    driver.speech(1, 2000)
    driver.play(500)
    driver.engine(engine.SpeechStarted(3000), engine.SpeechDismissed(3600))
    assert driver.playout.played_ms(1) == 300


def test_words_take_the_floor() -> None:
    driver = answering()
    mark = driver.mark()
    driver.engine(engine.SpeechStarted(3000))
    driver.play(400)
    driver.engine(engine.FloorTaken())
    assert "input_audio_buffer.speech_stopped" not in driver.types(mark)
    assert driver.types(mark)[:2] == [
        "input_audio_buffer.speech_started",
        "output_audio_buffer.cleared",
    ]
    assert driver.sent(engine.Cancel, mark) == [engine.Cancel(1, 500)]
    assert driver.last("conversation.item.truncated")["audio_end_ms"] == 500
    assert transcript(driver) == "One, two,"

    driver.input(200)
    driver.engine(engine.SpeechStopped(3600), engine.TurnEnded(3400))
    assert len(driver.sent(engine.Respond, mark)) == 1
    driver.speech(2, 100)
    driver.play(100)
    assert driver.playout.played_ms(2) == 100


def test_a_turn_that_ends_undecided_interrupts_before_it_is_committed() -> None:
    driver = answering()
    mark = driver.mark()
    driver.engine(engine.SpeechStarted(3000))
    driver.input(300)
    driver.engine(engine.SpeechStopped(3600), engine.TurnEnded(3400))
    types = driver.types(mark)
    assert types.index("output_audio_buffer.cleared") < types.index("response.done")
    assert types.index("response.done") < types.index("input_audio_buffer.committed")
    assert types[-1] == "response.created"
    assert len(driver.sent(engine.Commit, mark)) == 1


def test_speech_that_was_dismissed_is_no_part_of_the_next_turn() -> None:
    driver = answering()
    driver.engine(engine.SpeechStarted(3000))
    dismissed = driver.last("input_audio_buffer.speech_started")["item_id"]
    driver.input(300)
    driver.engine(engine.InputTranscript("", "mm-hm", final=False))
    driver.engine(engine.SpeechStopped(3600), engine.SpeechDismissed(3600))

    driver.engine(engine.SpeechStarted(9000), engine.FloorTaken())
    started = driver.last("input_audio_buffer.speech_started")
    assert started == {**started, "item_id": dismissed, "audio_start_ms": 9000}
    driver.input(300)
    driver.engine(engine.SpeechStopped(9500), engine.TurnEnded(9300))
    assert driver.last("input_audio_buffer.committed")["item_id"] == dismissed


def test_an_answer_that_has_no_sound_yet_is_held_too() -> None:
    driver = Driver(judges=True)
    driver.user_turn()
    driver.engine(engine.SpeechStarted(3000))
    driver.speech(1, 200)
    driver.engine(engine.Done(1, engine.DoneStatus.COMPLETED))
    driver.play(400)
    assert driver.playout.played_ms(1) == 0
    assert "response.done" not in driver.types()

    driver.engine(engine.SpeechDismissed(3400))
    driver.play(400)
    assert driver.playout.played_ms(1) == 200
    assert driver.types()[-1] == "output_audio_buffer.stopped"


def test_an_answer_that_is_generated_to_its_end_while_held_stops_playing_later() -> None:
    driver = answering()
    driver.engine(engine.SpeechStarted(3000), engine.Done(1, engine.DoneStatus.COMPLETED))
    driver.play(3000)
    assert driver.types()[-1] == "response.done"
    driver.engine(engine.SpeechDismissed(6000))
    driver.play(2000)
    assert driver.types()[-1] == "output_audio_buffer.stopped"


def test_the_client_interrupts_what_is_held() -> None:
    driver = answering()
    driver.engine(engine.SpeechStarted(3000))
    driver.client("response.cancel")
    driver.client("output_audio_buffer.clear")
    assert driver.playout.buffered_ms == 0
    mark = driver.mark()
    driver.engine(engine.SpeechDismissed(3400))
    assert driver.types(mark) == ["input_audio_buffer.speech_stopped"]

    driver.client("response.create")
    driver.speech(2, 100)
    driver.play(100)
    assert driver.playout.played_ms(2) == 100


def test_an_answer_asked_for_while_another_is_held_waits_for_the_verdict() -> None:
    driver = answering()
    driver.engine(engine.SpeechStarted(3000))
    driver.client("response.cancel")
    driver.client("response.create")
    driver.speech(2, 100)
    driver.play(200)
    assert driver.playout.played_ms(1) == 500
    driver.engine(engine.SpeechDismissed(3400))
    driver.play(2000)
    assert driver.playout.played_ms(2) == 100


def test_a_client_that_commits_takes_the_floor() -> None:
    driver = answering()
    driver.engine(engine.SpeechStarted(3000))
    driver.input(200)
    mark = driver.mark()
    driver.client("input_audio_buffer.commit")
    assert driver.sent(engine.Cancel, mark) == [engine.Cancel(1, 500)]
    assert driver.types(mark)[0] == "output_audio_buffer.cleared"


def test_what_no_verdict_will_come_for_goes_on() -> None:
    for event in ("input_audio_buffer.clear", "session.update"):
        driver = answering()
        driver.engine(engine.SpeechStarted(3000))
        off = {"audio": {"input": {"turn_detection": None}}}
        driver.client(event, **({"session": off} if event == "session.update" else {}))
        driver.play(200)
        assert driver.playout.played_ms(1) == 650, event


def test_another_engine_takes_over_after_the_speech_that_holds() -> None:
    driver = answering()
    driver.engine(engine.SpeechStarted(3000), engine.SpeechStopped(3400))
    driver.engine(engine.Ready("other", 24000, 24000, False, judges_interruptions=True))
    driver.play(100)
    assert driver.playout.played_ms(1) == 550


def test_without_a_verdict_the_user_has_the_floor_in_the_end() -> None:
    driver = answering()
    driver.engine(engine.SpeechStarted(3000))
    driver.play(int(MAX_HOLD_S * 1000) - 100)
    assert driver.sent(engine.Cancel) == []
    driver.play(200)
    assert driver.sent(engine.Cancel) == [engine.Cancel(1, 500)]
    assert driver.playout.buffered_ms == 0


def test_where_speech_does_not_interrupt_nothing_is_held() -> None:
    driver = answering(interrupt_response=False)
    driver.engine(engine.SpeechStarted(3000))
    driver.play(200)
    driver.engine(engine.FloorTaken())
    driver.play(200)
    assert driver.playout.played_ms(1) == 900
    assert driver.sent(engine.Cancel) == []


def test_where_the_client_plays_it_is_cut_at_once() -> None:
    driver = answering(Transport.WEBSOCKET)
    driver.engine(engine.SpeechStarted(3000))
    assert len(driver.sent(engine.Cancel)) == 1
    assert driver.last("response.done")["response"]["status"] == "cancelled"
