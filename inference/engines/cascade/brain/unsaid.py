"""What is left of an answer whose beginning was heard from a replica that is gone."""

from inference.engines.cascade.plain_words import plain_words, word_ends


def unsaid(answer: str, said: str) -> str:
    """The text behind the words of `said`; all of an answer that begins with other words."""
    left = plain_words(said)
    if not left:
        return answer
    ends = list(word_ends(answer))
    if [word for _end, word in ends[: len(left)]] != left:
        return answer
    rest = answer[ends[len(left) - 1][0] :]
    return rest if plain_words(rest) else ""


def resumed(said: str, rest: str) -> str:
    """The whole answer, of its heard beginning and what came behind it."""
    return f"{said.rstrip()} {rest.lstrip()}" if said and rest else said or rest
