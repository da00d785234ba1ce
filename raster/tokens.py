"""The texts of credentials: a prefix that says which class one is of, base62, and a checksum.

The checksum is the CRC32 of all that stands before it, so that a mistyped text is refused without a look into the
database and scanners have no false positives. A token has 256 bits, at which a plain SHA-256 is the right digest.
"""

import hashlib
import secrets
import string
import zlib

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
CHECKSUM_LENGTH = 6
SECRET_BYTES = 32
SECRET_LENGTH = 43  # base62 characters that hold 32 bytes


def checksum(body: str) -> str:
    """Return the CRC32 of ``body`` as six base62 characters, padded with 0 on the left."""
    return _base62(zlib.crc32(body.encode()), CHECKSUM_LENGTH)


def generate(prefix: str) -> str:
    """Make a token of a class from the system's random source."""
    return text_of(prefix, secrets.token_bytes(SECRET_BYTES))


def text_of(prefix: str, value: bytes) -> str:
    """Return the token of a class that stands for these ``SECRET_BYTES`` bytes."""
    body = prefix + _base62(int.from_bytes(value, "big"), SECRET_LENGTH)
    return body + checksum(body)


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


def _base62(number: int, length: int) -> str:
    characters = []
    for _ in range(length):
        number, remainder = divmod(number, len(ALPHABET))
        characters.append(ALPHABET[remainder])
    return "".join(reversed(characters))
