"""The texts of tokens and codes, and the digests that are kept of them.

A token is its class's prefix, 43 base62 characters (256 bits) and a checksum of 6, as API keys have: a text that does
not check out is refused without a look into the database. At 256 bits a plain SHA-256 is the right digest.

The pair that replaces a refresh token is derived from it (HMAC-SHA-256 under the newest pepper, which is outside the
database): a refresh that is sent again, or by two processes at once, gets the same pair, although none is stored.
"""

import hashlib
import hmac
import secrets
from typing import NamedTuple

from django.conf import settings

from apikeys.secrets import ALPHABET, CHECKSUM_LENGTH, checksum, newest_pepper

ACCESS_TOKEN = "rsto_"  # noqa: S105 - what such a token begins with
REFRESH_TOKEN = "rstr_"  # noqa: S105 - what such a token begins with
DEVICE_CODE = "rstd_"
SECRET_BYTES = 32
SECRET_LENGTH = 43  # base62 characters that hold 32 bytes
#: Consonants that are not mistaken for each other, and spell no word (RFC 8628, section 6.1).
USER_CODE_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
USER_CODE_LENGTH = 8


class Pair(NamedTuple):
    """An access token and its refresh token, in clear."""

    access: str
    refresh: str


def generate(prefix: str) -> str:
    """Make a token of a class from the system's random source."""
    return _text(prefix, secrets.token_bytes(SECRET_BYTES))


def generate_pair() -> Pair:
    """Make a first access token and refresh token."""
    return Pair(generate(ACCESS_TOKEN), generate(REFRESH_TOKEN))


def successor(refresh_token: str) -> Pair:
    """Return the pair that replaces a refresh token: always the same one, while the newest pepper stays."""
    return Pair(
        _text(ACCESS_TOKEN, _keyed("successor access", refresh_token)),
        _text(REFRESH_TOKEN, _keyed("successor refresh", refresh_token)),
    )


def is_well_formed(text: str, prefix: str) -> bool:
    """Return whether ``text`` could be a token of a class: its form is right, and its checksum."""
    body, check = text[:-CHECKSUM_LENGTH], text[-CHECKSUM_LENGTH:]
    return (
        len(text) == len(prefix) + SECRET_LENGTH + CHECKSUM_LENGTH
        and text.startswith(prefix)
        and text.isascii()
        and checksum(body) == check
    )


def digest(text: str) -> bytes:
    """Return what the database holds in place of a token or code."""
    return hashlib.sha256(text.encode()).digest()


def generate_user_code() -> str:
    """Make a code for people to type: ``XXXX-XXXX``, 34 bits."""
    letters = "".join(secrets.choice(USER_CODE_ALPHABET) for _ in range(USER_CODE_LENGTH))
    return f"{letters[:4]}-{letters[4:]}"


def user_code_digest(text: str) -> bytes | None:
    """Return what is held in place of a typed code, whatever its case and dashes; None if it can be none.

    It is keyed: with so few bits, a plain digest could be undone by trying all of them.
    """
    letters = "".join(character for character in text.upper() if character not in "- ")
    if len(letters) != USER_CODE_LENGTH or not set(letters) <= set(USER_CODE_ALPHABET):
        return None
    return _keyed("user code", letters)


def _text(prefix: str, value: bytes) -> str:
    number = int.from_bytes(value, "big")
    characters = []
    for _ in range(SECRET_LENGTH):
        number, remainder = divmod(number, len(ALPHABET))
        characters.append(ALPHABET[remainder])
    body = prefix + "".join(reversed(characters))
    return body + checksum(body)


def _keyed(purpose: str, text: str) -> bytes:
    pepper: bytes = settings.KEY_PEPPERS[newest_pepper()]
    return hmac.digest(pepper, f"connections {purpose}:{text}".encode(), "sha256")
