"""What tests of the consent page share: an app's request, a person who is shown it, and what they answer."""

import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.test import Client as Browser
from django.utils import timezone

from accounts.models import User
from connections.models import AuthorizationRequest, Client
from tests.apikeys.people import Answer, sign_in
from tests.connections.factories import RETURN_ADDRESS, make_client

CHALLENGE = "a" * 43
STATE = "from-the-app"


def query(**changes: Any) -> str:
    """Return the address of a request that is right, with ``changes``; a parameter of None is left out."""
    parameters = {
        "response_type": "code",
        "client_id": "test-app",
        "redirect_uri": RETURN_ADDRESS,
        "state": STATE,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    told = {name: value for name, value in parameters.items() if value is not None}
    return f"/authorize?{urlencode(told, doseq=True)}"


def asked(browser: Browser, **changes: Any) -> str:
    """Let an app ask the person of a browser; return the address of the page that shows it."""
    answer = browser.get(query(**changes))
    assert answer.status_code == 303, answer.content
    address: str = answer.headers["Location"]
    assert address.startswith("/authorize/")
    return address


def page_for(user: User, **changes: Any) -> str:
    """Return the page that a person is shown."""
    browser = sign_in(user)
    return text(browser.get(asked(browser, **changes)))


def text(answer: Answer) -> str:
    return unescape(answer.content.decode())


def words(answer: Answer) -> str:
    """Return what a page says, without its markup."""
    main = "<main" + text(answer).partition("<main")[2]
    return " ".join(re.sub(r"<[^>]*>", " ", re.sub(r"</?(?:a|b|bdi|code|span)\b[^>]*>", "", main)).split())


def allow(browser: Browser, address: str, organization: str = "acme", **fields: Any) -> Any:
    """Press Allow."""
    return browser.post(address, {"decision": "allow", "organization": organization, **fields})


def cancel(browser: Browser, address: str) -> Any:
    return browser.post(address, {"decision": "cancel"})


def told(answer: Any) -> dict[str, list[str]]:
    """Return the parameters that an answer takes to the app."""
    assert answer.status_code == 303, answer.content
    return parse_qs(urlsplit(answer.headers["Location"]).query, keep_blank_values=True)


def expire_all() -> None:
    AuthorizationRequest.objects.update(expires=timezone.now())


def make_document_client(client_id: str = "https://claude.ai/oauth/client", **fields: Any) -> Client:
    """Make a client whose metadata document was read just now."""
    now = timezone.now()
    document = {"source": Client.Source.DOCUMENT, "name": "Claude", "read": now, "fresh_until": now + timedelta(days=1)}
    return make_client(client_id, **{**document, "redirect_uris": ["https://claude.ai/callback"], **fields})
