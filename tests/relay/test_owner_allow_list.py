import pytest

from relay.owner_allow_list import PRIVATE_OWNERS, OwnerAllowList


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.1.2.3", "172.31.0.9", "192.168.1.1", "::1", "fd00::1"]
)
def test_private_addresses_may_own_calls(host: str) -> None:
    assert PRIVATE_OWNERS.allows(host)


@pytest.mark.parametrize("host", ["8.8.8.8", "172.32.0.1", "0.0.0.0", "2001:db8::1", "::"])
def test_the_rest_of_the_internet_may_not(host: str) -> None:
    assert not PRIVATE_OWNERS.allows(host)


def test_reads_what_it_writes() -> None:
    text = "100.64.0.0/10,2001:db8::/32"
    assert str(OwnerAllowList.parse(" 100.64.0.0/10, 2001:db8::/32")) == text


@pytest.mark.parametrize("text", ["", "10.0.0.1/8", "10.0.0.0/33", "everywhere"])
def test_refuses_what_is_no_network(text: str) -> None:
    with pytest.raises(ValueError, match=r"network|host bits"):
        OwnerAllowList.parse(text)
