import pytest

from loadtest.callers.sip.sip_target import SipTarget, SipTargetError


@pytest.mark.parametrize(
    ("text", "model", "target"),
    [
        ("192.0.2.1:5070", "", SipTarget("agent", "192.0.2.1", 5070)),
        ("192.0.2.1", "echo", SipTarget("echo", "192.0.2.1", 5060)),
        ("+1555@sip.example:5060", "echo", SipTarget("+1555", "sip.example", 5060)),
        ("[2001:db8::1]:5061", "", SipTarget("agent", "2001:db8::1", 5061)),
        ("[2001:db8::1]", "", SipTarget("agent", "2001:db8::1", 5060)),
    ],
)
def test_what_is_written_is_read(text: str, model: str, target: SipTarget) -> None:
    assert SipTarget.parse(text, model) == target


@pytest.mark.parametrize("text", ["", "a@", ":5060", "host:", "host:0", "host:65536", "1::2:5060"])
def test_what_is_no_place_to_call_is_told(text: str) -> None:
    with pytest.raises(SipTargetError):
        SipTarget.parse(text, "")
