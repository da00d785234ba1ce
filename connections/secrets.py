"""The texts of tokens and codes, and the digests that are kept of them.

A token is its class's prefix, 43 base62 characters (256 bits) and a checksum of 6, as API keys have: a text that does
not check out is refused without a look into the database. At 256 bits a plain SHA-256 is the right digest.

The pair that replaces a refresh token is derived from it (HMAC-SHA-256 under the newest pepper, which is outside the
database): a refresh that is sent again, or by two processes at once, gets the same pair, although none is stored.
"""

import hmac
import secrets
from typing import NamedTuple

from django.conf import settings

from apikeys.secrets import newest_pepper
from raster import tokens

ACCESS_TOKEN = "rsto_"  # noqa: S105 - what such a token begins with
REFRESH_TOKEN = "rstr_"  # noqa: S105 - what such a token begins with
DEVICE_CODE = "rstd_"
#: Consonants that are not mistaken for each other, and spell no word (RFC 8628, section 6.1).
USER_CODE_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
USER_CODE_LENGTH = 8

generate = tokens.generate
is_well_formed = tokens.is_well_formed
digest = tokens.digest


class Pair(NamedTuple):
    """An access token and its refresh token, in clear."""

    access: str
    refresh: str


def generate_pair() -> Pair:
    """Make a first access token and refresh token."""
    return Pair(generate(ACCESS_TOKEN), generate(REFRESH_TOKEN))


def successor(refresh_token: str) -> Pair:
    """Return the pair that replaces a refresh token: always the same one, while the newest pepper stays."""
    return Pair(
        tokens.text_of(ACCESS_TOKEN, _keyed("successor access", refresh_token)),
        tokens.text_of(REFRESH_TOKEN, _keyed("successor refresh", refresh_token)),
    )


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


def _keyed(purpose: str, text: str) -> bytes:
    pepper: bytes = settings.KEY_PEPPERS[newest_pepper()]
    return hmac.digest(pepper, f"connections {purpose}:{text}".encode(), "sha256")
