"""Where a client wants people back: how that is said in words, and how an answer is put on it."""

from dataclasses import dataclass
from urllib.parse import quote, unquote_plus, urlencode, urlsplit

from django.conf import settings

from connections.redirects import is_loopback_uri

ISSUER = "iss"


@dataclass(frozen=True, slots=True)
class ReturnPlace:
    """Where a person will be taken. ``host`` is the part to stand out; ``name`` is short, for a button."""

    before: str
    host: str
    after: str
    name: str
    is_on_this_computer: bool


def place_of(redirect_uri: str) -> ReturnPlace:
    """Return a return address in words."""
    parts = urlsplit(redirect_uri)
    if is_loopback_uri(redirect_uri):
        return ReturnPlace(
            "", "a program on this computer", f" ({parts.hostname})", "the program", is_on_this_computer=True
        )
    if parts.scheme == "https":
        return ReturnPlace("", parts.netloc.lower(), "", parts.netloc.lower(), is_on_this_computer=False)
    links = f"{parts.scheme}:"
    return ReturnPlace("the app that opens ", links, " links", "the app", is_on_this_computer=True)


def is_private_use(redirect_uri: str) -> bool:
    """Return whether an address opens a program by a scheme of its own, which browsers ask about first."""
    return urlsplit(redirect_uri).scheme not in {"http", "https"}


def with_answer(redirect_uri: str, answer: dict[str, str | None]) -> str:
    """Return the address that takes a client its answer, and who gives it (``iss``, RFC 9207).

    The address keeps its own query, but for what the answer says itself; a value of None is left out.
    """
    told = {name: value for name, value in {**answer, ISSUER: settings.BASE_URL}.items() if value is not None}
    address, _, query = redirect_uri.partition("?")
    own = [part for part in query.split("&") if part and unquote_plus(part.partition("=")[0]) not in {*answer, ISSUER}]
    return f"{address}?{'&'.join([*own, urlencode(told, quote_via=quote)])}"
