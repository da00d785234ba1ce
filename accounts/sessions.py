"""Sessions in the database that a copy of the database cannot be used to take over.

The row is found by a digest of the session key, and its data is encrypted under a key derived from the session key,
which only the browser's cookie holds.
"""

import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Session

DIGEST_LENGTH = 40  # hexadecimal characters, 160 bits: the width of the column


def digest(session_key: str) -> str:
    """Return what the database holds in place of the session key."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:DIGEST_LENGTH]


def digest_of_session(request: HttpRequest) -> str:
    """Return what ties something to the browser's session without giving away the session's key."""
    return digest(request.session.session_key or "")


class SessionStore(SessionBase):
    """Django's session engine protocol over :class:`accounts.models.Session`."""

    def encode(self, session_dict: dict[str, Any]) -> str:
        return self._cipher().encrypt(json.dumps(session_dict).encode()).decode()

    def decode(self, session_data: str | bytes) -> dict[str, Any]:
        try:
            stored: dict[str, Any] = json.loads(self._cipher().decrypt(session_data))
        except (InvalidToken, ValueError):
            return {}
        return stored

    def load(self) -> dict[str, Any]:
        row = Session.objects.filter(session_key=digest(self.session_key or ""), expire_date__gt=timezone.now()).first()
        if row is None:
            self._session_key = None
            return {}
        return self.decode(row.session_data)

    def exists(self, session_key: str) -> bool:
        return Session.objects.filter(session_key=digest(session_key)).exists()

    def create(self) -> None:
        self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]  # not in the stubs
        self.save(must_create=True)
        self.modified = True

    def save(self, must_create: bool = False) -> None:
        if self.session_key is None:
            return self.create()
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]  # not in the stubs
        row = {"session_data": self.encode(data), "expire_date": self.get_expiry_date()}
        if not must_create:
            if not Session.objects.filter(session_key=digest(self.session_key)).update(**row):
                raise UpdateError
            return None
        try:
            with transaction.atomic():
                Session.objects.create(session_key=digest(self.session_key), **row)
        except IntegrityError:
            raise CreateError from None

    def delete(self, session_key: str | None = None) -> None:
        session_key = session_key or self.session_key
        if session_key:
            Session.objects.filter(session_key=digest(session_key)).delete()

    @classmethod
    def clear_expired(cls) -> None:
        Session.objects.filter(expire_date__lt=timezone.now()).delete()

    def _cipher(self) -> Fernet:
        session_key = self._get_or_create_session_key()  # type: ignore[attr-defined]  # not in the stubs
        secret = f"accounts.sessions:{session_key}".encode()
        key = hmac.digest(settings.SECRET_KEY.encode(), secret, "sha256")
        return Fernet(base64.urlsafe_b64encode(key))
