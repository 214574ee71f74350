"""Who hears which events of a conversation that several take part in."""

from typing import Any

import msgspec

from antiphon_proto import trunk as engine
from tests.transceiver.conversation_driver import Driver
from transceiver.conversation_outputs import CLIENT, EVERYONE, SIDEBANDS, Output, SendEvent

SIDEBAND, OTHER = 1, 2


def told(outputs: list[Output]) -> list[tuple[int, str]]:
    """To whom which types of events go."""
    sent = [
        (out.to, msgspec.to_builtins(out.event)) for out in outputs if isinstance(out, SendEvent)
    ]
    return [(to, event["type"]) for to, event in sent]


def asked(driver: Driver, asker: int, type_: str, **members: Any) -> list[tuple[int, str]]:
    event = msgspec.json.encode({"type": type_, **members})
    return told(driver.conversation.client_event(event, driver.now, asker))


def joined(driver: Driver, number: int = SIDEBAND) -> list[tuple[int, str]]:
    return told(driver.conversation.sideband_joined(number))


def test_a_sideband_is_greeted_alone() -> None:
    driver = Driver()
    assert joined(driver) == [(SIDEBAND, "session.created")]
    assert joined(driver, OTHER) == [(OTHER, "session.created")]


def test_what_happens_is_told_to_everyone() -> None:
    driver = Driver()
    joined(driver)
    update = {"type": "realtime", "instructions": "Be brief."}
    assert asked(driver, SIDEBAND, "session.update", session=update) == [
        (EVERYONE, "session.updated")
    ]
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi."}]}
    assert asked(driver, CLIENT, "conversation.item.create", item=item) == [
        (EVERYONE, "conversation.item.added"),
        (EVERYONE, "conversation.item.done"),
    ]
    created = asked(driver, SIDEBAND, "response.create")
    assert {to for to, _type in created} == {EVERYONE}
    assert "response.created" in [type_ for _to, type_ in created]


def test_who_asked_is_answered_alone() -> None:
    driver = Driver()
    joined(driver)
    for asker in SIDEBAND, OTHER, CLIENT, SIDEBAND:
        assert asked(driver, asker, "response.cancel") == [(asker, "error")]
        assert asked(driver, asker, "no.such.event") == [(asker, "error")]
    item = {"id": "mine", "type": "message", "role": "user", "content": []}
    asked(driver, CLIENT, "conversation.item.create", item=item)
    retrieved = asked(driver, SIDEBAND, "conversation.item.retrieve", item_id="mine")
    assert retrieved == [(SIDEBAND, "conversation.item.retrieved")]


def test_a_sidebands_error_names_its_event() -> None:
    driver = Driver()
    text = b'{"type": "response.cancel", "event_id": "mine"}'
    [refused] = driver.conversation.client_event(text, driver.now, SIDEBAND)
    assert isinstance(refused, SendEvent)
    encoded = msgspec.to_builtins(refused.event)
    assert encoded["error"]["event_id"] == "mine"


def test_an_engines_error_is_told_to_everyone() -> None:
    driver = Driver()
    joined(driver)
    asked(driver, SIDEBAND, "response.cancel")
    failed = engine.Error("engine_overloaded", "too slow", fatal=False)
    assert told(driver.conversation.engine_event(failed, driver.now)) == [(EVERYONE, "error")]


def test_a_client_whose_channel_is_not_open_hears_the_same_later() -> None:
    driver = Driver(open_channel=False)
    speech = driver.conversation.engine_event(engine.SpeechStarted(100), driver.now)
    assert told(speech) == []
    joined(driver)
    stopped = driver.conversation.engine_event(engine.SpeechStopped(900), driver.now)
    assert told(stopped) == [(SIDEBANDS, "input_audio_buffer.speech_stopped")]
    assert asked(driver, SIDEBAND, "response.cancel") == [(SIDEBAND, "error")]
    opened = driver.conversation.channel_opened(driver.now)
    assert told(opened) == [
        (CLIENT, "session.created"),
        (CLIENT, "conversation.created"),
        (CLIENT, "input_audio_buffer.speech_started"),
        (CLIENT, "input_audio_buffer.speech_stopped"),
    ]
    [before], after = stopped, opened[-1]
    assert isinstance(before, SendEvent)
    assert isinstance(after, SendEvent)
    assert before.event == after.event
