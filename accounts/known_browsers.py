"""Known browsers: those in which an account signed in since its password was last changed.

A signed cookie for each account marks them. It outlives signing out and signs nobody in: it only keeps what strangers
do to an account away from the browsers of its owner (accounts/sign_in.py).
"""

import secrets

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.models import User

LIFETIME_SECONDS = 365 * 24 * 3600
SALT = "accounts.known_browsers"
ID_BYTES = 12


def known_browser(request: HttpRequest, email: str) -> str | None:
    """Return the id that this browser has for the account with this address, or None where it is unknown.

    Only a browser whose cookie bears our signature costs a query, so the answer takes as long for an address without
    an account.
    """
    try:
        user_id, browser, mark = signing.loads(
            request.COOKIES.get(_cookie_name(email), ""), salt=SALT, max_age=LIFETIME_SECONDS
        )
    except (signing.BadSignature, ValueError):
        return None
    user = User.objects.filter(pk=user_id, email=email.lower()).only("password").first()
    return str(browser) if user is not None and constant_time_compare(mark, _password_mark(user)) else None


def remember_browser(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Make the browser a known one of the user, who has just signed in. A browser that is known keeps its id."""
    browser = known_browser(request, user.email) or secrets.token_urlsafe(ID_BYTES)
    response.set_cookie(
        _cookie_name(user.email),
        signing.dumps([user.pk, browser, _password_mark(user)], salt=SALT),
        max_age=LIFETIME_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _cookie_name(email: str) -> str:
    digest = salted_hmac(SALT, email.lower(), algorithm="sha256").hexdigest()[:16]
    return f"{settings.KNOWN_BROWSER_COOKIE_PREFIX}{digest}"


def _password_mark(user: User) -> str:
    """Return what changes with the password and says nothing about it."""
    return salted_hmac(SALT, user.password, algorithm="sha256").hexdigest()[:32]
