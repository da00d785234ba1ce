"""Sites on this machine, with certificates of an authority that a test run makes for itself."""

import contextlib
import ipaddress
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.environment import DATA_DIR

NAMES = ("localhost", "app.example.com", "cdn.app.example.com", "other.example.org")
Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Authority:
    """Who vouches for the sites: ``certificates`` is the file that makes a program believe it (``SSL_CERT_FILE``)."""

    certificates: Path
    chain: Path

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain)
        return context


def make_authority() -> Authority:
    """Make an authority, and a certificate of it for every one of ``NAMES`` and 127.0.0.1."""
    now = datetime.now(UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("Tests", "Sites of tests")]

    def builder(subject: int) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .issuer_name(names[0])
            .subject_name(names[subject])
            .public_key(keys[subject].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=subject == 0, path_length=None), critical=True)
        )

    alternatives = [x509.DNSName(name) for name in NAMES]
    addresses = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    root = builder(0).sign(keys[0], hashes.SHA256())
    leaf = (
        builder(1)
        .add_extension(x509.SubjectAlternativeName([*alternatives, *addresses]), critical=False)
        .sign(keys[0], hashes.SHA256())
    )
    authority = Authority(DATA_DIR / "authority.pem", DATA_DIR / "sites.pem")
    authority.certificates.write_bytes(root.public_bytes(serialization.Encoding.PEM))
    key = keys[1].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    authority.chain.write_bytes(key + leaf.public_bytes(serialization.Encoding.PEM))
    return authority


@dataclass
class Site:
    """A site whose pages a test sets. ``asked`` lists the paths of the requests that it got, and their headers."""

    port: int
    scheme: str = "https"
    host: str = "localhost"
    pages: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"

    def page(self, path: str, body: bytes | dict[str, Any], status: int = 200, **headers: str) -> str:
        """Set what is at a path, and return its URL; ``headers`` are named with underscores."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        sent.update({name.replace("_", "-").title(): value for name, value in headers.items()})

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in sent.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(content)

        self.pages[path] = answer
        return self.origin + path

    def paths_asked(self) -> list[str]:
        return [path for path, _ in self.asked]


@contextlib.contextmanager
def running_site(authority: Authority | None) -> Iterator[Site]:
    """Run a site until the block ends: over HTTPS, or without an authority over plain HTTP."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append((self.path, dict(self.headers)))
            answer = site.pages.get(self.path)
            with contextlib.suppress(OSError):  # whoever asked may have had enough
                if answer is None:
                    self.send_error(404)
                else:
                    answer(self)

        def log_message(self, *_: Any) -> None:
            pass

    class Listener(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            pass  # a handshake that was refused

        def finish_request(self, request: Any, client_address: Any) -> None:
            if context is None:
                super().finish_request(request, client_address)
                return
            # Here, in the request's own thread, so that a slow handshake holds nobody up.
            with context.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)

    context = None if authority is None else authority.context()
    listener = Listener(("127.0.0.1", 0), Handler)
    site = Site(listener.server_address[1], "http" if authority is None else "https")
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()
