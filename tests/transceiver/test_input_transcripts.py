"""Bounds of what is awaited of the user's transcripts."""

from antiphon_proto.trunk import InputTranscript
from transceiver.input_buffer import CommittedAudio
from transceiver.input_transcripts import MAX_AWAITED, MAX_TRANSCRIPT, InputTranscripts


def test_the_oldest_awaited_items_are_given_up() -> None:
    transcripts = InputTranscripts(keep=lambda _item_id, _text: None)
    for index in range(MAX_AWAITED + 1):
        transcripts.committed(CommittedAudio(f"item_{index}", 1.0))
    assert transcripts.reported(InputTranscript("item_0", "late", final=True)) == []
    assert transcripts.reported(InputTranscript("item_1", "in time", final=True))


def test_a_transcript_is_cut_at_its_bound() -> None:
    kept: dict[str, str] = {}
    transcripts = InputTranscripts(keep=kept.__setitem__)
    transcripts.committed(CommittedAudio("item_1", 1.0))
    transcripts.reported(InputTranscript("item_1", "x" * (MAX_TRANSCRIPT + 1), final=True))
    assert len(kept["item_1"]) == MAX_TRANSCRIPT


def test_an_early_transcript_is_forgotten_with_its_audio() -> None:
    transcripts = InputTranscripts(keep=lambda _item_id, _text: None)
    transcripts.reported(InputTranscript("", "cleared", final=True))
    transcripts.forget_early()
    assert transcripts.committed(CommittedAudio("item_1", 1.0)) == []
