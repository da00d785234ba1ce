"""How this installation differs from django-allauth's defaults."""

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types for it
    """Sign-up by ``RASTER_SIGNUP``; links in mails on the configured address, whatever Host the request named."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Return whether strangers may make an account: only where ``RASTER_SIGNUP`` is ``open``."""
        return str(settings.SIGNUP) == "open"
