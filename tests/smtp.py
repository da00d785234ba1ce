"""A mail server on this machine, and others that accept connections and then do not do their work."""

import contextlib
import email
import email.policy
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage

_ANSWERS = {"EHLO": "250-localhost\r\n250 STARTTLS", "STARTTLS": "220 go on", "QUIT": "221 bye"}


@dataclass
class MailServer:
    """What a mail server got. ``answers`` has its answers to commands, where they are not 250."""

    port: int
    tls: ssl.SSLContext | None = None
    starttls: bool = False
    mails: list[EmailMessage] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    mail: MailServer


class _Session(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        self._open(self.request)
        if self.server.mail.tls and not self.server.mail.starttls:
            self._encrypt()
        self._say("220 ready")
        while words := self.rfile.readline().split():
            command = words[0].upper().decode()
            answer = self.server.mail.answers.get(command, _ANSWERS.get(command, "250 fine"))
            if command == "DATA" and answer.startswith("250"):
                self._say("354 go on")
                self._receive()
            self._say(answer)
            if command == "STARTTLS":
                self._encrypt()

    def _open(self, connection: socket.socket) -> None:
        self.connection = connection
        self.rfile = connection.makefile("rb")

    def _encrypt(self) -> None:
        assert self.server.mail.tls is not None
        self._open(self.server.mail.tls.wrap_socket(self.connection, server_side=True))

    def _receive(self) -> None:
        lines: list[bytes] = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b"."))
        self.server.mail.mails.append(email.message_from_bytes(b"".join(lines), policy=email.policy.default))

    def _say(self, answer: str) -> None:
        self.connection.sendall(f"{answer}\r\n".encode())


@contextlib.contextmanager
def mail_server(port: int = 0, tls: ssl.SSLContext | None = None, *, starttls: bool = False) -> Iterator[MailServer]:
    """Run a mail server until the block ends. With ``tls`` it speaks TLS: from the start, or from STARTTLS on."""
    with _Server(("127.0.0.1", port), _Session) as server:
        server.mail = MailServer(server.server_address[1], tls, starttls)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.mail
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def silent_server() -> Iterator[int]:
    """Accept connections and never say a word; yield the port."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        yield listener.getsockname()[1]


@contextlib.contextmanager
def dripping_server() -> Iterator[int]:
    """Greet with a byte each second, without an end; yield the port."""
    stop = threading.Event()

    class Drip(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                while not stop.wait(1):
                    self.request.sendall(b"2")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Drip) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            stop.set()
            server.shutdown()
            thread.join()
