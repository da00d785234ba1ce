"""How this installation differs from django-allauth's defaults."""

from urllib.parse import quote

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailConfirmation
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types for it
    """Sign-up by ``RASTER_SIGNUP``; links in mails on the configured address, whatever Host the request named."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Return whether strangers may make an account: only where ``RASTER_SIGNUP`` is ``open``."""
        return str(settings.SIGNUP) == "open"

    def get_reset_password_from_key_url(self, key: str) -> str:
        path: str = reverse("account_reset_password_from_key", kwargs={"uidb36": "0", "key": "key"})
        return f"{settings.BASE_URL}{path.removesuffix('0-key')}{quote(key)}"

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: EmailConfirmation) -> str:
        return f"{settings.BASE_URL}{reverse('account_confirm_email', args=[emailconfirmation.key])}"

    def is_safe_url(self, url: str) -> bool:
        """Return whether somebody who signed in may be sent there: to a page, never to the host of uploaded files.

        A query decides nothing about that, and Django would refuse one that is long, as what apps ask for can be.
        """
        address = url.partition("?")[0] if url else url
        return url_has_allowed_host_and_scheme(
            address, allowed_hosts={settings.BASE_HOST}, require_https=not settings.DEV
        )

    def reauthenticate(self, user: User, password: str) -> bool:
        """Return whether this is the user's password, asked for by the address that they sign in with."""
        found = self.authenticate(self.request, email=user.email, password=password)
        return found is not None and found.pk == user.pk
