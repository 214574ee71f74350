"""What an operator sees of agents' voices at a scrape."""

from collections import Counter

from transceiver.audio.downlink_counts import DownlinkCounts
from transceiver.audio.opus_mode import OpusMode
from transceiver.audio_metrics import downlink_metrics


def samples(counts: DownlinkCounts) -> dict[str, float]:
    """By the name and the label's value, without what all have in common."""
    return {
        "/".join((sample.name.removeprefix("antiphon_transceiver_downlink_"), *labels)): value
        for family in downlink_metrics(counts)
        for sample in family.samples
        for labels, value in [(sample.labels.values(), sample.value)]
    }


def test_how_it_was_coded_repeated_and_received() -> None:
    counts = DownlinkCounts(
        talkspurts=Counter({OpusMode.VOIP: 3, OpusMode.CELT: 1}),
        redundant_packets=50,
        reported_packets=250,
        reported_lost=12.5,
    )
    assert samples(counts) == {
        "talkspurts_total/voip": 3,
        "talkspurts_total/celt": 1,
        "talkspurts_total/celt_halved": 0,
        "redundant_packets_total": 50,
        "reported_packets_total": 250,
        "reported_lost_packets_total": 12.5,
    }
