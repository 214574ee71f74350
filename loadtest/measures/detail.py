"""What a far side said of a call that failed, as reports and terminals may show it."""

MAX_DETAIL = 200
"""Characters that are kept."""
HIDDEN = "[hidden]"


def shown(detail: str, secrets: tuple[str, ...] = ()) -> str:
    """On one line, without what would command a terminal, and without these secrets: a server may
    say back what it was told."""
    for secret in secrets:
        detail = detail.replace(secret, HIDDEN)
    line = " ".join(detail[: 16 * MAX_DETAIL].split())
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in line)[
        :MAX_DETAIL
    ]
