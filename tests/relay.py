"""A relay in front of a service on this machine, which a test may freeze: it goes on accepting, and says nothing."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

CHUNK = 64 * 1024


@dataclass
class Relay:
    """Hands bytes on between its own port and another; ``bytes_a_second`` slows down what goes to the service."""

    target: int
    bytes_a_second: int | None = None
    port: int = 0
    _flows: threading.Event = field(default_factory=threading.Event, repr=False)
    _rate: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self._flows.set()

    def freeze(self) -> None:
        """Hand nothing on any more, as a stopped service whose machine goes on accepting connections."""
        self._flows.clear()

    def thaw(self) -> None:
        """Hand on what waits, and what comes."""
        self._flows.set()

    def accept(self, listener: socket.socket) -> None:
        """Serve connections until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
                for source, sink, slow in ((near, far, True), (far, near, False)):
                    threading.Thread(target=self._hand_on, args=(source, sink, slow), daemon=True).start()

    def _hand_on(self, source: socket.socket, sink: socket.socket, slow: bool) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(CHUNK):
                self._flows.wait()
                if slow and self.bytes_a_second:
                    with self._rate:
                        time.sleep(len(chunk) / self.bytes_a_second)
                sink.sendall(chunk)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def running_relay(target: int, bytes_a_second: int | None = None) -> Iterator[Relay]:
    """Run a relay to a port of this machine until the block ends."""
    with socket.socket() as listener:
        # As little as a real network holds: what was sent has nearly arrived.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, CHUNK)
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        relay = Relay(target, bytes_a_second, listener.getsockname()[1])
        thread = threading.Thread(target=relay.accept, args=(listener,), daemon=True)
        thread.start()
        try:
            yield relay
        finally:
            relay.thaw()
            listener.shutdown(socket.SHUT_RDWR)
