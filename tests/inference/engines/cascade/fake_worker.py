"""A worker that does what its messages say: for the tests of its parent."""

import os
import sys
import time

from inference.engines.cascade.worker_messages import Kind, WorkerMessage, WorkerMessageReader


def main() -> None:
    if "refuse" in sys.argv:
        sys.exit("this worker refuses to start")
    output = sys.stdout.fileno()
    if "explain" in sys.argv:
        os.write(output, WorkerMessage(Kind.FAILED, payload=b"there is no model").encode())
        sys.exit(2)
    os.write(output, WorkerMessage(Kind.READY).encode())
    reader = WorkerMessageReader()
    while data := os.read(sys.stdin.fileno(), 65536):
        for message in reader.feed(data):
            match message.payload:
                case b"die":
                    os._exit(1)
                case b"hang":
                    time.sleep(60)
                case b"garbage":
                    os.write(output, b"\xff" * 32)
                case _:
                    os.write(output, message.encode())


if __name__ == "__main__":
    main()
