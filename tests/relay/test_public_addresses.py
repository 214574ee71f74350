import pytest

from relay.public_addresses import PublicAddresses

parse = PublicAddresses.parse


@pytest.mark.parametrize("text", ["0.0.0.0:3478", "[::]:3478", "[::1]:1,127.0.0.1:2"])
def test_writes_what_it_reads(text: str) -> None:
    assert str(parse(text)) == text


def test_port_0_is_served_by_any_port_of_its_host() -> None:
    assert parse("127.0.0.1:0,[::1]:7").serves(parse("127.0.0.1:9,[::1]:7"))


@pytest.mark.parametrize("bound", ["127.0.0.1:8", "127.0.0.2:7", "127.0.0.1:7,[::1]:7"])
def test_another_address_does_not_serve(bound: str) -> None:
    assert not parse("127.0.0.1:7").serves(parse(bound))
