import dataclasses

import pytest

from loadtest.deployment.local_settings import LocalSettings
from loadtest.local_flags import KNOWN, fit_to, parse_local
from loadtest.scenario.scenario import CallerProfile, Kind, Load, Scenario


def scenario(*kinds: Kind, sessions: int = 10) -> Scenario:
    callers = tuple(CallerProfile(kind=kind) for kind in kinds)
    return Scenario(name="small", load=Load(sessions=sessions), callers=callers)


def test_nothing_is_the_defaults() -> None:
    assert parse_local("") == LocalSettings()


def test_members_by_name() -> None:
    found = parse_local("engine=cascade,relay_workers=2,max_calls=50")
    assert found == LocalSettings(engine="cascade", relay_workers=2, max_calls=50)


@pytest.mark.parametrize("text", ["engine", "engine=", "sip=on", "relay_workers=0", "=", "a=b"])
def test_others_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"NAME=VALUE|whole number|from 1"):
        parse_local(text)


def test_what_is_known_is_of_the_settings() -> None:
    names = {field.name for field in dataclasses.fields(LocalSettings)}
    assert set(KNOWN.split(", ")) == names - {"sip", "flags"}


def test_a_deployment_has_the_doors_that_are_used() -> None:
    assert fit_to(LocalSettings(), scenario(Kind.WEBRTC)) == LocalSettings()
    assert fit_to(LocalSettings(), scenario(Kind.SIP)).sip
    mixed = fit_to(LocalSettings(), scenario(Kind.WEBRTC, Kind.RELAY))
    assert (mixed.reflectors, mixed.transceiver_workers) == (1, 1)
    alone = fit_to(LocalSettings(reflectors=2), scenario(Kind.RELAY))
    assert (alone.reflectors, alone.transceiver_workers) == (2, 0)


def test_there_is_room_for_every_call() -> None:
    assert fit_to(LocalSettings(), scenario(Kind.WEBRTC, sessions=5000)).max_calls >= 5000
