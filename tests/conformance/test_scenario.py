"""Scenarios are read, and what differs from them is found."""

import pytest

from tests.conformance.names import Names
from tests.conformance.scenario import (
    Actor,
    Between,
    Missing,
    Scenario,
    ScenarioError,
    Transport,
    parse_scenario,
)

TEXT = """
Greets.

on websocket webrtc
engine judging

client   a.b x.y=1
         z="it's $fine"
# Not a step.
server[call] c.d item.id=$it gone=missing n=1..3
"""


def greeting() -> Scenario:
    return parse_scenario("greeting", TEXT.lstrip())


def test_a_scenario_is_read() -> None:
    scenario = greeting()
    assert (scenario.title, scenario.model) == ("Greets.", "judging")
    assert scenario.transports == {Transport.WEBSOCKET, Transport.WEBRTC}
    first, second = scenario.steps
    assert (first.actor, first.name) == (Actor.CLIENT, "a.b")
    assert first.members == {"x.y": 1, "z": "it's $fine"}
    assert second.members == {"item.id": "$it", "gone": Missing.MISSING, "n": Between(1, 3)}
    assert scenario.on(Transport.WEBSOCKET) == [first]
    assert TEXT.lstrip().splitlines()[second.line - 1].startswith("server[call]")


@pytest.mark.parametrize(
    "line", ["nobody x", "client x y", "client x y={", "server[tube] x", "on x"]
)
def test_what_is_no_scenario(line: str) -> None:
    with pytest.raises(ScenarioError):
        parse_scenario("bad", f"Title.\n\nclient a\n{line}\n")


def test_paths_make_an_event() -> None:
    names = Names()
    assert names.difference({"id": "$it"}, {"id": "item_1"}) is None
    members = {"item.content[0].text": "Hi", "item.content[1].text": "Ho", "after": "$it"}
    content = [{"text": "Hi"}, {"text": "Ho"}]
    assert names.event(members) == {"item": {"content": content}, "after": "item_1"}
    with pytest.raises(KeyError):
        names.event({"after": "$nobody"})


@pytest.mark.parametrize(
    "members",
    [
        {"id": "item_2"},
        {"id": Missing.MISSING},
        {"n": Between(3, 4)},
        {"n": 2.0},
        {"ok": 1},
        {"parts": []},
        {"parts": [{"a": 1}]},
        {"nowhere.at[0]": None},
        {"empty": "$name"},
        {"id": "$other"},
    ],
)
def test_what_differs_is_found(members: dict[str, object]) -> None:
    names = Names()
    found = {"id": "item_1", "n": 2, "ok": True, "parts": [{"a": 2, "b": 3}], "empty": None}
    assert names.difference({"parts[0].a": "$other"}, found) is None
    assert names.difference(members, found) is not None
    assert names.difference({"id": "$it", "n": 2, "parts": [{"b": 3}]}, found) is None
