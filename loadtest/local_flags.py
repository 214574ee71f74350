"""`--local`: the deployment that a run starts for itself."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from chassis.settings import whole_number
from loadtest.deployment.deployment import Deployment, running
from loadtest.deployment.local_deployment import LocalDeployment
from loadtest.deployment.local_settings import LocalSettings
from loadtest.scenario.scenario import Expect, Kind, Scenario

_NUMBERS = {
    "relay_workers": whole_number(1, 64),
    "transceiver_workers": whole_number(0, 64),
    "inference_replicas": whole_number(1, 64),
    "reflectors": whole_number(0, 64),
    "max_calls": whole_number(1),
}
_TEXTS = ("engine", "log_level")

KNOWN = ", ".join(sorted([*_NUMBERS, *_TEXTS]))


def parse_local(text: str) -> LocalSettings:
    """`engine=cascade,relay_workers=2`, or nothing. Raises ValueError."""
    pairs = (part.partition("=") for part in text.split(",") if part)
    return LocalSettings(**{name: _value(name, value) for name, _equals, value in pairs})


def _value(name: str, text: str) -> Any:
    if name in _TEXTS and text:
        return text
    if name not in _NUMBERS:
        raise ValueError(f"expected NAME=VALUE,..., with names of {KNOWN}: not {name}={text}")
    try:
        return _NUMBERS[name](text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


@asynccontextmanager
async def deployed(
    settings: LocalSettings | None, scenario: Scenario
) -> AsyncIterator[Deployment | None]:
    """A fresh deployment that is fit for the scenario; None without settings.

    Raises DeploymentError.
    """
    if settings is None:
        yield None
        return
    async with running(LocalDeployment(fit_to(settings, scenario))) as deployment:
        yield deployment


def fit_to(settings: LocalSettings, scenario: Scenario) -> LocalSettings:
    """With the doors that the scenario's callers come in by, room for all of them, and an engine
    that does what they expect."""
    kinds = {caller.kind for caller in scenario.callers}
    if kinds == {Kind.RELAY}:
        settings = dataclasses.replace(settings, transceiver_workers=0)
    return dataclasses.replace(
        settings,
        engine=_engine(settings, scenario),
        sip=Kind.SIP in kinds,
        reflectors=max(settings.reflectors, int(Kind.RELAY in kinds)),
        max_calls=max(settings.max_calls, 2 * scenario.load.sessions),
    )


def _engine(settings: LocalSettings, scenario: Scenario) -> str:
    answers = any(caller.talk.expect is Expect.ANSWER for caller in scenario.callers)
    return "cascade" if answers and settings.engine == "echo" else settings.engine
