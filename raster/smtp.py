"""Sending by SMTP within a time limit for the whole attempt, whatever the server does."""

import smtplib
import socket
import threading
import time
from typing import Any

from django.core.mail.backends import smtp


class _TimeLimited(smtplib.SMTP):
    """Ends the conversation after ``timeout`` seconds. Python's own limit is one for each packet."""

    _alarm: threading.Timer | None = None
    _duplicate: socket.socket | None = None

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Connect; smtplib calls this first, and waits for the server's greeting next."""
        ends = time.monotonic() + timeout
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        # Each address is tried with the full timeout otherwise.
        connection = super()._get_socket(host, port, timeout / len(addresses))  # type: ignore[misc]  # not in the stubs
        connected: socket.socket = connection
        connected.settimeout(timeout)
        # TLS takes the connection out of its socket, and leaves a duplicate's alone.
        self._duplicate = connected.dup()
        self._alarm = threading.Timer(max(0.0, ends - time.monotonic()), _cut, [self._duplicate])
        self._alarm.daemon = True
        self._alarm.start()
        return connected

    def close(self) -> None:
        super().close()
        if self._alarm is not None and self._duplicate is not None:
            self._alarm.cancel()
            self._duplicate.close()


class _TimeLimitedTLS(smtplib.SMTP_SSL, _TimeLimited):
    """The same where the connection begins with TLS."""


class EmailBackend(smtp.EmailBackend):
    """Django's backend, in which ``EMAIL_TIMEOUT`` limits the whole attempt."""

    @property
    def connection_class(self) -> Any:
        return _TimeLimitedTLS if self.use_ssl else _TimeLimited


def _cut(duplicate: socket.socket) -> None:
    """End a connection: whoever waits for it reads its end."""
    try:
        duplicate.shutdown(socket.SHUT_RDWR)
    except OSError:  # it has ended already
        pass
    finally:
        duplicate.close()
