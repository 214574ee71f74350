"""`python -m chassis.healthcheck PORT`: whether the process behind an admin port is ready.

For container engines, whose health checks are commands; Kubernetes asks the port itself.
"""

import http.client
import sys
from collections.abc import Sequence

TIMEOUT_S = 3.0


def main(argv: Sequence[str] | None = None) -> int:
    """0 where `/readyz` of this machine's port says so, else 1 and why on standard output."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if len(arguments) != 1 or not (arguments[0].isascii() and arguments[0].isdigit()):
        print("usage: python -m chassis.healthcheck PORT", file=sys.stderr)
        return 2
    try:
        status, text = _asked(int(arguments[0]))
    except (OSError, http.client.HTTPException) as error:
        print(f"no answer: {error}")
        return 1
    print(text)
    return 0 if status == http.HTTPStatus.OK else 1


def _asked(port: int) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        return response.status, response.read(1000).decode(errors="replace").strip()
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
