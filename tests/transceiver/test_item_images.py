"""Images in users' messages: how they go to the engine, and what is refused."""

from typing import Any

import pytest

from antiphon_proto import trunk as engine
from tests.transceiver.conversation_driver import Driver
from transceiver.client_message import read_message
from transceiver.item_allowance import BURST_BYTES
from transceiver.item_images import MAX_IMAGE_EVENT_BYTES, MAX_TOTAL_BYTES, ItemImages
from transceiver.transport import Transport

PNG = "data:image/png;base64,iVBORw0KGgo="
JPEG = "data:image/jpeg;base64,/9j/4AAQSkY="


def shown(*urls: str, text: str = "What is this?", **members: Any) -> dict[str, Any]:
    images = [{"type": "input_image", "image_url": url} for url in urls]
    content = [{"type": "input_text", "text": text}, *images]
    return {"type": "message", "role": "user", "content": content, **members}


def create(driver: Driver, item: dict[str, Any]) -> None:
    driver.client("conversation.item.create", event_id="mine", item=item)


def test_the_engine_sees_them_and_the_client_keeps_its_own() -> None:
    driver = Driver()
    create(driver, shown(PNG, JPEG, id="item_shown"))
    (created,) = driver.sent(engine.ItemCreate)
    assert created.item == engine.Item("item_shown", engine.Role.USER, "What is this?", (PNG, JPEG))
    added = driver.last("conversation.item.added")["item"]
    assert added["content"][1:] == [{"type": "input_image"}] * 2
    assert driver.item("item_shown") == added


def test_an_engine_that_takes_over_is_shown_them_again_until_they_are_deleted() -> None:
    driver = Driver()
    create(driver, shown(PNG, id="item_shown", text=""))
    (told,) = driver.conversation.engine_opening().history
    assert told.images == (PNG,)
    driver.client("conversation.item.delete", item_id="item_shown")
    assert driver.conversation.engine_opening().history == ()


@pytest.mark.parametrize(
    "url",
    [
        "https://intranet.example/secret.png",
        "http://169.254.169.254/",
        "file:///etc/passwd",
        "data:image/svg+xml;base64,PHN2Zz4=",
        "data:image/png,plain",
        "data:image/png;base64,",
        "data:text/html;base64,PGI+",
        "",
    ],
)
def test_what_is_no_image_is_refused(url: str) -> None:
    driver = Driver()
    create(driver, shown(url))
    error = driver.error()
    assert (error["code"], error["param"]) == ("invalid_image_url", "item.content[1].image_url")
    assert error["event_id"] == "mine"
    assert not driver.sent(engine.ItemCreate)


def test_an_image_needs_its_url() -> None:
    driver = Driver()
    create(driver, {**shown(), "content": [{"type": "input_image", "detail": "low"}]})
    assert driver.error()["code"] == "missing_required_parameter"


@pytest.mark.parametrize("role", ["system", "assistant"])
def test_only_users_show_images(role: str) -> None:
    driver = Driver()
    create(driver, {**shown(PNG), "role": role, "content": shown(PNG)["content"][1:]})
    assert driver.error()["param"] == "item.content[0].type"


def test_long_events_are_taken_where_audio_is_in_events() -> None:
    image = PNG + "A" * 1_000_000
    driver = Driver(transport=Transport.WEBSOCKET)
    create(driver, shown(image))
    assert driver.sent(engine.ItemCreate)[0].item.images == (image,)
    create(driver, shown(PNG + "A" * MAX_IMAGE_EVENT_BYTES))
    assert driver.error()["code"] == "event_too_large"
    create(driver, shown(PNG, text="x" * 300_000))
    assert driver.error()["code"] == "item_too_large"
    called = Driver(transport=Transport.WEBRTC)
    create(called, shown(image))
    assert called.error()["code"] == "event_too_large"


def test_a_long_item_is_an_item() -> None:
    text = b'{"type": "response.create", "response": {"instructions": "%s"}}' % (b"x" * 300_000)
    with pytest.raises(ValueError, match="without audio or an item"):
        read_message(text, with_audio=True)


def test_items_come_no_faster_than_the_allowance() -> None:
    driver = Driver(transport=Transport.WEBSOCKET)
    driver.act(driver.conversation.tick(driver.now))
    image = PNG + "A" * 3_000_000
    create(driver, shown(image))
    create(driver, shown(image))
    create(driver, shown(image))
    assert driver.error()["code"] == "rate_limit_exceeded"
    assert 3 * len(image) > BURST_BYTES
    driver.now += 5
    driver.act(driver.conversation.tick(driver.now))
    create(driver, shown(image))
    assert len(driver.sent(engine.ItemCreate)) == 3


def test_the_oldest_are_forgotten() -> None:
    images, large = ItemImages(), (PNG + "A" * (MAX_TOTAL_BYTES // 2),)
    images.keep("a", (PNG,))
    images.keep("b", large)
    images.keep("c", large)
    assert images("a") == images("b") == ()
    assert images("c") == large
    images.forget("c")
    images.keep("d", large)
    assert images("d") == large
