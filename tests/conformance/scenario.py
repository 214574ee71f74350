"""Scenarios: who says what, in which order, as a file that people can read.

    The first paragraph says what the scenario shows.

    on websocket webrtc
    engine judging

    client   conversation.item.create item.type="message" item.role="user"
             item.content=[{"type": "input_text", "text": "Hi"}]
    server   conversation.item.added item.id=$hi previous_item_id=null
    asked    ItemCreate item.id=$hi
    engine   TextDelta response=1 text="Hello."
    server[call] output_audio_buffer.started

`on` names the transports (else it is all three), `engine` the model that the session asks
for; `intent transcription` is for a session that only transcribes. Then each line is a step, and
one that is indented goes on with the step before it:

| `client`      | the client sends this event; `raw text=...` sends what is no event |
| `server`      | the next event from the server is this one |
| `user`        | `speaks ms=N`: so much of the user's audio reaches the engine |
| `engine`      | the engine tells this event of the trunk; `Audio response=N ms=N` is speech |
| `asked`       | the engine is asked this; commands before it are passed over |
| `closed`      | the server ends the session; `with code=N`: a WebSocket, by this code |

A step in brackets is for some transports only: `websocket`, `webrtc`, `sideband`, or `call` for
the latter two. Members are `path=value`; of what comes, others than those named may be anything.
A value is JSON, `$name` for what the first such step finds there, `missing`, `any`, or `A..B`.
`$shop` is known from the beginning: the URL of an MCP server (tests/transceiver/mcp/mcp_server.py).
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any


class Transport(Enum):
    """How the client's events travel."""

    WEBSOCKET = "websocket"
    WEBRTC = "webrtc"
    SIDEBAND = "sideband"


class Actor(Enum):
    """Whose step it is."""

    CLIENT = "client"
    SERVER = "server"
    USER = "user"
    ENGINE = "engine"
    ASKED = "asked"
    CLOSED = "closed"


class ScenarioError(ValueError):
    """The file is no scenario."""


class Missing(Enum):
    """What is not there: the value `missing`."""

    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Anything:
    """The value `any`."""


@dataclass(frozen=True, slots=True)
class Between:
    """The value `A..B`: a number, both ends included."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Step:
    actor: Actor
    name: str
    members: dict[str, Any]
    """By path. Strings that begin with `$` stand for what was found before."""
    transports: frozenset[Transport]
    line: int

    def __str__(self) -> str:
        return f"{self.actor.value} {self.name} {self.members}"


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    title: str
    transports: frozenset[Transport]
    model: str
    intent: str | None
    steps: tuple[Step, ...] = field(repr=False)

    def on(self, transport: Transport) -> list[Step]:
        """The steps that this transport has."""
        return [step for step in self.steps if transport in step.transports]


_ALL = frozenset(Transport)
_TAGS = {
    **{transport.value: frozenset({transport}) for transport in Transport},
    "call": frozenset({Transport.WEBRTC, Transport.SIDEBAND}),
}
_STEP = re.compile(r"(?P<actor>\w+)(?:\[(?P<tags>[\w ]+)\])?\s+(?P<name>[\w.]+)")
_PATH = re.compile(r"\s*(?P<path>[\w.\[\]]+)=")
_BARE = re.compile(r"(?P<name>\$\w+)|(?P<low>-?\d+)\.\.(?P<high>\d+)|(?P<word>any|missing)\b")
_JSON = json.JSONDecoder()


def read_scenario(path: Path) -> Scenario:
    """Raises ScenarioError."""
    return parse_scenario(path.stem, path.read_text())


def parse_scenario(name: str, text: str) -> Scenario:
    """Raises ScenarioError."""
    title, _, rest = text.partition("\n\n")
    transports, model, intent, steps = _ALL, "scripted", None, []
    for number, line in _logical_lines(rest, 2 + title.count("\n")):
        words = line.split()
        if words[0] == "on":
            transports = _tagged(words[1:], number)
        elif words[0] == "engine" and len(words) == 2 and words[1].islower():
            model = words[1]
        elif words[0] == "intent" and len(words) == 2:
            intent = words[1]
        else:
            steps.append(_step(line, number))
    if not title.strip() or not steps:
        raise ScenarioError(f"{name}: a scenario has a title and steps")
    return Scenario(name, " ".join(title.split()), transports, model, intent, tuple(steps))


def _logical_lines(text: str, first: int) -> Iterator[tuple[int, str]]:
    """Lines with what is indented below them, and their numbers."""
    logical: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), first + 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line[0].isspace() and logical:
            logical[-1] = logical[-1][0], f"{logical[-1][1]} {line.strip()}"
        else:
            logical.append((number, line.rstrip()))
    yield from logical


def _step(line: str, number: int) -> Step:
    match = _STEP.match(line)
    if match is None or match["actor"] not in [actor.value for actor in Actor]:
        raise ScenarioError(f"line {number} is no step: {line}")
    transports = _tagged(match["tags"].split(), number) if match["tags"] else _ALL
    members = _members(line, match.end(), number)
    return Step(Actor(match["actor"]), match["name"], members, transports, number)


def _tagged(tags: list[str], number: int) -> frozenset[Transport]:
    try:
        return frozenset().union(*(_TAGS[tag] for tag in tags))
    except KeyError as error:
        raise ScenarioError(f"line {number}: there is no transport {error}") from error


def _members(line: str, at: int, number: int) -> dict[str, Any]:
    members: dict[str, Any] = {}
    while line[at:].strip():
        path = _PATH.match(line, at)
        if path is None:
            raise ScenarioError(f"line {number}: not PATH=VALUE: {line[at:]}")
        members[path["path"]], at = _value(line, path.end(), number)
    return members


def _value(line: str, at: int, number: int) -> tuple[Any, int]:
    bare = _BARE.match(line, at)
    if bare is None:
        try:
            value, end = _JSON.raw_decode(line, at)
        except ValueError as error:
            raise ScenarioError(f"line {number}: no value: {line[at:]}") from error
        return value, end
    if bare["name"]:
        return bare["name"], bare.end()
    if bare["word"]:
        return (Missing.MISSING if bare["word"] == "missing" else Anything()), bare.end()
    return Between(float(bare["low"]), float(bare["high"])), bare.end()
