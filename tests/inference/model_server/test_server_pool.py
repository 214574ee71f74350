"""Which server a request goes to, and what its end tells the breakers and the counters."""

import pytest

from inference.model_server.circuit_breaker import BreakerLimits
from inference.model_server.counters import ModelServerCounters, Outcome, ServerKind
from inference.model_server.model_server_error import ModelServerError
from inference.model_server.server_pool import ServerPool

URLS = ("http://a/v1", "http://b/v1", "http://c/v1")
FAILURES = 2
UNREACHABLE = ModelServerError(Outcome.UNREACHABLE, "could not be reached")


def pool(urls: tuple[str, ...] = URLS) -> ServerPool:
    limits = BreakerLimits(consecutive_failures=FAILURES, cool_down_s=1.0)
    return ServerPool(
        ServerKind.LLM, urls, ModelServerCounters(), random=lambda: 0.5, limits=limits
    )


def ask(servers: ServerPool, key: str, now: float, error: ModelServerError | None = None) -> str:
    """One request of one try."""
    attempts = servers.attempts(key, now, budget_s=10.0)
    url = attempts.begin(now)
    if error is None:
        attempts.succeeded()
    else:
        attempts.failed(error, now)
    return url


def test_a_call_stays_with_its_server() -> None:
    servers = pool()
    homes = {key: ask(servers, key, 0.0) for key in map(str, range(50))}
    assert set(homes.values()) == set(URLS)
    assert all(ask(servers, key, 1.0) == home for key, home in homes.items())


def test_it_moves_while_its_servers_breaker_is_open_and_then_comes_back() -> None:
    servers = pool()
    home = ask(servers, "call", 0.0)
    for _ in range(FAILURES):
        assert ask(servers, "call", 0.0, UNREACHABLE) == home
    refuge = ask(servers, "call", 0.5)
    assert refuge != home
    assert ask(servers, "call", 0.5) == refuge
    assert ask(servers, "call", 1.0) == home, "the probe"
    assert ask(servers, "call", 1.0) == home


def test_a_second_try_goes_to_another_server() -> None:
    servers = pool()
    attempts = servers.attempts("call", 0.0, budget_s=10.0)
    tried = []
    for _ in range(3):
        tried.append(attempts.begin(0.0))
        pause_s = attempts.failed(UNREACHABLE, 0.0)
    assert sorted(tried) == sorted(URLS)
    assert pause_s is None
    assert servers.counters.retries[ServerKind.LLM] == 2
    assert servers.counters.tries[ServerKind.LLM, Outcome.UNREACHABLE] == 3


def test_the_only_server_is_tried_again_itself() -> None:
    attempts = pool(URLS[:1]).attempts("call", 0.0, budget_s=10.0)
    assert attempts.begin(0.0) == URLS[0]
    assert attempts.failed(UNREACHABLE, 0.0) is not None
    assert attempts.begin(0.1) == URLS[0]


def test_without_a_server_left_the_answer_is_immediate() -> None:
    servers = pool(URLS[:1])
    for _ in range(FAILURES):
        ask(servers, "call", 0.0, UNREACHABLE)
    with pytest.raises(ModelServerError) as failed:
        ask(servers, "another call", 0.0)
    assert failed.value.outcome is Outcome.CIRCUIT_OPEN
    assert servers.counters.breakers_opened[ServerKind.LLM] == 1
    assert servers.counters.breakers_open[ServerKind.LLM] == 1
    ask(servers, "another call", 1.0)
    assert servers.counters.breakers_open[ServerKind.LLM] == 0


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.OVERLOADED])
def test_a_server_that_says_no_is_none_that_fails(outcome: Outcome) -> None:
    servers = pool(URLS[:1])
    for _ in range(10 * FAILURES):
        ask(servers, "call", 0.0, ModelServerError(outcome, "answered 400"))
    assert ask(servers, "call", 0.0) == URLS[0]


def test_a_request_ends_once() -> None:
    servers = pool(URLS[:1])
    attempts = servers.attempts("call", 0.0, budget_s=10.0)
    attempts.begin(0.0)
    attempts.succeeded()
    attempts.abandoned()
    for _ in range(FAILURES):
        assert attempts.failed(UNREACHABLE, 0.0) is None
    assert servers.counters.tries == {(ServerKind.LLM, Outcome.ANSWERED): 1}
    assert ask(servers, "call", 0.0) == URLS[0]


def test_a_probe_that_is_given_up_does_not_keep_the_server_out() -> None:
    servers = pool(URLS[:1])
    for _ in range(FAILURES):
        ask(servers, "call", 0.0, UNREACHABLE)
    attempts = servers.attempts("call", 1.0, budget_s=10.0)
    attempts.begin(1.0)
    attempts.abandoned()
    assert ask(servers, "call", 1.0) == URLS[0]


def test_the_operator_hears_of_a_failing_server_without_the_password_in_its_url() -> None:
    lines: list[str] = []
    urls = ("http://user:password@a:8000/v1",)
    servers = ServerPool(
        ServerKind.TTS, urls, ModelServerCounters(), random=lambda: 0.5, tell=lines.append
    )
    assert ask(servers, "call", 0.0, UNREACHABLE) == urls[0]
    ask(servers, "call", 1.0, UNREACHABLE)
    assert lines == ["the tts server http://a:8000/v1 could not be reached"]
