"""What queueing theory says of the simplest systems, against which simulations are held."""


def erlang_b(servers: int, offered: float) -> float:
    """The share of calls that find all servers taken and are lost; `offered` in erlangs.

    By the recursion over servers, which is stable where factorials are not.
    """
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = offered * blocked / (number + offered * blocked)
    return blocked


def erlang_c(servers: int, offered: float) -> float:
    """The share of calls that wait, where all wait for as long as it takes (M/M/c).

    Raises ValueError where more is offered than the servers ever get done.
    """
    if offered >= servers:
        raise ValueError("the queue would grow for ever")
    blocked = erlang_b(servers, offered)
    return blocked / (1.0 - offered / servers * (1.0 - blocked))


def mean_wait(servers: int, offered: float, seconds: float) -> float:
    """Of all calls of a mean length of `seconds`, those that need not wait included (M/M/c)."""
    return erlang_c(servers, offered) * seconds / (servers - offered)
