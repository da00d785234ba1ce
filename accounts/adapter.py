"""How this installation differs from django-allauth's defaults."""

from typing import Any
from urllib.parse import quote

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailConfirmation
from django.conf import settings
from django.contrib.sites.shortcuts import get_current_site
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.known_browsers import remember_browser
from accounts.limits import Limit
from accounts.models import User
from accounts.sign_in import CodeRequired, account_subject, begin_attempt, checking
from raster import mail

#: Anybody can sign up with anybody's address. The links of earlier messages still work.
MAILS_ABOUT_SIGNING_UP = Limit("mails about signing up", 5, 24 * 3600)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types for it
    """Sign-up by ``RASTER_SIGNUP``; links in mails on the configured address, whatever Host the request named."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Return whether strangers may make an account: only where ``RASTER_SIGNUP`` is ``open``."""
        return str(settings.SIGNUP) == "open"

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Queue a mail, for which django-allauth would have the page wait; without a mail server there is none."""
        if not settings.MAIL_CONFIGURED:
            return
        site = get_current_site(self.request)
        facts = {"request": self.request, "email": email, "current_site": site, **context}
        message = self.render_mail(template_prefix, email, facts)
        mail.send(email, message.subject, message.body, what=template_prefix.rpartition("/")[2].replace("_", " "))

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

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Return whose password this is, or None.

        Raises:
            RateLimited: there were too many attempts.
            ServiceUnavailable: too many passwords of others are checked.
            CodeRequired: a mailed code has to be entered before anything tells whether the password is right.
        """
        email = credentials["email"].strip().lower()
        attempt = begin_attempt(request, email)
        with checking(known=attempt.known):
            user: User | None = super().authenticate(request, **credentials)
        if attempt.needs_code:
            raise CodeRequired(email, user)
        if user is not None:
            attempt.succeed()
        return user

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        remember_browser(request, response, user)
        return response

    def reauthenticate(self, user: User, password: str) -> bool:
        """Return whether this is the password of the user, who is signed in: accounts/views.py counts by session."""
        with checking(known=True):
            return user.check_password(password)

    def send_confirmation_mail(self, request: HttpRequest, emailconfirmation: EmailConfirmation, signup: bool) -> None:
        if MAILS_ABOUT_SIGNING_UP.allows(account_subject(emailconfirmation.email_address.email)):
            super().send_confirmation_mail(request, emailconfirmation, signup)

    def send_account_already_exists_mail(self, email: str) -> None:
        if MAILS_ABOUT_SIGNING_UP.allows(account_subject(email)):
            super().send_account_already_exists_mail(email)
