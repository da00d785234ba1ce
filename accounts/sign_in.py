"""What limits the guessing of passwords, without letting anybody keep a person out of their own account.

Wrong passwords are counted for each known browser by itself (accounts/known_browsers.py). Those of all other browsers
are counted together, for the account and for their IP address. When one of these two counts is used up, the password
alone no longer signs in: a code is mailed to the account's address and asked for as well. Before that code is entered
nothing tells whether the password was right, so further guesses are worth nothing. It is mailed only where the password
was right, so nobody without the password has mail sent. Where the server cannot send mail, unknown browsers wait.

An address without an account is counted and answered in the same way.
"""

import hashlib
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from threading import BoundedSemaphore

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from allauth.core.context import request_context
from allauth.core.internal.cryptokit import normalize_user_code
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.known_browsers import known_browser
from accounts.limits import Limit, subject_of_request
from accounts.models import User
from accounts.people import is_verified
from raster.errors import RateLimited, ServiceUnavailable
from raster.workers import give_connection_back

FAILURES_OF_BROWSER = Limit("sign-in of browser", 10, 300)
FAILURES_OF_ACCOUNT = Limit("sign-in of account", 100, 3600)
#: Generous, since an office has one address: beyond it people behind it need a code, and nobody is refused.
FAILURES_OF_ADDRESS = Limit("sign-in of address", 20, 60)
#: Passwords that are checked although the answer does not tell: each costs a tenth of a second of every processor.
CHECKS_OF_ADDRESS = Limit("sign-in with code of address", 40, 60)
CODE_SECONDS = 10 * 60
GUESSES_OF_CODE = Limit("sign-in code", 5, CODE_SECONDS)
#: Only people who know the password have codes mailed.
CODES_OF_ACCOUNT = Limit("sign-in codes of account", 20, 24 * 3600)
STATE = "accounts.sign_in"
#: How long a password waits for those before it to be checked.
WAIT_SECONDS = 10
# By whether the browser is known. A check takes 100 MB and every processor, so a process makes one at a time of each.
_CHECKING = {True: BoundedSemaphore(1), False: BoundedSemaphore(1)}

logger = logging.getLogger("raster.accounts")


class CodeRequired(Exception):
    """A code is needed as well; ``user`` is whose password it was, or None where it was nobody's."""

    def __init__(self, email: str, user: User | None) -> None:
        self.email = email
        self.user = user
        super().__init__()


@dataclass(frozen=True)
class Attempt:
    """A password that was counted before it is checked, so that parallel guesses are all counted."""

    counts: tuple[tuple[Limit, str], ...]
    known: bool = False
    needs_code: bool = False

    def succeed(self) -> None:
        """Count the attempt no longer: the password was right."""
        for limit, subject in self.counts:
            limit.give_back(subject)


@dataclass(frozen=True)
class PendingSignIn:
    """A sign-in that waits for its code, in the session. ``user_id`` is None where the password was wrong."""

    email: str
    user_id: int | None
    password_mark: str
    code_digest: str
    expires: float
    next_url: str | None


def begin_attempt(request: HttpRequest, email: str) -> Attempt:
    """Count an attempt to sign in.

    Raises:
        RateLimited: there were too many, and no code can help.
    """
    browser = known_browser(request, email)
    if browser is not None:
        FAILURES_OF_BROWSER.hit(browser)
        return Attempt(((FAILURES_OF_BROWSER, browser),), known=True)
    address, account = subject_of_request(request), account_subject(email)
    try:
        FAILURES_OF_ADDRESS.hit(address)
        FAILURES_OF_ACCOUNT.hit(account)
    except RateLimited:
        if not settings.MAIL_CONFIGURED:
            raise
        CHECKS_OF_ADDRESS.hit(address)
        return Attempt((), needs_code=True)
    return Attempt(((FAILURES_OF_ADDRESS, address), (FAILURES_OF_ACCOUNT, account)))


@contextmanager
def checking(*, known: bool) -> Iterator[None]:
    """Wait for one's turn to check a password: known browsers never wait behind others.

    Raises:
        ServiceUnavailable: the turn did not come in time.
    """
    give_connection_back()
    if not _CHECKING[known].acquire(timeout=WAIT_SECONDS):
        raise ServiceUnavailable
    try:
        yield
    finally:
        _CHECKING[known].release()


def account_subject(email: str) -> str:
    """Return what limits count an email address as, whether or not it has an account."""
    return hashlib.sha256(email.strip().lower().encode()).hexdigest()


def ask_for_code(request: HttpRequest, required: CodeRequired) -> HttpResponse:
    """Keep the sign-in in the session and lead to the page for its code. A new code replaces the one before."""
    code = get_adapter().generate_login_code()
    user = required.user
    pending = PendingSignIn(
        email=required.email,
        user_id=user.pk if user else None,
        password_mark=user.get_session_auth_hash() if user else "",
        code_digest=_digest(code),
        expires=time.time() + CODE_SECONDS,
        next_url=get_next_redirect_url(request),
    )
    if request.session.is_empty():
        request.session.set_expiry(CODE_SECONDS)
    request.session[STATE] = asdict(pending)
    return _CodePage(request, pending.email, user, code)


def pending_sign_in(request: HttpRequest) -> PendingSignIn | None:
    """Return the sign-in of this session that waits for a code, if its code has not expired."""
    state = request.session.get(STATE)
    pending = PendingSignIn(**state) if state else None
    return pending if pending is not None and time.time() < pending.expires else None


def forget_sign_in(request: HttpRequest) -> None:
    """Let the code of this session expire."""
    request.session.pop(STATE, None)


def finish_sign_in(request: HttpRequest, pending: PendingSignIn, code: str) -> HttpResponse | None:
    """Sign in with the right code; None for a wrong one.

    Raises:
        RateLimited: this code was guessed too often.
    """
    GUESSES_OF_CODE.hit(pending.code_digest)
    # After a wrong password there is a code as well, but it was mailed to nobody.
    user = User.objects.filter(pk=pending.user_id).first() if pending.user_id else None
    if user is None or not constant_time_compare(_digest(code), pending.code_digest):
        return None
    if not constant_time_compare(user.get_session_auth_hash(), pending.password_mark):
        return None
    forget_sign_in(request)
    login = Login(user=user, email=pending.email, redirect_url=pending.next_url)
    response: HttpResponse = perform_password_login(request, {"email": pending.email}, login)
    request.session.set_expiry(settings.SESSION_COOKIE_AGE)
    return response


class _CodePage(HttpResponseRedirect):
    """Leads to the page for the code, and mails the code after the answer is out: its time must not tell anything."""

    def __init__(self, request: HttpRequest, email: str, user: User | None, code: str) -> None:
        super().__init__(reverse("account_sign_in_code"))
        self._mail = (request, email, user, code)

    def close(self) -> None:
        request, email, user, code = self._mail
        try:
            if user is not None and _may_be_mailed(user) and CODES_OF_ACCOUNT.allows(user.pk):
                with request_context(request):
                    get_adapter().send_mail("account/email/sign_in_code", email, {"code": code})
        except DatabaseError as error:
            logger.error("A code to sign in could not be queued", exc_info=error)
        finally:
            super().close()


def _may_be_mailed(user: User) -> bool:
    """Return whether the address is the user's, as far as this installation asks: strangers are mailed nothing."""
    if app_settings.EMAIL_VERIFICATION != app_settings.EmailVerificationMethod.MANDATORY:
        return True
    return is_verified(user)


def _digest(code: str) -> str:
    return salted_hmac(STATE, normalize_user_code(code), algorithm="sha256").hexdigest()
