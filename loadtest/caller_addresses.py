"""Of a host that callers call from, as flags write them."""

import ipaddress


def parse_addresses(text: str) -> tuple[str, ...]:
    """`127.0.0.2,127.0.0.3`; also ranges, `127.0.0.2-127.0.0.9`. Raises ValueError."""
    addresses: list[str] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        low, high = ipaddress.ip_address(first), ipaddress.ip_address(last or first)
        if low.version != high.version or not 0 <= int(high) - int(low) < 1024:
            raise ValueError(f"expected a range of at most 1024 addresses, not {part!r}")
        addresses += [str(low + number) for number in range(int(high) - int(low) + 1)]
    return tuple(addresses)
