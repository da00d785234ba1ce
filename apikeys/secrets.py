"""The API key itself: its form, its checksum, and the digest that is kept of it.

``rstk_`` + 10 characters of public id + ``_`` + 32 characters of secret + 6 characters of checksum. The alphabet is
base62, so that a double click selects the whole key; the checksum is the CRC32 of all that stands before it, so that
a mistyped key is refused without a look into the database and scanners have no false positives. 32 base62 characters
are 190 bits: enough that a plain keyed hash (HMAC-SHA-256) is the right digest, and a password hash would only be slow.
"""

import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from django.conf import settings

from raster import tokens

PREFIX = "rstk_"
ALPHABET = tokens.ALPHABET
PUBLIC_ID_LENGTH = 10
SECRET_LENGTH = 32
CHECKSUM_LENGTH = tokens.CHECKSUM_LENGTH
checksum = tokens.checksum
PATTERN = re.compile(r"rstk_([0-9A-Za-z]{10})_[0-9A-Za-z]{38}")


class Digest(NamedTuple):
    """What is stored of a key: HMAC-SHA-256 of its whole text, and the number of the pepper that keyed it."""

    value: bytes
    pepper: int


@dataclass(frozen=True, slots=True)
class GeneratedKey:
    """A new key. ``text`` is the secret: hand it to the caller once and keep ``digest``."""

    public_id: str
    text: str = field(repr=False)
    digest: Digest


def generate() -> GeneratedKey:
    """Make a key from the system's random source, digested under the newest pepper."""
    public_id = _random(PUBLIC_ID_LENGTH)
    body = f"{PREFIX}{public_id}_{_random(SECRET_LENGTH)}"
    text = body + checksum(body)
    return GeneratedKey(public_id, text, digest(text, newest_pepper()))


def public_id(text: str) -> str | None:
    """Return the public id of a well-formed key whose checksum is right, else None."""
    match = PATTERN.fullmatch(text)
    if match is None or checksum(text[:-CHECKSUM_LENGTH]) != text[-CHECKSUM_LENGTH:]:
        return None
    return match[1]


def newest_pepper() -> int:
    """Return the number of the pepper that new digests use: the highest one configured."""
    return max(_peppers())


def digest(text: str, pepper: int) -> Digest:
    """Return the digest of a key under a configured pepper."""
    return Digest(hmac.digest(_peppers()[pepper], text.encode(), "sha256"), pepper)


def matches(text: str, stored: Digest | None) -> bool:
    """Return whether ``text`` is the key that ``stored`` was made of.

    The same work is done where nothing is stored, and where the pepper is no longer configured (the answer is False):
    how long it takes says nothing about which public ids exist.
    """
    pepper = stored.pepper if stored is not None and stored.pepper in _peppers() else newest_pepper()
    computed = digest(text, pepper)
    expected = stored if stored is not None else Digest(bytes(len(computed.value)), 0)
    return hmac.compare_digest(computed.value, expected.value) and computed.pepper == expected.pepper


def _peppers() -> Mapping[int, bytes]:
    peppers: Mapping[int, bytes] = settings.KEY_PEPPERS
    return peppers


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
