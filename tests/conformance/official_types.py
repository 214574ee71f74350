"""What OpenAI's packages for JavaScript say of server events, asked of them in one run of Node."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conformance.clients import Event

NODE_MODULES = Path(__file__).parents[1] / "e2e" / "npm" / "node_modules"
_PROGRAM = Path(__file__).with_suffix(".mjs")
UNKNOWN_TO_SCHEMAS = {"input_audio_buffer.timeout_triggered", "response.mcp_call.failed"}
"""Types that `openai` declares and `@openai/agents-realtime` passes over."""
_NAMING = {"type", "object", "status", "role", "code", "reason"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """`types`: what the compiler says of it, by `openai`'s declarations; `schemas`: what those of
    `@openai/agents-realtime` say. None: nothing is wrong."""

    event: Event
    types: str | None
    schemas: str | None

    @property
    def wrong(self) -> bool:
        passed_over = self.event["type"] in UNKNOWN_TO_SCHEMAS or _has_image(self.event)
        return bool(self.types or (self.schemas and not passed_over))

    def __str__(self) -> str:
        return f"{json.dumps(self.event)}\n  types: {self.types}\n  schemas: {self.schemas}"


async def verdicts(events: list[Event]) -> list[Verdict]:
    """In the order of the events."""
    node = await asyncio.create_subprocess_exec(
        "node",
        str(_PROGRAM),
        str(NODE_MODULES),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    lines = "".join(f"{json.dumps(event)}\n" for event in events)
    output, _ = await node.communicate(lines.encode())
    assert node.returncode == 0
    said = zip(events, json.loads(output), strict=True)
    return [Verdict(event, each["types"], each["schemas"]) for event, each in said]


def _has_image(event: Event) -> bool:
    """Those schemas know none, and read such an event as of no known type: the client's limit."""
    content = event.get("item", {}).get("content", [])
    return any(part["type"] == "input_image" for part in content)


def of_each_shape(events: Iterable[Event]) -> list[Event]:
    """One of those that differ in their values only."""
    return list({_shape(event): event for event in events}.values())


def _shape(value: Any, name: str = "") -> str:
    if isinstance(value, dict):
        return f"{{{','.join(f'{key}:{_shape(each, key)}' for key, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{','.join(_shape(each) for each in value)}]"
    return str(value) if name in _NAMING else type(value).__name__
