"""Workers that tell one another late, twice and in any order agree in the end."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transceiver.sip.access_driver import EDGE
from transceiver.sip.flow import SipTransport
from transceiver.sip.registrations import Record, RegistrationNewsError, Registrations, ended

WORKERS = 3


def record(user: str, key: str, now: float) -> Record:
    return Record(
        user=user,
        key=key,
        contact=f"sip:{key}@198.51.100.7",
        edge=EDGE,
        transport=SipTransport.TCP,
        remote=("198.51.100.7", 5060),
        connection=int(now),
        path=(),
        call_id=key,
        cseq=1,
        changed_at=now,
        expires_at=now + 3600,
    )


CHANGES = st.lists(
    st.tuples(
        st.integers(0, WORKERS - 1),
        st.sampled_from(["alice", "bob"]),
        st.sampled_from(["one", "two", "three"]),
        st.booleans(),
    ),
    max_size=20,
)


@given(CHANGES, st.randoms(use_true_random=False))
def test_they_agree_whatever_the_order(
    changes: list[tuple[int, str, str, bool]], random: Random
) -> None:
    news: list[list[bytes]] = [[] for _ in range(WORKERS)]
    workers = [Registrations(news[index].append) for index in range(WORKERS)]
    last: dict[tuple[str, str], bool] = {}
    for now, (worker, user, key, begins) in enumerate(changes, start=1):
        made = record(user, key, float(now))
        workers[worker].change((made if begins else ended(made, float(now)),))
        last[user, key] = begins
    for index, worker in enumerate(workers):
        told = [each for other in range(WORKERS) if other != index for each in news[other]] * 2
        random.shuffle(told)
        for each in told:
            worker.learn(each)
    now = len(changes) + 1.0
    known = [{user: worker.of(user, now) for user in ("alice", "bob")} for worker in workers]
    assert all(one == other for one, other in pairwise(known))
    alive = {(user, each.key) for user, records in known[0].items() for each in records}
    assert alive == {place for place, begins in last.items() if begins}
    for worker in workers:
        flows = {each.flow for records in known[0].values() for each in records}
        assert all(worker.user_at(flow, now) for flow in flows)


@given(st.binary(max_size=60))
def test_bytes_that_are_no_news_are_refused(message: bytes) -> None:
    registrations = Registrations(lambda news: None)
    with pytest.raises(RegistrationNewsError):
        registrations.learn(message)
    assert len(registrations) == 0
