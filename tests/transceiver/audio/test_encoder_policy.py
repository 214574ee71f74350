import pytest

from transceiver.audio.downlink_protection import NO_PROTECTION, Protection
from transceiver.audio.encoder_policy import AMPLE_BELOW, SHORT_ABOVE, EncoderPolicy, OpusChoice
from transceiver.audio.opus_mode import OpusMode

REPEATED = Protection(redundancy=1)
WITH_FEC = Protection(expected_loss=0.05)


class Worker:
    """One with a load to set."""

    def __init__(self, choice: OpusChoice = OpusChoice.AUTO) -> None:
        self.load = 0.0
        self.policy = EncoderPolicy(choice, lambda: self.load)

    def mode(self, load: float, protection: Protection = NO_PROTECTION) -> OpusMode:
        self.load = load
        return self.policy.mode(protection)


def test_voip_as_long_as_there_is_cpu() -> None:
    worker = Worker()
    for protection in NO_PROTECTION, REPEATED, WITH_FEC:
        assert worker.mode(SHORT_ABOVE, protection) is OpusMode.VOIP


def test_celt_when_cpu_is_short_unless_fec_is_what_the_path_needs() -> None:
    worker = Worker()
    assert worker.mode(SHORT_ABOVE + 0.01) is OpusMode.CELT
    assert worker.mode(1.0, REPEATED) is OpusMode.CELT_HALVED
    assert worker.mode(1.0, WITH_FEC) is OpusMode.VOIP


def test_what_celt_saves_does_not_bring_voip_back() -> None:
    worker = Worker()
    worker.mode(0.7)
    assert worker.mode(0.7 / 2) is OpusMode.CELT
    assert worker.mode(AMPLE_BELOW) is OpusMode.CELT
    assert worker.mode(AMPLE_BELOW - 0.01) is OpusMode.VOIP
    assert worker.mode(SHORT_ABOVE) is OpusMode.VOIP


def test_a_choice_is_one_of_three_words() -> None:
    assert [OpusChoice.parse(word) for word in ("auto", "voip", "celt")] == list(OpusChoice)
    assert f"{OpusChoice.AUTO}" == "auto"
    with pytest.raises(ValueError, match="expected auto, voip, celt, not 'silk'"):
        OpusChoice.parse("silk")


@pytest.mark.parametrize("protection", [NO_PROTECTION, REPEATED, WITH_FEC])
@pytest.mark.parametrize("load", [0.0, 1.0])
def test_an_operators_choice_holds_at_any_load(load: float, protection: Protection) -> None:
    assert Worker(OpusChoice.VOIP).mode(load, protection) is OpusMode.VOIP
    celt = OpusMode.CELT_HALVED if protection.redundancy else OpusMode.CELT
    assert Worker(OpusChoice.CELT).mode(load, protection) is celt
