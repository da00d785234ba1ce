"""How sure it is who an app is, in words: what a person is told of it before they allow it anything.

An app's name is whatever the app says. What can be known is where its metadata document is (its site published it),
where it returns to, and whether staff registered it.
"""

import ipaddress
import unicodedata
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import Enum
from urllib.parse import urlsplit

from django.conf import settings

from connections.models import Client
from connections.redirects import is_loopback_uri
from raster.contracts import JOINERS, is_invisible

LONGEST_NAME = 64
NAMELESS = "An app without a name"
MOST_MARKS = 2
#: Of a foreign text, so much is looked at: composing a long one may take long.
MOST_READ = 1000
#: Letters and symbols that show nothing, although Unicode does not count them as control characters.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_QUOTES = str.maketrans(dict.fromkeys('\u201c\u201d\u201e\u201f\u00ab\u00bb\u301d\u301e\u301f"', "'"))
_CYRILLIC = (
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u04bb\u04cf\u043a\u043c\u0442\u043d\u0432"
)
_GREEK = "\u03b1\u03b5\u03bf\u03c1\u03c5\u03c7\u03b9\u03ba\u03c4\u03bd\u03b3"
#: Letters of other scripts, and digits, that are read as Latin letters.
_READ_AS = str.maketrans(_CYRILLIC + _GREEK + "013457$@", "aeopcyxijsdhlkmthb" + "aeopuxiktvy" + "oleastsa")


@dataclass(frozen=True, slots=True)
class Product:
    """A product that people know by name, the sites that are its maker's, and the schemes of its programs."""

    name: str
    sites: tuple[str, ...]
    schemes: tuple[str, ...] = ()


_ANTHROPIC = ("claude.ai", "claude.com", "anthropic.com")
_OPENAI = ("chatgpt.com", "openai.com")
_GOOGLE = ("google.com", "gemini.google.com")
_MICROSOFT = ("vscode.dev", "microsoft.com", "github.com")
PRODUCTS = {
    "claude": Product("Claude", _ANTHROPIC, ("claude",)),
    "anthropic": Product("Anthropic", _ANTHROPIC, ("claude",)),
    "chatgpt": Product("ChatGPT", _OPENAI, ("chatgpt",)),
    "openai": Product("OpenAI", _OPENAI, ("chatgpt",)),
    "codex": Product("Codex", _OPENAI),
    "cursor": Product("Cursor", ("cursor.com", "cursor.sh"), ("cursor",)),
    "visualstudio": Product("Visual Studio Code", _MICROSOFT, ("vscode", "vscode-insiders")),
    "vscode": Product("VS Code", _MICROSOFT, ("vscode", "vscode-insiders")),
    "copilot": Product("Copilot", (*_MICROSOFT, "copilot.microsoft.com"), ("vscode", "vscode-insiders")),
    "github": Product("GitHub", ("github.com",)),
    "microsoft": Product("Microsoft", ("microsoft.com",)),
    "gemini": Product("Gemini", _GOOGLE),
    "google": Product("Google", _GOOGLE),
    "perplexity": Product("Perplexity", ("perplexity.ai",)),
    "mistral": Product("Mistral", ("mistral.ai",)),
    "windsurf": Product("Windsurf", ("windsurf.com", "codeium.com"), ("windsurf",)),
    "figma": Product("Figma", ("figma.com",)),
    "notion": Product("Notion", ("notion.so", "notion.com")),
    "slack": Product("Slack", ("slack.com",)),
    "zapier": Product("Zapier", ("zapier.com",)),
    "raster": Product("Raster", ()),
}
_CLOSENESS = 0.82
LEAST_TO_COMPARE = 6


class Kind(Enum):
    """What is known of an app, the surest first."""

    VERIFIED_DOMAIN = "verified domain"
    STAFF = "registered by staff"
    DOCUMENT_ON_THIS_COMPUTER = "document, on this computer"
    DOCUMENT_ELSEWHERE = "document, elsewhere"
    SELF_NAMED = "self-named"


@dataclass(frozen=True, slots=True)
class Trust:
    """How sure it is who an app is: in a few words, in a sentence, and what speaks against its name, if anything."""

    kind: Kind
    label: str
    sentence: str
    warning: str = ""

    @property
    def is_verified(self) -> bool:
        return self.kind is Kind.VERIFIED_DOMAIN


def trust_in(client: Client, redirect_uri: str) -> Trust:
    """Return how sure it is who ``client`` is, when it returns to ``redirect_uri``; devices return to nowhere ("")."""
    if client.source == Client.Source.DOCUMENT:
        site = host_of(client.client_id)
        return replace(_trust_in_document(site, redirect_uri), warning=_look_alike_on(site, client.name))
    if client.source == Client.Source.STAFF:
        return Trust(Kind.STAFF, "Registered by staff", "The staff of this installation registered this app.")
    name = shown_name(client)
    if is_loopback_uri(redirect_uri):
        # No site elsewhere gets the answer, so a well-known name is most likely that of the program itself.
        sentence = (
            f"A program on this computer named itself “{name}”. Nobody has checked who made it: continue only if you "
            "have just started it."
        )
        return Trust(Kind.SELF_NAMED, "A program on this computer", sentence)
    sentence = f"This app named itself “{name}”. Nobody has checked who made it."
    return Trust(Kind.SELF_NAMED, "Not verified", sentence, _look_alike(client, redirect_uri))


def _trust_in_document(site: str, redirect_uri: str) -> Trust:
    host = host_of(redirect_uri)
    if not redirect_uri:
        sentence = f"{site}'s app, on a device: any program that shows you a code could claim to be it."
        return Trust(Kind.DOCUMENT_ELSEWHERE, f"{site}'s app, on a device", sentence)
    if is_loopback_uri(redirect_uri):
        sentence = f"{site}'s app, returning to a program on this computer: any program here could claim to be it."
        return Trust(Kind.DOCUMENT_ON_THIS_COMPUTER, f"{site}'s app, on this computer", sentence)
    if not host or not redirect_uri.startswith("https://"):
        links = f"{redirect_uri.partition(':')[0]}: links"
        sentence = f"{site}'s app, returning to the app that opens {links}: another one could claim to be it."
        return Trust(Kind.DOCUMENT_ELSEWHERE, f"{site}'s app, on this computer", sentence)
    if is_on_site(host, site):
        sentence = f"{site} published this app, and it returns there."
        return Trust(Kind.VERIFIED_DOMAIN, f"Verified domain: {site}", sentence)
    sentence = f"{site}'s app, returning to another site, {host}."
    return Trust(Kind.DOCUMENT_ELSEWHERE, f"{site}'s app, returning elsewhere", sentence)


def is_on_site(host: str, site: str) -> bool:
    """Return whether ``host`` is ``site`` or below it. Whoever has a host decides what is below, not what is beside."""
    return host == site or ("." in site and not _is_address(site) and host.endswith(f".{site}"))


def host_of(address: str) -> str:
    """Return the host of an address in lower case, without its port; empty where there is none."""
    return (urlsplit(address).hostname or "").removesuffix(".")


def shown_name(client: Client) -> str:
    """Return a client's name as it may be shown between quotes: one line of what can be seen, at most 64 characters."""
    text = plain_text(client.name, LONGEST_NAME)
    return text or NAMELESS


def plain_text(text: str, longest: int) -> str:
    """Return foreign text as one line that shows nothing else than it holds.

    Without control, direction and zero-width characters and piled-up accents; its quotes become single ones, since it
    is shown between double ones; an ellipsis stands for what is too long.
    """
    kept: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFKC", text[:MOST_READ]):
        marks = marks + 1 if unicodedata.combining(character) else 0
        if character.isspace():
            kept.append(" ")
        elif not _is_hidden(character) and marks <= MOST_MARKS:
            kept.append(character)
    line = " ".join("".join(kept).translate(_QUOTES).split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def _is_hidden(character: str) -> bool:
    return (
        is_invisible(character)
        or character in JOINERS
        or character in _BLANK
        or unicodedata.category(character) in {"Co", "Cn"}
        or unicodedata.name(character, "").startswith("VARIATION SELECTOR")
    )


def _look_alike(client: Client, redirect_uri: str) -> str:
    """Return a warning where a name resembles a known product's, and the app does not return to its maker's site."""
    product = _resembled(client.name)
    if product is None:
        return ""
    scheme = redirect_uri.partition(":")[0]
    host = host_of(redirect_uri)
    sites = _sites(product)
    if scheme in product.schemes or (scheme == "https" and any(is_on_site(host, site) for site in sites)):
        return ""
    elsewhere = f", but it does not return to {sites[0]}" if redirect_uri else ""
    return f"Its name resembles {product.name}{elsewhere}. Any app can take such a name."


def _look_alike_on(site: str, name: str) -> str:
    """Return what to say where a document names its app like a known product, and is not on its maker's site."""
    product = _resembled(name)
    if product is None or any(is_on_site(site, own) for own in _sites(product)):
        return ""
    return f"Its name resembles {product.name}, but {site} is not {_sites(product)[0]}. Any app can take such a name."


def _sites(product: Product) -> tuple[str, ...]:
    """Return the sites of a product's maker; those of Raster are where it runs."""
    return product.sites or (host_of(settings.BASE_URL),)


def _resembled(name: str) -> Product | None:
    """Return the known product that a name reads like."""
    decomposed = unicodedata.normalize("NFKD", plain_text(name, len(name) + 1).casefold())
    bare = "".join(character for character in decomposed if not unicodedata.combining(character)).translate(_READ_AS)
    words = "".join(character if character.isalnum() else " " for character in bare).split()
    joined = "".join(words)
    names = [key for key in PRODUCTS if key in joined]
    # Short names are close to too many words.
    names += [key for key in PRODUCTS if len(key) >= LEAST_TO_COMPARE and get_close_matches(key, words, 1, _CLOSENESS)]
    return PRODUCTS[names[0]] if names else None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
