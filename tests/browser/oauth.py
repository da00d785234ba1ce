"""What tests of the authorization server share: a person in a browser, and the place that an app is returned to."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect

from accounts.models import User
from tests.factories import PASSWORD, give_password

SECONDS = 60


@dataclass
class ReturnAddress:
    """A program on this computer that waits for a browser to come back to it."""

    url: str
    arrived: "queue.Queue[dict[str, str]]" = field(default_factory=queue.Queue)

    def wait(self) -> dict[str, str]:
        """Return the parameters that the browser brought."""
        return self.arrived.get(timeout=SECONDS)


@contextmanager
def return_address(path: str = "/callback") -> Iterator[ReturnAddress]:
    """Listen on a free port of this computer until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            if address.path == path:
                place.arrived.put({name: values[0] for name, values in parse_qs(address.query).items()})
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>Connected</title><h1>You can close this page</h1>")

        def log_message(self, *arguments: object) -> None:
            """Stay silent."""

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    place = ReturnAddress(f"http://127.0.0.1:{listener.server_port}{path}")
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    try:
        yield place
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


def sign_in_on_the_way(page: Page, user: User) -> None:
    """Sign in on the page that an app's request led to."""
    give_password(user)
    page.get_by_label("Email").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def allow(page: Page, *, organization: str | None = None, read_only: bool = False) -> None:
    """Answer the consent page as a person does: choose, and press Allow."""
    expect(page.get_by_role("button", name="Allow")).to_be_visible()
    if organization is not None:
        page.get_by_role("group", name="Organization").get_by_role("radio", name=organization).check()
    if read_only:
        page.get_by_label("Read only").check()
    page.get_by_role("button", name="Allow").click()
