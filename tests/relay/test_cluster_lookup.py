import asyncio
import socket
from collections.abc import Mapping

import pytest

from antiphon_proto.address import Address
from relay import cluster_lookup
from relay.cluster_lookup import follow_clusters
from relay.cluster_relays import NO_CLUSTERS, ClusterRelays

Found = Mapping[int, tuple[Address, ...]]


async def test_names_are_followed_and_what_is_listed_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[list[str] | OSError] = [["10.9.2.1", "10.9.2.2"], socket.gaierror(), ["10.9.2.3"]]
    told: asyncio.Queue[Found] = asyncio.Queue()
    asked = []

    async def getaddrinfo(host: str, port: int, **_: object) -> list[tuple]:
        asked.append(host)
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, OSError):
            raise answer
        return [(0, 0, 0, "", (each, port)) for each in answer] * 2

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(cluster_lookup, "LOOK_UP_S", 0.001)
    clusters = ClusterRelays.parse("2=dns:relays.eu:40000,3=10.9.3.1:40000,2=10.9.2.9:7")
    following = asyncio.create_task(follow_clusters(clusters, told.put))
    async with asyncio.timeout(10):
        first, second = await told.get(), await told.get()
    following.cancel()
    listed = ("10.9.2.9", 7)
    assert first == {
        2: (("10.9.2.1", 40000), ("10.9.2.2", 40000), listed),
        3: (("10.9.3.1", 40000),),
    }
    # Told once while nothing changed, and nothing forgotten for a name that was not known.
    assert second == {2: (("10.9.2.3", 40000), listed), 3: first[3]}
    assert set(asked) == {"relays.eu"}


async def test_without_clusters_there_is_nothing_to_follow() -> None:
    await asyncio.wait_for(follow_clusters(NO_CLUSTERS, lambda _found: asyncio.sleep(0)), 10)
