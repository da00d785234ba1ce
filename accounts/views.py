"""Where signing in differs from django-allauth's views."""

from allauth.account import views
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.forms import CodeForm
from accounts.limits import Limit, subject_of_request
from accounts.sessions import digest_of_session
from accounts.sign_in import (
    CodeRequired,
    ask_for_code,
    finish_sign_in,
    forget_sign_in,
    pending_sign_in,
)
from raster.errors import RateLimited

SIGN_UPS_OF_ADDRESS = Limit("sign-up of address", 30, 60)
#: By session: nobody but a person who is signed in can use it up.
CONFIRMATIONS = Limit("reauthentication", 10, 60)


def login(request: HttpRequest) -> HttpResponse:
    """Sign in, or go on to the page for a code."""
    try:
        response: HttpResponse = views.login(request)
    except CodeRequired as required:
        return ask_for_code(request, required)
    return response


@sensitive_post_parameters("code")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_code(request: HttpRequest) -> HttpResponse:
    """Ask for the code that was mailed after the password was entered."""
    if request.user.is_authenticated:
        return redirect(settings.LOGIN_REDIRECT_URL)
    pending = pending_sign_in(request)
    if pending is None:
        messages.info(request, "This code has expired. Sign in again to get a new one.")
        return redirect("account_login")
    form = CodeForm(request.POST or None)
    if form.is_valid():
        try:
            response = finish_sign_in(request, pending, form.cleaned_data["code"])
        except RateLimited:
            forget_sign_in(request)
            messages.error(request, "Too many wrong codes. Sign in again to get a new one.")
            return redirect("account_login")
        if response is not None:
            return response
        form.add_error("code", "This code is wrong. Check the message, or sign in again to get a new code.")
    return render(request, "account/sign_in_code.html", {"form": form, "email": pending.email})


def signup(request: HttpRequest) -> HttpResponse:
    """Create an account."""
    if request.method == "POST":
        SIGN_UPS_OF_ADDRESS.hit(subject_of_request(request))
    response: HttpResponse = views.signup(request)
    return response


def reauthenticate(request: HttpRequest) -> HttpResponse:
    """Ask somebody who is signed in for their password again."""
    if request.method == "POST" and request.user.is_authenticated:
        CONFIRMATIONS.hit(digest_of_session(request))
    response: HttpResponse = views.reauthenticate(request)
    return response


def password_reset(request: HttpRequest) -> HttpResponse:
    """Ask for an address to send a reset to, or say whom to ask where no mail can be sent."""
    if not settings.MAIL_CONFIGURED:
        return render(request, "account/password_reset.html")
    response: HttpResponse = views.password_reset(request)
    return response
