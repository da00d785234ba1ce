"""The whole way over HTTP: an app registers, a person is asked and answers, the app exchanges its code."""

import base64
import hashlib
import re
import secrets
import socket
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
from django.conf import settings
from django.test import Client as Browser

from accounts.models import User
from tests.factories import PASSWORD, give_password
from tests.mcp.client import MODERN, call_tool
from tests.server import Server

RETURN_ADDRESS = "https://app.example.com/callback"
SECONDS = 60
EVERY_GRANT = ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"]


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def register(server: Server, **metadata: Any) -> httpx2.Response:
    """Register a client; ``metadata`` adds to or replaces what a usual one sends."""
    body = {"client_name": "Test app", "redirect_uris": [RETURN_ADDRESS], "grant_types": EVERY_GRANT, **metadata}
    return httpx2.post(f"{server.url}/register", json=body, timeout=SECONDS)


def person(server: Server, user: User) -> httpx2.Client:
    """Return a browser with a session of ``user``. It follows no redirect: where one leads is what tests look at."""
    browser = Browser()
    browser.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    return httpx2.Client(base_url=server.url, cookies={name: browser.cookies[name].value}, timeout=SECONDS)


def sign_in(browser: httpx2.Client, user: User, page: httpx2.Response) -> httpx2.Response:
    """Fill in the sign-in page that a browser was led to, and send it."""
    give_password(user)
    assert page.status_code == 302, page.text
    form = browser.get(page.headers["location"])
    fields = {**hidden_fields(form.text), "login": user.email, "password": PASSWORD}
    return browser.post(page.headers["location"], data=fields)


def hidden_fields(page: str) -> dict[str, str]:
    """Return the hidden fields of a page's first form."""
    form = page.partition("<form")[2].partition("</form>")[0]
    return {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)}


def answer(response: httpx2.Response) -> dict[str, str]:
    """Return the parameters that a redirect takes to an app; each is there once."""
    assert response.status_code == 303, response.text
    parameters = parse_qs(urlsplit(response.headers["location"]).query, keep_blank_values=True, strict_parsing=True)
    assert all(len(values) == 1 for values in parameters.values()), parameters
    return {name: values[0] for name, values in parameters.items()}


@dataclass
class App:
    """A program with its client id, and what it keeps to itself until its code comes."""

    server: Server
    client_id: str
    redirect_uri: str = RETURN_ADDRESS
    state: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @classmethod
    def registered(cls, server: Server, redirect_uri: str = RETURN_ADDRESS, **metadata: Any) -> "App":
        """Return an app that registered itself."""
        response = register(server, redirect_uris=[redirect_uri], **metadata)
        assert response.status_code == 201, response.text
        return cls(server, response.json()["client_id"], redirect_uri)

    def address(self, **changes: Any) -> str:
        """Return the path at which people are asked; a parameter of None is left out."""
        parameters = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "state": self.state,
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            **changes,
        }
        kept = {name: value for name, value in parameters.items() if value is not None}
        return f"/authorize?{urlencode(kept, doseq=True)}"

    def ask(self, browser: httpx2.Client, **changes: Any) -> httpx2.Response:
        return browser.get(self.address(**changes))

    def shown(self, browser: httpx2.Client, **changes: Any) -> httpx2.Response:
        """Ask somebody, and return the page that they see."""
        asked = self.ask(browser, **changes)
        assert asked.status_code == 303, asked.text
        return browser.get(asked.headers["location"])

    def allowed(self, browser: httpx2.Client, organization: str = "acme", **changes: Any) -> httpx2.Response:
        """Ask somebody who presses Allow."""
        return press(browser, self.shown(browser, **changes), organization=organization)

    def exchange(self, code: str, **form: Any) -> httpx2.Response:
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        }
        return self.token(**{**asked, **form})

    def refresh(self, refresh_token: str, **form: Any) -> httpx2.Response:
        return self.token(grant_type="refresh_token", refresh_token=refresh_token, **form)

    def token(self, **form: Any) -> httpx2.Response:
        """Ask for tokens; a field of None is left out."""
        fields = {"client_id": self.client_id, **form}
        kept = {name: value for name, value in fields.items() if value is not None}
        return httpx2.post(f"{self.server.url}/token", data=kept, timeout=SECONDS)

    def connect(self, browser: httpx2.Client, organization: str = "acme", **changes: Any) -> dict[str, Any]:
        """Go the whole way; return what the app is told with its tokens."""
        told = answer(self.allowed(browser, organization, **changes))
        response = self.exchange(told["code"])
        assert response.status_code == 200, response.text
        tokens: dict[str, Any] = response.json()
        return tokens


def press(
    browser: httpx2.Client, page: httpx2.Response, decision: str = "allow", organization: str = "acme", **fields: Any
) -> httpx2.Response:
    """Answer the consent page that a browser shows; a field of None is left out."""
    form = {**hidden_fields(page.text), "decision": decision, "organization": organization, **fields}
    kept = {name: value for name, value in form.items() if value is not None}
    return browser.post(str(page.url), data=kept)


def works(server: Server, access_token: str, path: str = "/mcp") -> bool:
    """Return whether an access token is let in."""
    return call_tool(f"{server.url}{path}", access_token, MODERN, "whoami", {}).status_code == 200


def refusal(response: httpx2.Response, status: int = 400) -> str:
    """Return the protocol's word for why an endpoint refused something."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    word: str = response.json()["error"]
    return word


def whoami(server: Server, access_token: str, path: str = "/mcp") -> Any:
    """Return what an access token is told of itself, and the HTTP status where it is refused."""
    response = call_tool(f"{server.url}{path}", access_token, MODERN, "whoami", {})
    return response.json()["result"]["structuredContent"] if response.status_code == 200 else response.status_code


def send_bytes(server: Server, request: bytes) -> tuple[int, str]:
    """Send bytes as they are, which end by closing the connection; return the status and all that came back."""
    received = b""
    with socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0), timeout=SECONDS) as connection:
        connection.sendall(request)
        while chunk := connection.recv(65536):
            received += chunk
    return int(received.split(b" ", 2)[1]), received.decode("latin-1")
