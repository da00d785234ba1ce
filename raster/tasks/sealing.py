"""Encryption of a task's arguments, so that a copy of the database gives nobody the links in a mail."""

import base64
import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

PURPOSE = b"raster.tasks: arguments"


class Unreadable(Exception):
    """The arguments were encrypted under another ``SECRET_KEY``."""


def seal(arguments: dict[str, Any]) -> bytes:
    """Return the arguments, which JSON must be able to hold, encrypted under a key derived from ``SECRET_KEY``."""
    return _cipher(settings.SECRET_KEY).encrypt(json.dumps(arguments).encode())


def unseal(sealed: bytes) -> dict[str, Any]:
    """Return what was sealed.

    Raises:
        Unreadable: it cannot be decrypted.
    """
    try:
        opened: dict[str, Any] = json.loads(_cipher(settings.SECRET_KEY).decrypt(sealed))
    except InvalidToken:
        raise Unreadable from None
    return opened


@lru_cache(maxsize=2)
def _cipher(secret: str) -> Fernet:
    key = HKDF(SHA256(), length=32, salt=None, info=PURPOSE).derive(secret.encode())
    return Fernet(base64.urlsafe_b64encode(key))
