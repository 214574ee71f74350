import pytest

from antiphon.admin_ports import AdminPortList


def test_a_list_is_written_as_it_is_read() -> None:
    text = "relay-1:8081,dns:others:8081-8083"
    assert str(AdminPortList.parse(text)) == text


@pytest.mark.parametrize("text", ["", "relay:8081,", "relay:8081,relay"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        AdminPortList.parse(text)
