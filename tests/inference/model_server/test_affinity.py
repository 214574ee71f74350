"""Calls stay with their server, spread over all, and only a lost server's calls move."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from inference.model_server.affinity import ranked, session_token

URLS = [f"http://10.0.0.{host}:8000/v1" for host in range(1, 6)]


@given(st.text(), st.permutations(URLS))
def test_the_order_of_the_servers_does_not_matter(key: str, urls: list[str]) -> None:
    assert [urls[place] for place in ranked(key, urls)] == [
        URLS[place] for place in ranked(key, URLS)
    ]


@given(st.text(), st.sampled_from(URLS))
def test_only_the_calls_of_a_lost_server_move(key: str, lost: str) -> None:
    left = [url for url in URLS if url != lost]
    before = [URLS[place] for place in ranked(key, URLS)]
    assert [left[place] for place in ranked(key, left)] == [url for url in before if url != lost]


def test_calls_spread_evenly() -> None:
    homes = Counter(ranked(f"call_{number}", URLS)[0] for number in range(5000))
    assert len(homes) == len(URLS)
    assert max(homes.values()) < 1.15 * min(homes.values())


def test_a_token_names_one_call_and_does_not_reveal_it() -> None:
    assert session_token("call_1") == session_token("call_1") != session_token("call_2")
    assert "call" not in session_token("call_1")
    assert session_token("call_1").isalnum()
