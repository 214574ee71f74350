"""Characters beyond the basic plane, which JSON may escape as two halves in two chunks.

A half alone is no Unicode text: no protocol behind the brain could carry it.
https://www.rfc-editor.org/rfc/rfc8259#section-7
"""

FIRST_HALF = range(0xD800, 0xDC00)


def whole_characters(text: str) -> str:
    """`text` with its halves joined; one whose other half is missing becomes U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class SplitCharacters:
    """Feed text with `push`, which keeps back a half at its end; finish with `rest`."""

    def __init__(self) -> None:
        self._half = ""

    def push(self, text: str) -> str:
        text = self._half + text
        cut = len(text) - 1 if text and ord(text[-1]) in FIRST_HALF else len(text)
        self._half = text[cut:]
        return whole_characters(text[:cut])

    def rest(self) -> str:
        half, self._half = self._half, ""
        return whole_characters(half)
