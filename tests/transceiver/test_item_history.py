"""The items' order, truncation and bounds."""

import pytest

from antiphon_proto.realtime.items import InputText, Message, OutputAudio
from antiphon_proto.trunk import WordEnd
from transceiver.item_history import ROOT, ItemHistory, UnknownItemError


def written(item_id: str, text: str = "") -> Message:
    return Message(id=item_id, role="user", content=[InputText(text=text)])


def spoken(item_id: str, transcript: str) -> Message:
    return Message(id=item_id, role="assistant", content=[OutputAudio(transcript=transcript)])


def transcript(history: ItemHistory, item_id: str) -> str:
    item = history.get(item_id)
    assert isinstance(item, Message)
    (part,) = item.content
    assert isinstance(part, OutputAudio)
    return part.transcript


def order(history: ItemHistory, last: str) -> list[str]:
    ids: list[str] = []
    item_id: str | None = last
    while item_id is not None:
        ids.insert(0, item_id)
        item_id = history.previous_id(item_id)
    return ids


def test_items_go_to_the_end_the_start_or_behind_another() -> None:
    history = ItemHistory()
    assert history.insert(written("b")) is None
    assert history.insert(written("d")) == "b"
    assert history.insert(written("a"), ROOT) is None
    assert history.insert(written("c"), "b") == "b"
    assert order(history, "d") == ["a", "b", "c", "d"]
    history.remove("b")
    assert order(history, "d") == ["a", "c", "d"]


def test_an_item_whose_id_is_taken_takes_its_place() -> None:
    history = ItemHistory()
    history.insert(written("a", "old"))
    history.insert(written("b"))
    history.insert(written("a", "new"))
    assert order(history, "a") == ["b", "a"]
    assert len(history) == 2


def test_unknown_items() -> None:
    history = ItemHistory()
    for action in (
        lambda: history.get("x"),
        lambda: history.remove("x"),
        lambda: history.truncate("x", 0),
        lambda: history.audio_ms("x"),
        lambda: history.insert(written("a"), "x"),
    ):
        with pytest.raises(UnknownItemError):
            action()
    history.replace(written("x"))
    history.add_audio("x", 20)
    assert len(history) == 0
    assert history.previous_id("x") is None


def test_what_was_not_heard_stays_out_when_the_item_is_finished() -> None:
    history = ItemHistory()
    history.insert(Message(id="a", role="assistant", content=[], status="in_progress"))
    history.add_audio("a", 4800)
    history.truncate("a", 2400)
    history.replace(spoken("a", "one two three four five six seven eight nine ten"))
    assert transcript(history, "a") == "one two three four five"
    history.truncate("a", 4800)
    assert transcript(history, "a") == "one two three four five", "truncation only takes away"
    history.truncate("a", 300)
    assert transcript(history, "a") == "one"


def test_the_oldest_items_are_forgotten() -> None:
    history = ItemHistory(max_items=3)
    for item_id in "abcde":
        history.insert(written(item_id))
    assert order(history, "e") == ["c", "d", "e"]
    history.insert(written("f"), ROOT)
    assert order(history, "e") == ["f", "d", "e"], "not the one that was just asked for"


def test_a_bound_on_bytes() -> None:
    history = ItemHistory(max_total_bytes=3000)
    history.insert(written("a", "x" * 1000))
    history.insert(written("b", "x" * 1000))
    history.replace(written("b", "x" * 1800))
    assert order(history, "b") == ["b"]
    history.remove("b")
    history.insert(written("c", "x" * 1000))
    history.insert(written("d", "x" * 1000))
    assert order(history, "d") == ["c", "d"]


def test_an_answer_is_cut_where_its_words_end() -> None:
    history = ItemHistory()
    history.insert(spoken("a", "One, two."))
    history.add_audio("a", 2000)
    history.add_words("a", [WordEnd(4, 200), WordEnd(9, 1900)])
    history.truncate("a", 1800)
    assert transcript(history, "a") == "One,"


def test_another_engine_counts_words_from_where_it_goes_on() -> None:
    history = ItemHistory()
    history.insert(spoken("a", "One, two."))
    history.add_audio("a", 2000)
    history.add_words("a", [WordEnd(4, 200), WordEnd(9, 1900)])
    history.restart_words("a", 4, 1000)
    history.add_words("a", [WordEnd(5, 600)])
    history.truncate("a", 1600)
    assert transcript(history, "a") == "One, two."
    history.truncate("a", 1599)
    assert transcript(history, "a") == "One,"


def test_of_an_item_that_is_gone_no_words_are_kept() -> None:
    history = ItemHistory()
    history.add_words("a", [WordEnd(4, 200)])
    history.restart_words("a", 4, 200)
    assert "a" not in history
