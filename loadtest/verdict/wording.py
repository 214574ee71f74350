"""Names of latencies and counts as words: `set_up_ice` is `Set-up: ICE`."""

_WORDS = {
    "asr": "recognition",
    "dtls": "DTLS",
    "ice": "ICE",
    "tts": "synthesis",
}
_PHRASES = {
    "set_up_": "Set-up: ",
    "turn_": "Turn: ",
    "set_up": "Set-up",
    "barge_in": "Barge-in",
    "one_way_delay": "One-way delay",
}


def words(name: str) -> str:
    """Of any name with underscores."""
    if name in _PHRASES:
        return _PHRASES[name]
    for start, phrase in _PHRASES.items():
        if start.endswith("_") and name.startswith(start):
            return phrase + " ".join(map(_word, name.removeprefix(start).split("_")))
    text = " ".join(map(_word, name.split("_")))
    return text[:1].upper() + text[1:]


def _word(word: str) -> str:
    return _WORDS.get(word, word)
