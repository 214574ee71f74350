import pytest

from chassis.name_lookup import addresses_of_name


async def test_each_address_is_told_once() -> None:
    found = await addresses_of_name("localhost")
    assert "127.0.0.1" in found
    assert found == sorted(set(found))


async def test_an_address_is_its_own() -> None:
    assert await addresses_of_name("192.0.2.1") == ["192.0.2.1"]


@pytest.mark.parametrize("name", ["nobody.invalid", "two..dots", "a" * 64])
async def test_what_is_no_name_or_not_known_has_none(name: str) -> None:
    assert await addresses_of_name(name) == []
