"""Which relay workers' datagrams the compiled loop takes by itself."""

import pytest

from antiphon_proto.tunnel import HEADER_BYTES
from loadtest.reflector.reflection import Reflection, new_reflection
from loadtest.reflector.relay_probes import MAX_WORKERS
from loadtest.reflector.trusted_relays import TrustedRelays

ONE = ("127.0.0.1", 5000)
ANSWER = b"a" * HEADER_BYTES


def header(life: int) -> bytes:
    return bytes([life]) * HEADER_BYTES


def taken(reflection: Reflection) -> set[int]:
    """The lives whose datagrams are taken."""
    rows = reflection.headers[: reflection.relays[0]]
    return {int(row[0]) for row in rows} - {0}


@pytest.fixture
def reflection() -> Reflection:
    return new_reflection(1)


def test_two_lives_are_taken_at_once_as_both_send_while_one_hands_over(
    reflection: Reflection,
) -> None:
    relays = TrustedRelays(reflection)
    for life in (1, 2, 1, 2):
        relays.trust(ONE, header(life), ANSWER)
    assert taken(reflection) == {1, 2}


def test_a_third_takes_the_place_of_the_first(reflection: Reflection) -> None:
    relays = TrustedRelays(reflection)
    for life in (1, 2, 3):
        relays.trust(ONE, header(life), ANSWER)
    assert taken(reflection) == {2, 3}


def test_every_relay_worker_that_may_be_known_has_rows_of_its_own(reflection: Reflection) -> None:
    relays = TrustedRelays(reflection)
    for number in range(MAX_WORKERS):
        relays.trust((ONE[0], number + 1), header(2 * number + 1), ANSWER)
        relays.trust((ONE[0], number + 1), header(2 * number + 2), ANSWER)
    assert len(taken(reflection)) == 2 * MAX_WORKERS
